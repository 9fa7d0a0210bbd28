"""The page of the configuration and the code name the same fields with the same defaults."""

import re
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.units import BadInput
from seawall.venue.config import Config, load_config, without_secrets
from seawall.venue.rest.errors import CODES

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "venue" / "configuration.md"
ROW = re.compile(r"^\| `(\w+)\.(\w+)` \|[ ]?(.*?)[ ]?\| (.+) \|$", re.MULTILINE)


def section_of(kind: Any) -> Any:
    """The struct of a table: itself, or what a list of tables holds."""
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else typing.get_args(kind)[0]


def in_code() -> dict[tuple[str, str], Any]:
    """Defaults by (table, field); NODEFAULT where one must be given."""
    found = {}
    for table in msgspec.structs.fields(Config):
        for field in msgspec.structs.fields(section_of(table.type)):
            default = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            found[table.name, field.name] = default
    return found


def told(default: Any) -> str:
    """A default as the page writes it."""
    if default in (msgspec.NODEFAULT, None, ""):
        return ""
    text = default if isinstance(default, str) else msgspec.json.encode(default).decode()
    return f"`{text}`"


def test_the_page_has_every_field_with_its_default() -> None:
    page = {(table, field): default for table, field, default, _ in ROW.findall(PAGE.read_text())}
    code = {names: told(default) for names, default in in_code().items()}
    assert {names: default for names, default in code.items() if page.get(names) != default} == {}
    assert sorted(page.keys() - code.keys()) == []


def test_the_page_of_refusals_has_every_code() -> None:
    row = re.compile(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", re.MULTILINE)
    page = {code: int(status) for code, status, _ in row.findall((PAGE.parent / "rest.md").read_text())}
    assert page == {code: int(status) for code, (status, _) in CODES.items()}


def test_every_field_of_a_table_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "venue.toml"
    file.write_text('[server]\nport = 1\nhost = "::1"\n[[alert]]\ntarget = "json://x"\nkind = "breaker"\n')
    environment = {
        "SEAWALL_SERVER__PORT": "3005",
        "SEAWALL_LIMITS__ENABLED": "false",
        "SEAWALL_LIMITS__EXEMPT": '["10.0.0.0/8"]',
        "SEAWALL_ALERTS__SECONDS": "0.5",
        "SEAWALL_ADMIN_TOKEN": "not a field",
        "OTHER__THING": "x",
    }
    found = load_config(file, environment)
    assert (found.server.port, found.server.host, found.limits.enabled) == (3005, "::1", False)
    assert (found.limits.exempt, found.alerts.seconds, found.alert[0].kind) == (("10.0.0.0/8",), 0.5, "breaker")


def test_what_is_shown_of_it_has_no_secrets(tmp_path: Path) -> None:
    file = tmp_path / "venue.toml"
    own = "".join(f'[[alert]]\ntarget = "{one}"\nkind = "status"\n' for one in ("tgram://s3cret/1", "env:PAGER"))
    file.write_text(f'[data]\nhistory = "postgresql+psycopg://ann:s3cret@db:5432/venue"\n{own}')
    settings = load_config(file, {})
    shown = without_secrets(settings)
    assert "s3cret" not in str(shown)
    assert shown.data.history == "postgresql+psycopg://ann:***@db:5432/venue"
    assert [terms.target for terms in shown.alert] == ["tgram://***", "env:PAGER"]
    assert without_secrets(load_config(None, {})) == load_config(None, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limit]\nenabled = false", "limit"),
        ("[limits]\nenable = false", "enable"),
        ("[limits]\nweight_a_minute = 0", "weight_a_minute"),
        ("[logs]\nlevel = 'loud'", "level"),
        ("[alerts]\nseconds = 0.0", "seconds"),
        ("[[alert]]\nkind = 'breaker'", "target"),
        ("[limits", "venue.toml"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "venue.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        load_config(file, {})
    assert words in str(caught.value)
    with pytest.raises(BadInput):
        load_config(None, {"SEAWALL_LIMITS__WEIGHT_A_MINUTE": "many"})
