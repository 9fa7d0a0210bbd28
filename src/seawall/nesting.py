"""How deeply JSON is nested, found without parsing it.

A parser written in C recurses on its own stack and trusts the interpreter's recursion limit, which libraries of the
chain side raise to 100,000: text that is nested that deep then ends the process. So depth is refused before parsing.
"""

import re
from typing import Final

STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"')
NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


def brackets_of(data: bytes) -> bytes:
    """The brackets of JSON in their order, those inside its strings too."""
    return data.translate(None, NO_BRACKETS)


def is_deep(data: bytes, depth_max: int) -> bool:
    """Whether arrays and objects of `data` are nested beyond `depth_max`, whatever its strings hold.

    Takes the innermost pairs of brackets away, a level at a time; reads on without the strings where that leaves any.
    """
    brackets = brackets_of(data)
    for _ in range(depth_max):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return bool(brackets) and _is_deep_outside_strings(data, depth_max)


def _is_deep_outside_strings(data: bytes, depth_max: int) -> bool:
    """The same where strings hold brackets, or brackets do not match."""
    depth = 0
    for byte in brackets_of(STRINGS.sub(b"", data)):
        depth += 1 if byte in b"[{" else -1
        if depth > depth_max:
            return True
    return False
