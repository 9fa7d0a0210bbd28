"""The small arithmetic proved for all arguments within bounds, from its bytecode; each proof fails for a wrong one.

Rounding, products over a quotient, funding, entries and the price of a pool's share. The paths and terms come from the
bytecode (symbolic.py); z3 then finds no arguments for which a path returns something else than its definition says.
Halmos reads the build output of Forge, whose tests are Solidity; over 256-bit words its solvers do not decide division
by an argument. Here words are integers that are shown not to wrap.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("z3", reason="the solver of these tests is an extra: pip install seawall[dev]")
pytest.importorskip("eth_utils", reason="chains are an extra: pip install seawall[chain]")

import z3
from eth_utils.crypto import keccak
from symbolic import Machine, Term, Wraps, term_of

from seawall.chain.artifacts import Artifact, artifact
from seawall.chain.compile import compile_all
from seawall.units import RATE_ONE

SOURCES = Path(__file__).resolve().parents[2] / "contracts"
AMOUNT = 2**64  # bound of every amount, size, price and rate (units.vy)
PRODUCT = 2**128
MICRO = 10**6  # of the funding index
Says = Callable[..., Any]


def is_floor(q: Any, a: Any, b: Any) -> Any:
    """q is the quotient of a by b, b > 0, toward minus infinity."""
    return z3.And(q * b <= a, a < q * b + b)


def is_ceil(q: Any, a: Any, b: Any) -> Any:
    return z3.And(q * b >= a, a > q * b - b)


def is_half_even(q: Any, a: Any, b: Any) -> Any:
    off = 2 * (a - q * b)
    return z3.And(off <= b, off >= -b, z3.Implies(z3.Or(off == b, off == -b), q % 2 == 0))


def magnitude(a: Any) -> Any:
    return z3.If(a >= 0, a, -a)


def is_entry(q: Any, old: Any, entry: Any, size: Any, cost: Any) -> Any:
    """Entry notional after a trade, as SPEC has it. The entry of no position is nothing."""
    after = old + size
    grows = z3.Or(old == 0, (old > 0) == (size > 0))
    keeps = (after > 0) == (old > 0)
    return z3.If(
        grows,
        q == entry + cost,
        z3.If(
            after == 0,
            q == 0,
            z3.If(
                keeps,
                is_floor(q, entry * magnitude(after), magnitude(old)),
                is_floor(q, cost * magnitude(after), magnitude(size)),
            ),
        ),
    )


def is_funding(paid: Any, left: Any, size: Any, step: Any) -> Any:
    owed = -(size * step)
    return z3.And(is_floor(paid, owed, z3.IntVal(MICRO)), left == owed - paid * MICRO, left >= 0, left < MICRO)


ANY, POSITIVE, NONNEGATIVE, WIDE = (-AMOUNT, AMOUNT), (1, AMOUNT), (0, AMOUNT), (-PRODUCT, PRODUCT)
# function: intervals of its arguments, what it returns, and a line of source with a wrong one in its place
CASES: dict[str, tuple[list[tuple[int, int]], Says, tuple[str, str, str]]] = {
    "floor_div": ([WIDE, POSITIVE], is_floor, ("units", "if a < 0 and unsafe_mul(q, b) != a:", "if a < -1:")),
    "ceil_div": ([WIDE, POSITIVE], is_ceil, ("units", "if a > 0 and unsafe_mul(q, b) != a:", "if a > 0:")),
    "half_even_div": ([WIDE, POSITIVE], is_half_even, ("units", "q % 2 != 0", "q % 2 == 0")),
    "rate_up": (
        [ANY, (0, RATE_ONE)],
        lambda q, a, r: is_ceil(q, a * r, z3.IntVal(RATE_ONE)),
        ("units", "return self.ceil_div(unsafe_mul(amount, rate)", "return self.floor_div(unsafe_mul(amount, rate)"),
    ),
    "rate_down": (
        [ANY, (0, RATE_ONE)],
        lambda q, a, r: is_floor(q, a * r, z3.IntVal(RATE_ONE)),
        ("units", "return self.floor_div(unsafe_mul(amount, rate)", "return unsafe_div(unsafe_mul(amount, rate)"),
    ),
    "funding_of": (
        [ANY, ANY],
        is_funding,
        ("units", "owed: int256 = unsafe_sub(0, unsafe_mul(size, step))", "owed: int256 = unsafe_mul(size, step)"),
    ),
    "entry_after": (
        [ANY, ANY, ANY, ANY],
        is_entry,
        ("units", "unsafe_mul(entry, self.magnitude(after)), self.magnitude(old))", "entry, 1)"),
    ),
    "growth": (
        [ANY, ANY],
        lambda q, held, lots: q == z3.If(held + lots > 0, held + lots, 0) - z3.If(held > 0, held, 0),
        ("units", "max(held, 0)", "max(held, 1)"),
    ),
    "minted": (
        [NONNEGATIVE, POSITIVE, POSITIVE],
        lambda q, a, shares, high: is_floor(q, a * shares, high),
        ("share_price", "return amount * shares // high", "return (amount * shares + high - 1) // high"),
    ),
    "cost": (
        [NONNEGATIVE, POSITIVE, POSITIVE],
        lambda q, joining, shares, high: is_ceil(q, joining * high, shares),
        ("share_price", "(joining * high + shares - 1)", "(joining * high)"),
    ),
    "paid": (
        [NONNEGATIVE, POSITIVE, POSITIVE],
        lambda q, leaving, shares, low: is_floor(q, low * leaving, shares),
        ("share_price", "low * leaving // shares", "(low * leaving + 1) // shares"),
    ),
    "burned": (
        [NONNEGATIVE, POSITIVE, POSITIVE],
        lambda q, a, shares, low: is_ceil(q, a * shares, low),
        ("share_price", "(amount * shares + low - 1)", "(amount * shares)"),
    ),
}


def refuted(made: Artifact, name: str) -> str:
    """'' when a function returns what it should on every path, else arguments for which it does not."""
    intervals, says, _ = CASES[name]
    entry = next(e for e in made.abi if e.get("name") == name)
    selector = keccak(f"{name}({','.join('int256' for _ in intervals)})".encode())[:4]
    assert len(entry["inputs"]) == len(intervals)
    terms = [z3.Int(f"arg{i}") for i in range(len(intervals))]
    args = [Term(term, *bounds) for term, bounds in zip(terms, intervals, strict=True)]
    machine = Machine(bytes.fromhex(made.runtime[2:]), selector, args)
    ends = list(machine.ends())
    assert ends
    for end in ends:
        solver = z3.Solver()
        solver.set("timeout", 60_000)
        solver.add(*machine.bounds, *end.facts)
        if end.words is not None:
            solver.add(z3.Not(says(*(term_of(word).term for word in end.words), *terms)))
        answer = solver.check()
        assert answer != z3.unknown, f"{name}: not decided"
        if answer == z3.sat:
            return str(solver.model())
    return ""


@pytest.mark.parametrize("name", CASES)
def test_proved(name: str) -> None:
    assert refuted(artifact("MathProbe"), name) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_wrong_formula_is_refuted(name: str, tmp_path: Path) -> None:
    pytest.importorskip("vyper", reason="the compiler is an extra: pip install seawall[dev]")
    module, right, wrong = CASES[name][2]
    assert (SOURCES / f"{module}.vy").read_text("utf-8").count(right) >= 1
    for file in ("units", "limits", "share_price"):
        shutil.copy(SOURCES / f"{file}.vy", tmp_path)
    shutil.copy(SOURCES / "testing" / "MathProbe.vy", tmp_path)
    text = (tmp_path / f"{module}.vy").read_text("utf-8")
    (tmp_path / f"{module}.vy").write_text(text.replace(right, wrong), "utf-8")
    (made,) = compile_all(tmp_path, lambda _: None, tmp_path / "made")
    assert refuted(made, name) != ""


def test_sums_that_may_wrap_are_told() -> None:
    """The proofs hold within bounds; without them there is none."""
    made = artifact("MathProbe")
    selector = keccak(b"rate_up(int256,int256)")[:4]
    args = [Term(z3.Int(f"arg{i}"), -(2**255), 2**255 - 1) for i in range(2)]
    with pytest.raises(Wraps):
        list(Machine(bytes.fromhex(made.runtime[2:]), selector, args).ends())


def test_nobody_gains_by_joining_and_leaving_at_once() -> None:
    """From the definitions proved above: what joins at `high` brings at most itself when it leaves at a `low` below."""
    amount, shares, high, low, minted, paid = z3.Ints("amount shares high low minted paid")
    solver = z3.Solver()
    solver.add(amount > 0, shares > 0, high > 0, low > 0, low <= high, minted >= 0)
    solver.add(is_floor(minted, amount * shares, high))
    solver.add(is_floor(paid, (low + amount) * minted, shares + minted))
    solver.set("timeout", 60_000)
    solver.add(paid > amount)
    assert solver.check() == z3.unsat
