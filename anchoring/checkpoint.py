"""Checkpoints, c2sp.org/tlog-checkpoint v1.0.0: origin, size and root, signed as a note.

The text of ours is a pure function of (origin, size, root), with no extension lines, so the
state of the registry contract alone gives back the exact text that the log signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anchoring.encoding import encode_base64, parse_base64, parse_decimal
from anchoring.errors import MalformedInput
from anchoring.merkle import EMPTY_ROOT, HASH_BYTES
from anchoring.note import Note, NoteSigner, parse_note, sign_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: ``root`` is the RFC 9162 root of the first ``size`` entries of ``origin``."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Parse a checkpoint's text; raises MalformedInput.

    Extension lines are kept: foreign logs may have them, ours do not.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise MalformedInput("a checkpoint has the lines origin, size and root")
    origin, size, root, *extensions = lines[:-1]
    if not origin or not all(extensions):
        raise MalformedInput("a checkpoint has an empty line")
    return Checkpoint(
        origin,
        parse_decimal(size, "the checkpoint's size"),
        parse_base64(root, "the checkpoint's root", HASH_BYTES),
        tuple(extensions),
    )


def parse_checkpoint(data: bytes) -> tuple[Checkpoint, Note]:
    """Parse a signed checkpoint without verifying it; raises MalformedInput."""
    note = parse_note(data)
    checkpoint = parse_checkpoint_text(note.text)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise MalformedInput("a checkpoint of size 0 has another root than the empty one")
    return checkpoint, note


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """Return the signed checkpoint; the caller answers for its consistency with earlier ones."""
    text = checkpoint.text()
    if parse_checkpoint_text(text) != checkpoint:
        raise MalformedInput("the checkpoint's origin or extension lines hold a newline")
    return sign_note(text, signers).encode()
