"""Keccak-256: whichever library is there gives Ethereum's digests."""

import builtins
import random
from typing import Any

import pytest

from seawall import signing


def test_either_library_gives_the_same_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    texts = [dice.randbytes(size) for size in (0, 1, 31, 32, 135, 136, 137, 271, 272, 4_096)]
    found = [signing.keccak_256(text) for text in texts]
    original = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "sha3":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    signing._keccak.cache_clear()
    try:
        assert [signing.keccak_256(text) for text in texts] == found
    finally:
        signing._keccak.cache_clear()
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"  # EXTCODEHASH of an account, EIP-1052
    assert found[0].hex() == empty
