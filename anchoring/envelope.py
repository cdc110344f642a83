"""The event and its log entry: the bytes that are signed, hashed and published.

``E`` is the canonical JSON of the envelope. The entry is ``{"event":E,"signature":"<hex>"}``,
itself canonical. Ed25519 signs ``"tallystick/event/v1\\n" || E``, with ``E`` sliced out of the
entry, so a verifier signs off the very bytes that were logged. ``previous`` is the leaf hash of
the stream's previous entry (null at version 1), which chains a stream without the log. The log
position is not signed; the tree proves it. The salt keeps published hashes from being guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from anchoring import canonical
from anchoring.encoding import parse_hex
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle import leaf_hash
from anchoring.signing import ED25519, Ed25519Verifier, Signer

EVENT_CONTEXT = b"tallystick/event/v1\n"
"""Prefix of every signed event: no other signature of the same key can be taken for one."""

SALT_BYTES = 16

_ENTRY_HEAD = b'{"event":'
_SIGNATURE_HEAD = b',"signature":"'
_ENTRY_TAIL = b'"}'
_SIGNATURE_START = 128 + len(_ENTRY_TAIL)
_EVENT_END = _SIGNATURE_START + len(_SIGNATURE_HEAD)

_TIME = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z\Z",
    re.ASCII,
)
_UUID7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z", re.ASCII
)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_SALT = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_NAMED_FIELDS = ("actor", "key_id", "origin", "stream_id", "type")


class EventEnvelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One event. Times are RFC 3339 UTC with exactly six digits of a second.

    ``salt`` is 16 random bytes in hex, ``previous`` a leaf hash in hex or None, ``event_id`` a
    UUIDv7 (RFC 9562), ``payload`` a JSON object of the canonical profile.
    """

    actor: str
    algorithm: str
    causation_id: str | None
    correlation_id: str | None
    effective_at: str
    event_id: str
    key_id: str
    origin: str
    payload: dict[str, Any]
    previous: str | None
    recorded_at: str
    salt: str
    schema_version: int
    stream_id: str
    stream_version: int
    tenant_id: str
    type: str


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """A log entry taken apart: the envelope, the exact event bytes, and the signature."""

    envelope: EventEnvelope
    event_bytes: bytes
    signature: bytes


_ENCODER = msgspec.json.Encoder(order="deterministic")


