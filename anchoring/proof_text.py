"""What our proof files have in common: a header, lines, an empty line, and a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_utf8
from anchoring.errors import MalformedInput
from anchoring.merkle import HASH_BYTES

MAX_FILE_BYTES = 64 * 2**20


def split_proof(data: bytes, header: str) -> tuple[list[str], bytes]:
    """Return the lines between header and empty line, and the checkpoint, which is verbatim.

    Raises MalformedInput for another header, no checkpoint, or a file above 64 MiB.
    """
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the proof file is longer than 64 MiB")
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not checkpoint:
        raise MalformedInput("the proof has no checkpoint after an empty line")
    first, *lines = parse_utf8(head, "the proof").split("\n")
    if first != header:
        raise MalformedInput(f"the proof does not start with {header}")
    return lines, checkpoint


def join_proof(header: str, lines: Sequence[str], checkpoint: bytes) -> bytes:
    """Return the bytes of a proof file."""
    return "\n".join((header, *lines)).encode() + b"\n\n" + checkpoint


def has_word(line: str, word: str) -> bool:
    """Say whether ``line`` starts with ``word`` and one space."""
    return line.startswith(f"{word} ")


def parse_number(line: str, word: str) -> int:
    """Return N of the line ``word N``; raises MalformedInput."""
    if not has_word(line, word):
        raise MalformedInput(f"the proof has no {word} line where one belongs")
    return parse_decimal(line[len(word) + 1 :], f"the proof's {word}")


def parse_span(line: str, word: str) -> tuple[int, int]:
    """Return (A, B) of the line ``word A B``; raises MalformedInput unless A < B."""
    start_word, _, end_word = line.removeprefix(f"{word} ").partition(" ")
    if not has_word(line, word):
        raise MalformedInput(f"the proof has no {word} line where one belongs")
    start = parse_decimal(start_word, f"the start of the {word}")
    end = parse_decimal(end_word, f"the end of the {word}")
    if start >= end:
        raise MalformedInput(f"the {word} from {start} to {end} is empty")
    return start, end


def parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Return the hash of each line; raises MalformedInput."""
    return tuple(parse_base64(line, "a proof hash", HASH_BYTES) for line in lines)


def hash_lines(hashes: Sequence[bytes]) -> list[str]:
    """Return the line of each hash."""
    return [encode_base64(item) for item in hashes]
