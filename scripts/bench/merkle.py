"""Appends to the Merkle tree beside a bare loop that does the same hashes."""

import hashlib

from anchoring.merkle import Frontier
from scripts.bench.report import Figure, rate

LEAVES = 2**18


def bare(leaves: list[bytes]) -> int:
    """hashlib alone: every node of a perfect tree, level by level."""
    sha256 = hashlib.sha256
    level = leaves
    while len(level) > 1:
        level = [
            sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)
        ]
    return len(leaves)


def figures() -> list[Figure]:
    """Appends per second."""
    leaves = [hashlib.sha256(at.to_bytes(8, "big")).digest() for at in range(LEAVES)]

    def bulk() -> int:
        frontier = Frontier()
        for at in range(0, LEAVES, 4_096):
            frontier.extend(leaves[at : at + 4_096])
        frontier.root()
        return LEAVES

    floor, measured = rate(lambda: bare(leaves)), rate(bulk)
    return [
        Figure(
            "Merkle appends", measured, "/s", "bare hashlib loop", floor, "≥ 0.8 ×",
            measured >= 0.8 * floor,
        )
    ]  # fmt: skip