def format_time(moment: datetime) -> str:
    """Write an aware datetime as RFC 3339 UTC with six digits; refuses a naive one."""
    if moment.tzinfo is None:
        raise MalformedInput("a time without a time zone has no place in an event")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def parse_time(text: str, what: str = "time") -> datetime:
    """Read a time written by :func:`format_time`; raises MalformedInput for other spellings."""
    if not _TIME.match(text):
        raise MalformedInput(f"{what} is not RFC 3339 UTC with six digits: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedInput(f"{what} is no date of the calendar: {text!r}") from error


def check_envelope(envelope: EventEnvelope) -> None:
    """Raise MalformedInput unless every field is of its form (types, patterns, ranges)."""
    for name in _NAMED_FIELDS:
        if not getattr(envelope, name):
            raise MalformedInput(f"the event's {name} is empty")
    if envelope.algorithm != ED25519:
        raise MalformedInput(f"unknown signature algorithm {envelope.algorithm[:40]!r}")
    if not _UUID7.match(envelope.event_id):
        raise MalformedInput("the event's event_id is not a lower-case UUIDv7")
    if not _SALT.match(envelope.salt):
        raise MalformedInput("the event's salt is not 16 bytes in lower-case hex")
    parse_time(envelope.effective_at, "effective_at")
    parse_time(envelope.recorded_at, "recorded_at")
    _check_position(envelope)


def _check_position(envelope: EventEnvelope) -> None:
    if not 1 <= envelope.stream_version <= canonical.MAX_SAFE_INTEGER:
        raise MalformedInput("the event's stream_version is not a positive integer")
    if not 1 <= envelope.schema_version <= canonical.MAX_SAFE_INTEGER:
        raise MalformedInput("the event's schema_version is not a positive integer")
    if (envelope.previous is None) != (envelope.stream_version == 1):
        raise MalformedInput("previous is null exactly at stream version 1")
    if envelope.previous is not None and not _HASH.match(envelope.previous):
        raise MalformedInput("the event's previous is not a SHA-256 in lower-case hex")


def encode_event(envelope: EventEnvelope) -> bytes:
    """Return ``E``, the canonical bytes that are signed; raises MalformedInput."""
    check_envelope(envelope)
    canonical.check_profile(envelope.payload)
    try:
        return _ENCODER.encode(envelope)
    except UnicodeEncodeError as error:
        raise MalformedInput("a string of the event holds a lone surrogate") from error


def sign_entry(envelope: EventEnvelope, signer: Signer) -> bytes:
    """Return the log entry of ``envelope``, signed.

    Raises MalformedInput when the envelope names another key, or when the entry is longer than
    65,535 bytes.
    """
    if envelope.key_id != signer.key_id:
        raise MalformedInput(f"the event names key {envelope.key_id}, not {signer.key_id}")
    event = encode_event(envelope)
    signature = signer.sign(EVENT_CONTEXT + event).hex().encode("ascii")
    entry = b"".join((_ENTRY_HEAD, event, _SIGNATURE_HEAD, signature, _ENTRY_TAIL))
    if len(entry) > canonical.MAX_ENTRY_BYTES:
        raise MalformedInput(f"an entry of {len(entry)} bytes is longer than 65,535")
    return entry


def sign_entries(envelopes: Iterable[EventEnvelope], signer: Signer) -> list[bytes]:
    """Sign many envelopes in order; the same bytes as :func:`sign_entry` for each."""
    return [sign_entry(envelope, signer) for envelope in envelopes]


def parse_entry(entry: bytes) -> ParsedEntry:
    """Take a log entry apart; raises MalformedInput unless every byte is canonical.

    Nothing is verified but the form.
    """
    if len(entry) > canonical.MAX_ENTRY_BYTES:
        raise MalformedInput(f"an entry of {len(entry)} bytes is longer than 65,535")
    if len(entry) <= len(_ENTRY_HEAD) + _EVENT_END:
        raise MalformedInput("the entry is too short to hold an event and a signature")
    event = entry[len(_ENTRY_HEAD) : -_EVENT_END]
    frame = (
        entry[: len(_ENTRY_HEAD)],
        entry[-_EVENT_END:-_SIGNATURE_START],
        entry[-len(_ENTRY_TAIL) :],
    )
    if frame != (_ENTRY_HEAD, _SIGNATURE_HEAD, _ENTRY_TAIL):
        raise MalformedInput('the entry is not {"event":...,"signature":"<128 hex digits>"}')
    digits = entry[-_SIGNATURE_START : -len(_ENTRY_TAIL)].decode("latin-1")
    signature = parse_hex(digits, "the entry's signature", 64)
    return ParsedEntry(_parse_envelope(event), event, signature)


def _parse_envelope(event: bytes) -> EventEnvelope:
    value = canonical.parse_object(event, "the event")
    try:
        envelope = msgspec.convert(value, EventEnvelope)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"the event has another shape: {error}") from error
    check_envelope(envelope)
    return envelope


def verify_entry(entry: bytes | ParsedEntry, public_key: bytes | Ed25519Verifier) -> ParsedEntry:
    """Check the entry's signature with a key that the caller trusts for it.

    Raises MalformedInput for the form and VerificationFailed("signature") for the signature.
    """
    parsed = entry if isinstance(entry, ParsedEntry) else parse_entry(entry)
    verifier = Ed25519Verifier(public_key) if isinstance(public_key, bytes) else public_key
    verifier.verify(parsed.signature, EVENT_CONTEXT + parsed.event_bytes)
    return parsed


def verify_link(entry: ParsedEntry, previous_entry: bytes | None) -> None:
    """Check that ``entry`` follows ``previous_entry`` (None: opens the stream).

    Raises VerificationFailed("entry") when the versions or the hash do not fit.
    """
    expected = None if previous_entry is None else leaf_hash(previous_entry).hex()
    if entry.envelope.previous != expected:
        raise VerificationFailed("entry", "the event does not name its predecessor's leaf hash")
