"""`seawall journal verify | replay | show`: what they print and their exit codes."""

import json
from pathlib import Path

import pytest

from journal_world import SEGMENT, Log, batches
from seawall.cli import journal as door
from seawall.cli.main import main
from seawall.journal.disk import Folder
from seawall.journal.record import PAGE, segment_name

Out = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of several segments with a snapshot."""
    disk = Folder(tmp_path)
    log = Log(disk)
    for at, rows in enumerate(batches(1, 12)):
        log.apply(rows)
        log.writer.sync()
        if at == 6:
            log.snapshot()
    disk.close()
    return tmp_path


def run(capsys: Out, *words: object) -> tuple[int, str, str]:
    code = main(["journal", *(str(word) for word in words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def damage(file: Path, offset: int) -> None:
    data = bytearray(file.read_bytes())
    data[offset] ^= 1
    file.write_bytes(data)


def test_a_whole_journal_verifies(folder: Path, capsys: Out) -> None:
    code, out, err = run(capsys, "verify", folder)
    assert (code, err) == (0, "")
    assert out.startswith("13 records in 5 segments, commands 1..65\n")
    assert "snapshot-" in out
    assert ": whole" in out
    code, out, _ = run(capsys, "verify", folder, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["whole"], told["first"], told["last"], told["records"], told["lost"]) == (True, 1, 65, 13, None)
    code, out, _ = run(capsys, "verify", folder / segment_name(2), "--json")
    assert code == 0
    assert json.loads(out)["first"] > 1


def test_a_replay_tells_the_final_state_and_the_snapshots_it_passed(folder: Path, capsys: Out) -> None:
    code, out, err = run(capsys, "replay", folder, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["commands"], len(told["snapshots"]), told["lost"]) == (65, 1, None)
    code, out, _ = run(capsys, "replay", folder)
    assert code == 0
    assert out.startswith("65 commands in ")
    assert f"state {told['state']}\nchain {told['chain']}\n" in out


def test_show_prints_commands_by_name(folder: Path, capsys: Out) -> None:
    code, out, _ = run(capsys, "show", folder, "--count", "3")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 3)
    assert lines[0].split() == ["1", "tick", "signer=-1099511627777", "time=1760000400000"]
    assert lines[1].split()[1] == "list_market"
    code, out, _ = run(capsys, "show", folder, "--from", "64", "--json")
    shown = [json.loads(line) for line in out.splitlines()]
    assert [entry["sequence"] for entry in shown] == [64, 65]
    assert all(entry["kind"] in ("tick", "oracle", "place", "unknown 99") for entry in shown)
    assert run(capsys, "show", folder, "--from", "66") == (0, "", "")


def test_a_torn_tail_is_told_and_is_1(folder: Path, capsys: Out) -> None:
    last = sorted(folder.glob("*.seg"))[-1]
    damage(last, PAGE + 300)
    code, out, _ = run(capsys, "verify", folder)
    assert code == 1
    assert f"bytes of {last.name} from byte {PAGE} on" in out
    code, out, _ = run(capsys, "verify", folder, "--json")
    told = json.loads(out)
    assert (code, told["whole"], told["lost"]["file"], told["lost"]["offset"]) == (1, False, last.name, PAGE)
    assert run(capsys, "replay", folder)[0] == 1


def test_damage_names_the_file_and_the_byte_and_is_1(folder: Path, capsys: Out) -> None:
    second = folder / segment_name(2)
    damage(second, PAGE + 300)
    for command in ("verify", "replay", "show"):
        code, out, err = run(capsys, command, folder, *(("--count", "99") if command == "show" else ()))
        assert code == 1
        assert err.startswith(f"error: {second} at byte {PAGE}: no whole record")
        code, out, _ = run(capsys, command, folder, "--json", *(("--count", "99") if command == "show" else ()))
        told = json.loads(out.splitlines()[-1])
        assert (code, told["whole"], told["file"], told["offset"]) == (1, False, str(second), PAGE)


def test_a_bad_snapshot_is_1(folder: Path, capsys: Out) -> None:
    damage(next(folder.glob("*.snap")), 900)
    code, out, _ = run(capsys, "verify", folder)
    assert code == 1
    assert ".snap: the state does not have its checksum" in out


def test_a_missing_segment_is_1(folder: Path, capsys: Out) -> None:
    (folder / segment_name(2)).unlink()
    code, _, err = run(capsys, "verify", folder)
    assert code == 1
    assert "the segment after it is missing" in err


def test_what_is_no_journal_is_2(tmp_path: Path, folder: Path, capsys: Out) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "file.txt"
    other.write_text("words")
    bad = empty / segment_name(1)
    for source, why in (
        (empty, "no segment"),
        (tmp_path / "nowhere", "no such file"),
        (other, "not a segment"),
        (folder / segment_name(9), "no such file"),
    ):
        code, _, err = run(capsys, "verify", source)
        assert (code, why in err) == (2, True)
    bad.write_bytes(b"x" * SEGMENT)
    code, _, err = run(capsys, "verify", empty)
    assert (code, "not a segment of a journal" in err) == (2, True)
    code, _, err = run(capsys, "replay", folder / segment_name(2))
    assert (code, "replay the folder" in err) == (2, True)
    assert run(capsys, "show", folder, "--from", "0")[0] == 2


def test_long_readings_tell_how_far_they_are(folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TOLD_EVERY_S", 0.0)
    _, _, err = run(capsys, "verify", folder)
    assert "command 65 after 0 s" in err
