"""Symbolic execution of a pure function's bytecode over the integers: every path, what it returns, when it reverts.

A word is a concrete number, a truth value, or an integer term with an interval. A term whose interval does not fit in a
signed word raises Wraps: a run that ends has shown that nothing wraps for arguments within their bounds. Division
brings its own definition (a = q * b + r), so that what z3 has to show about products is linear in them. Memory is
addressed by numbers only; loops and storage are not known here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import z3

WORD = 2**256
HALF = 2**255
STEPS = 20_000


class Wraps(Exception):
    """A sum or product that may leave 256 bits."""


class Unknown(Exception):
    """An operation on terms that this executor has no meaning for."""


@dataclass(frozen=True)
class Term:
    """An integer term and bounds of it; `product` remembers two factors, so that a checked product can be undone."""

    term: Any
    low: int
    high: int
    product: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class Choice:
    """`xor(a, b)`, and `cond * xor(a, b)`: how the compiler chooses without a jump."""

    first: Any
    second: Any
    when: Any = None


@dataclass
class Path:
    """Where an execution is."""

    place: int = 0
    stack: list[Any] = field(default_factory=list)
    memory: dict[int, Any] = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class End:
    """How a path ends: what has to hold for it, and the words it returns (None: it reverts)."""

    facts: list[Any]
    words: list[Any] | None


def signed(number: int) -> int:
    return number - WORD if number >= HALF else number


def term_of(word: Any) -> Term:
    """A word as an integer term, signed."""
    if isinstance(word, int):
        return Term(z3.IntVal(signed(word)), signed(word), signed(word))
    if isinstance(word, z3.BoolRef):
        return Term(z3.If(word, z3.IntVal(1), z3.IntVal(0)), 0, 1)
    if isinstance(word, Term):
        return word
    raise Unknown(f"{word} as a number")


def truth_of(word: Any) -> Any:
    if isinstance(word, int):
        return word != 0
    if isinstance(word, Choice) and word.when is None:
        return term_of(word.first).term != term_of(word.second).term
    return word if isinstance(word, z3.BoolRef) else term_of(word).term != 0


def bounded(term: Any, low: int, high: int, product: tuple[Any, Any] | None = None) -> Term:
    if low < -HALF or high >= HALF:
        raise Wraps(f"{term} in {low}..{high}")
    return Term(term, low, high, product)


class Machine:
    """Runs one function of a contract. `args` are terms, within their intervals."""

    def __init__(self, code: bytes, selector: bytes, args: list[Any]) -> None:
        self.code, self.args = code, args
        self.bounds = [b for a in args for b in (a.term >= a.low, a.term <= a.high)]
        self.selector = int.from_bytes(selector, "big")
        self.names = count()

    def ends(self) -> Iterator[End]:
        """Every path that is possible, to its end."""
        waiting = [Path(facts=self.bounds)]
        while waiting:
            path = waiting.pop()
            for _ in range(STEPS):
                more = self.step(path)
                if isinstance(more, End):
                    yield more
                    break
                if more is not None:
                    waiting += [one for one in more if self.is_possible(one)]
                    break
            else:
                raise Unknown("no end")

    def is_possible(self, path: Path) -> bool:
        solver = z3.Solver()
        solver.set("timeout", 2_000)
        solver.add(*path.facts)
        return bool(solver.check() != z3.unsat)

    def step(self, p: Path) -> Any:
        """One instruction: None, the End of the path, or the paths that it splits into."""
        op = self.code[p.place]
        p.place += 1
        if 0x5F <= op <= 0x7F:
            size = op - 0x5F
            p.stack.append(int.from_bytes(self.code[p.place : p.place + size], "big"))
            p.place += size
        elif 0x80 <= op <= 0x8F:
            p.stack.append(p.stack[-(op - 0x7F)])
        elif 0x90 <= op <= 0x9F:
            other = -(op - 0x8E)
            p.stack[-1], p.stack[other] = p.stack[other], p.stack[-1]
        elif op == 0x50:
            p.stack.pop()
        elif op in (0x56, 0x57):
            return self.jump(p, is_conditional=op == 0x57)
        elif op in (0xF3, 0xFD):
            start, size = p.stack.pop(), p.stack.pop()
            words = [self.load(p, start + 32 * i) for i in range(size // 32)] if op == 0xF3 else None
            return End(p.facts, words)
        elif op == 0x34:
            p.stack.append(0)  # no value is sent
        elif op == 0x52:
            at = p.stack.pop()
            p.memory[at] = p.stack.pop()
        elif op in MEMORY:
            MEMORY[op](self, p)
        elif op != 0x5B:
            self.calculate(p, op)
        return None

    def jump(self, p: Path, *, is_conditional: bool) -> Any:
        target = p.stack.pop()
        condition = truth_of(p.stack.pop()) if is_conditional else True
        if isinstance(condition, bool):
            p.place = target if condition else p.place
            return None
        taken = Path(target, list(p.stack), dict(p.memory), [*p.facts, condition])
        p.facts = [*p.facts, z3.Not(condition)]
        return [p, taken]

    # -- memory and calldata

    def load(self, p: Path, at: int) -> Any:
        """A word of memory: one that was stored there, or bytes that were copied."""
        if at in p.memory and not isinstance(p.memory[at], bytes):
            return p.memory[at]
        found = bytearray(32)
        for start, held in p.memory.items():
            if isinstance(held, bytes):
                for i, byte in enumerate(held):
                    if at <= start + i < at + 32:
                        found[start + i - at] = byte
            elif isinstance(held, int) and abs(start - at) < 32:
                for i, byte in enumerate(held.to_bytes(32, "big")):
                    if at <= start + i < at + 32:
                        found[start + i - at] = byte
            elif abs(start - at) < 32:
                raise Unknown("a part of a term")
        return int.from_bytes(found, "big")

    def calldata(self, at: int) -> Any:
        if at == 0:
            return self.selector << 224
        place, rest = divmod(at - 4, 32)
        if rest:
            raise Unknown("calldata between words")
        return self.args[place]

    # -- arithmetic

    def calculate(self, p: Path, op: int) -> None:
        if op not in ARITY:
            raise Unknown(f"instruction {op:#x}")
        words = [p.stack.pop() for _ in range(ARITY[op])]
        if all(isinstance(word, int) for word in words):
            p.stack.append(CONCRETE[op](*words) % WORD)
        elif op in DIVISIONS:
            p.stack.append(DIVISIONS[op](self, p, *words))
        elif op in SYMBOLIC:
            p.stack.append(SYMBOLIC[op](*words))
        else:
            raise Unknown(f"instruction {op:#x} of terms")

    def divided(self, p: Path, a: Any, b: Any) -> tuple[Term, Term]:
        """(quotient toward zero, remainder with the sign of a), by their definition."""
        x, y = term_of(a), term_of(b)
        if y.low <= 0:
            if self.is_possible(replace(p, facts=[*p.facts, y.term <= 0])):
                raise Unknown("division by what may not be positive")
            y = replace(y, low=1)
        number = next(self.names)
        q, r = z3.Int(f"q{number}"), z3.Int(f"r{number}")
        least, most = min(-(-x.low // y.low), x.low // y.low + 1, 0), max(x.high // y.low, 0)
        p.facts = [
            *p.facts,
            x.term == q * y.term + r,
            z3.If(x.term >= 0, z3.And(r >= 0, r < y.term, q >= 0), z3.And(r <= 0, -r < y.term, q <= 0)),
        ]
        remainder = Term(r, 0 if x.low >= 0 else 1 - y.high, y.high - 1)
        return bounded(q, least, most), remainder

    def quotient(self, p: Path, a: Any, b: Any) -> Any:
        if isinstance(a, Term) and a.product is not None:
            for one, other in (a.product, a.product[::-1]):
                if one.term.eq(term_of(b).term):  # a product divided by a factor; by none it is nothing
                    return Term(z3.If(one.term == 0, z3.IntVal(0), other.term), min(other.low, 0), max(other.high, 0))
        return self.divided(p, a, b)[0]

    def remainder(self, p: Path, a: Any, b: Any) -> Term:
        return self.divided(p, a, b)[1]

    def unsigned_quotient(self, p: Path, a: Any, b: Any) -> Any:
        if term_of(a).low < 0:
            raise Unknown("an unsigned quotient of what may be negative")
        return self.quotient(p, a, b)


def _compare(a: Any, b: Any, how: Callable[[Any, Any], Any], *, is_signed: bool) -> Any:
    left, right = term_of(a), term_of(b)
    if not is_signed and min(left.low, right.low) < 0:
        raise Unknown("an order of what may be negative")
    return how(left.term, right.term)


def _add(a: Any, b: Any) -> Term:
    x, y = term_of(a), term_of(b)
    return bounded(x.term + y.term, x.low + y.low, x.high + y.high)


def _sub(a: Any, b: Any) -> Term:
    x, y = term_of(a), term_of(b)
    return bounded(x.term - y.term, x.low - y.high, x.high - y.low)


def _mul(a: Any, b: Any) -> Any:
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Choice):
            return replace(one, when=truth_of(other))
    x, y = term_of(a), term_of(b)
    ends = [i * j for i in (x.low, x.high) for j in (y.low, y.high)]
    return bounded(x.term * y.term, min(ends), max(ends), (x, y))


def _xor(a: Any, b: Any) -> Any:
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Choice) and one.when is not None and (one.first is other or one.second is other):
            return _chosen(one, other)
    if isinstance(a, z3.BoolRef) and isinstance(b, z3.BoolRef | int):
        return z3.Xor(a, b if isinstance(b, z3.BoolRef) else z3.BoolVal(bool(b)))
    return Choice(a, b)


def _chosen(one: Choice, other: Any) -> Term:
    picked = term_of(one.second if one.first is other else one.first)
    kept = term_of(other)
    return Term(z3.If(one.when, picked.term, kept.term), min(picked.low, kept.low), max(picked.high, kept.high))


def _logic(a: Any, b: Any, how: Callable[[Any, Any], Any]) -> Any:
    if not (isinstance(a, z3.BoolRef) or isinstance(b, z3.BoolRef)):
        raise Unknown("bits of terms")
    return how(truth_of(a), truth_of(b))


def _truncated(a: int, b: int) -> int:
    if signed(b) == 0:
        return 0
    quotient = abs(signed(a)) // abs(signed(b))
    return -quotient if (signed(a) < 0) != (signed(b) < 0) else quotient


def _copy(m: Machine, p: Path) -> None:
    target, source, size = p.stack.pop(), p.stack.pop(), p.stack.pop()
    p.memory[target] = m.code[source : source + size].ljust(size, b"\0")


def _copy_data(m: Machine, p: Path) -> None:
    target, source, size = p.stack.pop(), p.stack.pop(), p.stack.pop()
    if source + size <= 4:
        p.memory[target] = m.selector.to_bytes(4, "big")[source : source + size]
        return
    if source >= 4 + 32 * len(m.args):
        p.memory[target] = bytes(size)  # beyond the end: how memory is emptied
        return
    for place in range(0, size, 32):
        p.memory[target + place] = m.calldata(source + place)


def _move(m: Machine, p: Path) -> None:
    target, source, size = p.stack.pop(), p.stack.pop(), p.stack.pop()
    words = [m.load(p, source + at) for at in range(0, size, 32)]
    for place, word in enumerate(words):
        p.memory[target + 32 * place] = word


MEMORY: dict[int, Callable[[Machine, Path], None]] = {
    0x35: lambda m, p: p.stack.append(m.calldata(p.stack.pop())),
    0x36: lambda m, p: p.stack.append(4 + 32 * len(m.args)),
    0x37: _copy_data,
    0x39: _copy,
    0x51: lambda m, p: p.stack.append(m.load(p, p.stack.pop())),
    0x5E: _move,
}
ARITY = dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18), 2)
ARITY |= {0x15: 1, 0x19: 1, 0x1B: 2, 0x1C: 2}
CONCRETE: dict[int, Callable[..., int]] = {
    0x01: lambda a, b: a + b,
    0x02: lambda a, b: a * b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a // b if b else 0,
    0x05: _truncated,
    0x06: lambda a, b: a % b if b else 0,
    0x07: lambda a, b: signed(a) - signed(b) * _truncated(a, b) if b else 0,
    0x10: lambda a, b: int(a < b),
    0x11: lambda a, b: int(a > b),
    0x12: lambda a, b: int(signed(a) < signed(b)),
    0x13: lambda a, b: int(signed(a) > signed(b)),
    0x14: lambda a, b: int(a == b),
    0x15: lambda a: int(a == 0),
    0x16: lambda a, b: a & b,
    0x17: lambda a, b: a | b,
    0x18: lambda a, b: a ^ b,
    0x19: lambda a: ~a,
    0x1B: lambda by, a: a << by if by < 256 else 0,
    0x1C: lambda by, a: a >> by if by < 256 else 0,
}
SYMBOLIC: dict[int, Callable[..., Any]] = {
    0x01: _add,
    0x02: _mul,
    0x03: _sub,
    0x10: lambda a, b: _compare(a, b, lambda x, y: x < y, is_signed=False),
    0x11: lambda a, b: _compare(a, b, lambda x, y: x > y, is_signed=False),
    0x12: lambda a, b: _compare(a, b, lambda x, y: x < y, is_signed=True),
    0x13: lambda a, b: _compare(a, b, lambda x, y: x > y, is_signed=True),
    0x14: lambda a, b: _compare(a, b, lambda x, y: x == y, is_signed=True),
    0x15: lambda a: z3.Not(truth_of(a)),
    0x16: lambda a, b: _logic(a, b, z3.And),
    0x17: lambda a, b: _logic(a, b, z3.Or),
    0x18: _xor,
    0x19: lambda a: _sub(WORD - 1, a),
    0x1B: lambda by, a: _mul(1 << by, a),
}
DIVISIONS: dict[int, Callable[[Machine, Path, Any, Any], Any]] = {
    0x04: Machine.unsigned_quotient,
    0x05: Machine.quotient,
    0x07: Machine.remainder,
}
