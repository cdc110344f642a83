"""Commitments to personal data: an event names a value without holding it.

::

    commitment = SHA-256("tallystick/pii/v1\\0" || salt || field || 0x00 || value)

``salt`` is 32 random bytes, one for each value, ``field`` matches ``[a-z][a-z0-9_]*`` (so the
zero byte ends it), ``value`` is UTF-8. Whoever holds salt and value can show what was committed
to; without the salt the value cannot be guessed from the log. Destroying both erases the value,
and every proof of the event stays as it was.

An event with personal data has the payload member ``personal``, an object of field to commitment
in lower-case hex. An erasure is the event ``personal_data.erased``, whose payload lists the
commitments whose values and salts were destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from anchoring.canonical import is_key
from anchoring.encoding import parse_hex
from anchoring.envelope import ParsedEntry
from anchoring.errors import MalformedInput, VerificationFailed

SALT_BYTES = 32
PERSONAL_MEMBER = "personal"
ERASURE_EVENT = "personal_data.erased"

_CONTEXT = b"tallystick/pii/v1\0"
_ERASURE_MEMBERS = {"commitments", "fields", "reason", "subject_id"}


def commit(field: str, value: str, salt: bytes) -> bytes:
    """Return the 32 bytes of the commitment to ``value`` of ``field``.

    Raises MalformedInput for a field name or salt of another form, or a value that is not text.
    """
    if not is_key(field):
        raise MalformedInput("a personal field's name does not match [a-z][a-z0-9_]*")
    if len(salt) != SALT_BYTES:
        raise MalformedInput(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    try:
        text = value.encode()
    except UnicodeEncodeError as error:
        raise MalformedInput(f"the value of {field} holds a lone surrogate") from error
    return sha256(b"".join((_CONTEXT, salt, field.encode(), b"\0", text))).digest()


def verify_commitment(commitment: bytes, field: str, value: str, salt: bytes) -> None:
    """Check that ``commitment`` is to this value; raises VerificationFailed("personal")."""
    if commit(field, value, salt) != commitment:
        raise VerificationFailed("personal", f"{field}: the value does not match its commitment")


def personal_fields(entry: ParsedEntry) -> dict[str, bytes]:
    """Return the event's commitments by field, empty if it has no personal data.

    Raises MalformedInput when ``personal`` is not an object of field to commitment.
    """
    found = entry.envelope.payload.get(PERSONAL_MEMBER)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise MalformedInput("the event's personal is not an object")
    return {field: _parse_commitment(value) for field, value in found.items()}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure event says: the values behind ``commitments`` were destroyed."""

    commitments: frozenset[bytes]
    subject_id: str
    reason: str


def parse_erasure(entry: ParsedEntry) -> Erasure:
    """Read an erasure event whose entry was verified elsewhere; raises MalformedInput."""
    envelope = entry.envelope
    if envelope.type != ERASURE_EVENT or envelope.schema_version != 1:
        raise MalformedInput(f"the event is not a {ERASURE_EVENT} of version 1")
    payload = envelope.payload
    if not set(payload) >= _ERASURE_MEMBERS:
        raise MalformedInput(f"the erasure lacks one of {', '.join(sorted(_ERASURE_MEMBERS))}")
    if not (isinstance(payload["subject_id"], str) and isinstance(payload["reason"], str)):
        raise MalformedInput("the erasure's subject_id or reason is not a string")
    fields, listed = payload["fields"], payload["commitments"]
    if not isinstance(fields, list) or not all(is_key(field) for field in fields):
        raise MalformedInput("the erasure's fields are not field names")
    if not isinstance(listed, list) or not listed:
        raise MalformedInput("the erasure lists no commitments")
    commitments = [_parse_commitment(value) for value in listed]
    if any(low >= high for low, high in pairwise(commitments)):
        raise MalformedInput("the erasure's commitments are not in ascending order")
    return Erasure(frozenset(commitments), payload["subject_id"], payload["reason"])


def _parse_commitment(value: object) -> bytes:
    if not isinstance(value, str):
        raise MalformedInput("a commitment is not a string")
    return parse_hex(value, "a commitment", 32)
