"""Tidiness as a test: lengths everywhere, and in the core what would let a float, chance or an unordered set decide.

Every check is a function from source text to complaints, and is shown a bad snippet first, so that it can fail.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FILE_LINES = 500
FUNCTION_LINES = 60

CORE_FOLDERS = ("terms", "pricing", "margin", "presets", "ledger", "book", "liquidation", "engine")
CORE_FILES = ("units.py", "wide.py")
IMPURE = ("asyncio", "datetime", "http", "io", "locale", "os", "pathlib", "random", "secrets", "socket", "subprocess")
IMPURE += ("sys", "tempfile", "threading", "time", "urllib", "uuid", "decimal", "numpy.random")
WHOLE_MATH = ("isqrt", "gcd", "lcm", "prod", "comb")
DIVISION_HOME = "units.py"
PROPOSES = "RATE_INVERSE"  # the bulk kernel's one float: it proposes a quotient that an exact integer test corrects
WORDS = ("TO" + "DO", "FIX" + "ME", "place" + "holder", "phase" + " 2", "not " + "implemented", "stu" + "b")
FORBIDDEN = re.compile(r"\b(" + "|".join(WORDS) + r")s?\b", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Check = Callable[[str], list[str]]


def long_file(source: str) -> list[str]:
    count = len(source.splitlines())
    return [f"{count} lines, at most {FILE_LINES}"] if count > FILE_LINES else []


def long_functions(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.end_lineno is not None:
            count = node.end_lineno - node.lineno + 1
            if count > FUNCTION_LINES:
                found.append(f"line {node.lineno}: {node.name} has {count} lines, at most {FUNCTION_LINES}")
    return found


def unfinished_words(source: str) -> list[str]:
    lines = enumerate(source.splitlines(), 1)
    return [f"line {number}: {match.group()!r}" for number, line in lines for match in FORBIDDEN.finditer(line)]


def broad_handlers(source: str) -> list[str]:
    """A bare except, or one that catches Exception or BaseException, alone or in a tuple."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = [None if kind is None else ast.unparse(kind) for kind in caught]
        if {None, "Exception", "BaseException"} & set(names):
            found.append(f"line {node.lineno}: except {names[0] or ''}")
    return found


def floats(source: str) -> list[str]:
    """Float or complex literals, float, decimal, float dtypes, and functions of math that leave the integers."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"line {node.lineno}: literal {node.value}")
        elif isinstance(node, ast.Name) and node.id in ("float", "complex"):
            found.append(f"line {node.lineno}: {node.id}")
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"float\d*|double|Decimal", node.attr):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "math" and node.attr not in WHOLE_MATH:
            found.append(f"line {node.lineno}: math.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == "decimal":
            found.append(f"line {node.lineno}: imports decimal")
        elif isinstance(node, ast.ImportFrom) and node.module == "math":
            found += [f"line {node.lineno}: math.{a.name}" for a in node.names if a.name not in WHOLE_MATH]
    lines = source.splitlines()
    return [complaint for complaint in found if PROPOSES not in lines[int(complaint.split()[1].strip(":")) - 1]]


def impure_imports(source: str) -> list[str]:
    """Imports of a clock, chance, the environment, disk or network, and open()."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in ("np.random", "numpy.random"):
            names = ["numpy.random"]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "input", "print"):
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}()")
        bad = [name for name in names if any(name == b or name.startswith(b + ".") for b in IMPURE)]
        found += [f"line {getattr(node, 'lineno', 0)}: imports {name}" for name in bad]
    return found


def unordered_iteration(source: str) -> list[str]:
    """Walking a set, or turning one into a sequence, anywhere but through sorted() and the like."""
    found = []
    for scope in _scopes(ast.parse(source)):
        nodes = list(_own_nodes(scope))
        bound = {name for node in nodes for name in _names_bound_to_sets(node)}
        for node in nodes:
            walked: list[ast.expr] = []
            if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
                walked = [node.iter]
            elif isinstance(node, ast.Starred):
                walked = [node.value]
            elif isinstance(node, ast.Call) and _is_ordering_call(node.func):
                walked = list(node.args)
            found += [f"line {expr.lineno}: walks {ast.unparse(expr)}" for expr in walked if _is_set(expr, bound)]
    return found


def _is_ordering_call(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("list", "tuple", "enumerate", "iter", "next", "zip", "map", "join", "fromkeys", "extend", "chain")


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope without those of the functions inside it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting.extend(ast.iter_child_nodes(node))


def _names_bound_to_sets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign) and _is_set(node.value, set()):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    annotated = isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None
    if annotated and re.match(r"(frozen)?set\b|Set\b|AbstractSet\b", ast.unparse(node.annotation)):
        return [node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)]
    return []


def _is_set(expr: ast.expr, bound: set[str]) -> bool:
    if isinstance(expr, ast.Set | ast.SetComp):
        return True
    if isinstance(expr, ast.Name):
        return expr.id in bound
    if isinstance(expr, ast.Call):
        called = expr.func
        if isinstance(called, ast.Attribute) and called.attr in ("union", "intersection", "difference"):
            return True
        return isinstance(called, ast.Name) and called.id in ("set", "frozenset")
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        sides = (expr.left, expr.right)
        return any(_is_set(side, bound) or ast.unparse(side).endswith((".keys()", ".items()")) for side in sides)
    return False


