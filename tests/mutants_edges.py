"""Small sabotages of what stands before the parser of JSON, one rule each."""

from mutant_bench import Mutant

NESTING, SOURCE, WIRE = (f"src/seawall/{name}.py" for name in ("nesting", "tools/source", "venue/wire"))
SUITES = "tests/unit/test_venue_wire.py tests/unit/test_tools_wire.py"
RULES: tuple[tuple[str, str, str, str], ...] = (
    ("a document's depth is refused before it is parsed", SOURCE, "    if is_deep(data, DEPTH_MAX):", "    if False:"),
    ("a request's depth is refused before it is parsed", WIRE, "nesting.is_deep(body, DEPTH_MAX)", "False"),
    ("one level more is not", NESTING, "for _ in range(depth_max):", "for _ in range(depth_max + 1):"),
    ("brackets in strings are no depth", NESTING, 'STRINGS.sub(b"", data)', "data"),
    ("an escaped quote ends no string", NESTING, r'(?:[^"\\]|\\.)*+', r'[^"]*+'),
    ("brackets that do not match are counted", NESTING, "depth > depth_max", "depth >= depth_max"),
    ("text without a match is read on", NESTING, "return bool(brackets) and", "return False and"),
)  # fmt: skip

MUTANTS = tuple(Mutant(*rule, SUITES) for rule in RULES)
