"""The ``trust`` file: which registry on which chain, and the blocks that the user trusts.

::

    tallystick trust v1
    chain 31337
    registry 0x5fbdb2315678afecb367f032d93f642f64180aa3
    code 0x<keccak-256 of the registry's code>        (optional)
    block 42 0x<block hash>                           (any number, ascending)

Addresses and hashes are lower-case. The block hash is what anchors everything else, so it must
come from somewhere the log does not control: a node of one's own, an explorer, a counterparty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anchoring.encoding import parse_decimal, parse_hex, parse_utf8
from anchoring.errors import MalformedInput

HEADER = "tallystick trust v1"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the user takes as given about the chain. ``blocks`` maps number to hash."""

    chain_id: int
    registry: bytes
    blocks: Mapping[int, bytes] = field(default_factory=dict)
    code_hash: bytes | None = None

    def encode(self) -> bytes:
        """Return the file's bytes; parsing them gives this trust again."""
        lines = [HEADER, f"chain {self.chain_id}", f"registry 0x{self.registry.hex()}"]
        if self.code_hash is not None:
            lines.append(f"code 0x{self.code_hash.hex()}")
        lines += [f"block {number} 0x{self.blocks[number].hex()}" for number in sorted(self.blocks)]
        return "".join(f"{line}\n" for line in lines).encode()


def parse_trust(data: bytes) -> Trust:
    """Parse a trust file strictly; raises MalformedInput."""
    lines = parse_utf8(data, "the trust file").split("\n")
    if lines.pop() or len(lines) < 3 or lines[0] != HEADER:
        raise MalformedInput(f"the trust file has no line '{HEADER}', chain, registry and newline")
    chain = parse_decimal(_value(lines[1], "chain"), "the chain id")
    registry = _prefixed(_value(lines[2], "registry"), "the registry address", 20)
    rest = lines[3:]
    code_hash = None
    if rest and rest[0].startswith("code "):
        code_hash = _prefixed(_value(rest.pop(0), "code"), "the code hash", 32)
    blocks: dict[int, bytes] = {}
    last = -1
    for line in rest:
        number_word, _, hash_word = _value(line, "block").partition(" ")
        number = parse_decimal(number_word, "a block number")
        if number <= last:
            raise MalformedInput("the trusted blocks are not in ascending order")
        last = number
        blocks[number] = _prefixed(hash_word, "a block hash", 32)
    return Trust(chain, registry, blocks, code_hash)


def _value(line: str, word: str) -> str:
    head, _, value = line.partition(" ")
    if head != word or not value:
        raise MalformedInput(f"the trust file has no {word} line where one belongs")
    return value


def parse_address(text: str) -> bytes:
    """Parse ``0x`` and 40 lower-case hex digits; raises MalformedInput."""
    return _prefixed(text, "the address", 20)


def _prefixed(text: str, what: str, length: int) -> bytes:
    if not text.startswith("0x"):
        raise MalformedInput(f"{what} does not start with 0x")
    return parse_hex(text[2:], what, length)