def floor_division_of_money(source: str) -> list[str]:
    """`//` outside a module with kernels. A constant or a length may be divided: neither is an amount of anybody's."""
    if re.search(r"^\s*(@kernel\b|from seawall\.kernel import)", source, re.MULTILINE):
        return []
    found = []
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.AugAssign) and isinstance(node.op, ast.FloorDiv)) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv) and not _is_fixed(node.left)
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def _is_fixed(expr: ast.expr) -> bool:
    if isinstance(expr, ast.Constant):
        return True
    if isinstance(expr, ast.BinOp):
        return _is_fixed(expr.left) and _is_fixed(expr.right)
    if isinstance(expr, ast.Call):
        return isinstance(expr.func, ast.Name) and expr.func.id == "len"
    name = expr.attr if isinstance(expr, ast.Attribute) else getattr(expr, "id", "")
    return bool(name) and name.isupper()


def imports_of_the_judged(source: str) -> list[str]:
    """The model may share no code with what it judges."""
    return [line for line in source.splitlines() if re.match(r"\s*(from|import)\s+(seawall|build|strategies)\b", line)]


BAD: list[tuple[Check, str]] = [
    (long_file, "x = 1\n" * (FILE_LINES + 1)),
    (long_functions, "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    (long_functions, "class A:\n    async def f(self):\n" + "        x = 1\n" * FUNCTION_LINES),
    *[(unfinished_words, f"x = 1  # {word}") for word in WORDS],
    (unfinished_words, f"# {WORDS[0].lower()}: later"),
    *[(broad_handlers, f"try:\n    f()\nexcept{kind}:\n    g()") for kind in ("", " Exception", " BaseException as e")],
    (broad_handlers, "try:\n    f()\nexcept (ValueError, Exception):\n    g()"),
    *[(floats, text) for text in ("x = 1.5", "x = 1e6", "x = 2j", "x = float(y)", "def f(x: float): ...")],
    *[
        (floats, text)
        for text in ("from decimal import Decimal", "x = np.float64(1)", "math.sqrt(2)", "from math import log")
    ],
    *[(impure_imports, text) for text in ("import time", "import os.path", "from os import environ", "print(1)")],
    *[
        (impure_imports, text)
        for text in ("import random", "from numpy import random", "x = np.random.rand()", "open(p)")
    ],
    *[(impure_imports, text) for text in ("from datetime import datetime", "def f():\n    import secrets")],
    *[(unordered_iteration, f"for x in {walked}: f(x)") for walked in ("{1, 2}", "set(y)", "frozenset(y)", "a | {1}")],
    *[(unordered_iteration, text) for text in ("s = {1}\nfor x in s: f(x)", "[x for x in {y for y in z}]")],
    *[
        (unordered_iteration, text)
        for text in ("list(set(y))", "f(*{1, 2})", "a.keys() | b.keys()\ntuple(a.keys() - b)")
    ],
    (unordered_iteration, "def f(s: set[int]) -> int:\n    for x in s:\n        return x"),
    (unordered_iteration, "def f():\n    s: set[str] = g()\n    return ','.join(s)"),
    (unordered_iteration, "x = dict.fromkeys(a.intersection(b))"),
    *[(floor_division_of_money, text) for text in ("x = amount // 2", "x //= 3", "x = -(-a // b)", "x = f(y) // ONE")],
    (imports_of_the_judged, "from seawall.units import Price"),
    (imports_of_the_judged, "    import seawall"),
]

GOOD: list[tuple[Check, str]] = [
    (long_file, "x = 1\n" * FILE_LINES),
    (long_functions, "def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)),
    (unfinished_words, "stubborn = method = 1"),
    (broad_handlers, "try:\n    f()\nexcept (ValueError, KeyError):\n    g()"),
    (floats, "from math import isqrt\nx = Fraction(1, 2) / 3\ny = math.gcd(2, 4)"),
    (floats, "RATE_INVERSE = 1.0 / RATE_ONE"),
    (impure_imports, "import msgspec\nfrom seawall.units import TimeMs\nx = y.time"),
    (unordered_iteration, "s = {1}\nfor x in sorted(s): f(x)\nfor k in {1: 2}: g(k)\nany(x in s for x in y)"),
    (floor_division_of_money, "x = RATE_ONE // 2\ny = limits.TOP // z\nw = len(v) // 2\nu = 2**53 // 3"),
    (floor_division_of_money, "from seawall.kernel import kernel\n@kernel\ndef f(a): return a // 2"),
    (imports_of_the_judged, "from model.margin import ONE"),
]


@pytest.mark.parametrize(("check", "source"), BAD)
def test_a_check_complains_of_a_bad_snippet(check: Check, source: str) -> None:
    assert check(source)


@pytest.mark.parametrize(("check", "source"), GOOD)
def test_a_check_lets_a_good_snippet_pass(check: Check, source: str) -> None:
    assert check(source) == []


def everything() -> list[Path]:
    return [path for folder in ("src", "tests", "bench", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]


def core() -> list[Path]:
    home = ROOT / "src" / "seawall"
    return [home / name for name in CORE_FILES] + [p for f in CORE_FOLDERS for p in sorted((home / f).rglob("*.py"))]


def core_but_units() -> list[Path]:
    return [path for path in core() if path.name != DIVISION_HOME and path.name not in CORE_FILES]


def model() -> list[Path]:
    return sorted((ROOT / "tests" / "model").rglob("*.py"))


RULES: list[tuple[Check, Callable[[], list[Path]]]] = [
    (long_file, everything),
    (long_functions, everything),
    (unfinished_words, everything),
    (broad_handlers, core),
    (floats, core),
    (impure_imports, core),
    (unordered_iteration, core),
    (floor_division_of_money, core_but_units),
    (imports_of_the_judged, model),
]


@pytest.mark.parametrize(("check", "files"), RULES, ids=lambda item: item.__name__)
def test_the_project_is_tidy(check: Check, files: Callable[[], list[Path]]) -> None:
    paths = files()
    assert len(paths) >= 3
    complaints = [
        f"{path.relative_to(ROOT)}: {complaint}" for path in paths for complaint in check(path.read_text("utf-8"))
    ]
    assert complaints == []
