"""How addresses, names and client ids travel in command rows, and the addresses of what has no key of its own.

An address is 160 bits in words of 54, 53 and 53; a client id of 128 bits is two signed words; a name of up to 16 bytes
of UTF-8 takes the same two. Sub-accounts and pools have no key: their address is a hash that nobody can sign for.
"""

from typing import Final

from seawall.signing import keccak_256
from seawall.units import BadInput

ADDRESS_BYTES: Final = 20
NAME_BYTES: Final = 16
MIDDLE_BITS: Final = 53
MIDDLE_MASK: Final = (1 << MIDDLE_BITS) - 1
HALF_BITS: Final = 64
HALF: Final = 1 << HALF_BITS
SIGN: Final = HALF >> 1
HEX_ADDRESS: Final = 2 * ADDRESS_BYTES
NOBODY: Final = bytes(ADDRESS_BYTES)

Words = tuple[int, int, int]
Pair = tuple[int, int]


def address_of(text: object, field: str) -> bytes:
    """20 bytes of hex text, with or without 0x, in any case. BadInput for anything else."""
    if isinstance(text, str):
        digits = text[2:] if text[:2] in ("0x", "0X") else text
        if len(digits) == HEX_ADDRESS:
            try:
                return bytes.fromhex(digits)
            except ValueError:
                pass
    raise BadInput(field, "expected an address of 20 bytes as hex")


def address_text(address: bytes) -> str:
    """Lower-case hex with 0x, as Hyperliquid writes addresses."""
    return "0x" + address.hex()


def words_of(address: bytes) -> Words:
    """The three words that a row has for an address."""
    number = int.from_bytes(address, "big")
    return number >> 2 * MIDDLE_BITS, (number >> MIDDLE_BITS) & MIDDLE_MASK, number & MIDDLE_MASK


def address_from(words: Words) -> bytes:
    """The address of three words."""
    number = (words[0] << 2 * MIDDLE_BITS) | (words[1] << MIDDLE_BITS) | words[2]
    return number.to_bytes(ADDRESS_BYTES, "big")


def pair_of(number: int) -> Pair:
    """An unsigned 128-bit number as two signed words, high first."""
    high, low = number >> HALF_BITS, number & (HALF - 1)
    return high - HALF if high >= SIGN else high, low - HALF if low >= SIGN else low


def number_from(pair: Pair) -> int:
    """The unsigned 128-bit number of two signed words."""
    return ((pair[0] & (HALF - 1)) << HALF_BITS) | (pair[1] & (HALF - 1))


def client_id_of(text: object, field: str) -> int:
    """A client order id: 0x and 32 hex digits, not 0. BadInput for anything else."""
    if isinstance(text, str) and len(text) == 34 and text[:2] == "0x":
        try:
            number = int(text[2:], 16)
        except ValueError:
            number = 0
        if number > 0:
            return number
    raise BadInput(field, "expected a client order id: 0x and 32 hex digits, not all 0")


def client_id_text(number: int) -> str:
    """A client order id as clients write it."""
    return f"0x{number:032x}"


def name_pair(name: str, field: str) -> Pair:
    """A name of at most 16 bytes as two words; the empty name is (0, 0). BadInput when it is longer or holds a 0."""
    data = name.encode()
    if len(data) > NAME_BYTES or b"\0" in data or not name.isprintable():
        raise BadInput(field, f"expected at most {NAME_BYTES} bytes of printable text")
    return pair_of(int.from_bytes(data.ljust(NAME_BYTES, b"\0"), "big"))


def name_from(pair: Pair) -> str:
    """The name of two words; bytes that are no text are replaced."""
    data = number_from(pair).to_bytes(NAME_BYTES, "big").rstrip(b"\0")
    return data.decode(errors="replace")


def keyless_address(kind: str, number: int) -> bytes:
    """The address of the `number`-th thing of a kind without a key: a sub-account, a pool."""
    return keccak_256(f"seawall {kind} {number}".encode())[-ADDRESS_BYTES:]
