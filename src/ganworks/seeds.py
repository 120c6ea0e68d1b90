"""Random numbers as functions of (seed, what for, which one): nothing to save, nothing to restore."""

from __future__ import annotations

import hashlib


def mix(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on every part and on their order.

    Equal parts give equal seeds on every machine and in every process.
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
