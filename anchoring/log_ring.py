"""The log's own events about its keys and its index, compared with what the walk sees.

``event_key.announced`` and ``event_key.retired`` (stream ``keyring-log``) say which event keys
there are and for which entries; the ``keys`` file must say the same. ``index.committed`` (stream
``index-log``) says what the index of streams is; whoever has read all entries can say whether it
is right (see :mod:`anchoring.stream_index`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from anchoring.encoding import parse_hex
from anchoring.errors import MalformedInput, UnknownKey, VerificationFailed
from anchoring.keys import EventKeys
from anchoring.log_report import INDEX_CHECK
from anchoring.log_state import KeyNotice, KeyUse, SavedWalk
from anchoring.log_work import KEY_ANNOUNCED, Noted
from anchoring.merkle import HASH_BYTES
from anchoring.signing import key_id_of
from anchoring.stream_index import INDEX_CONTEXT, INDEX_STREAM

KEYRING_STREAM = "keyring-log"
KEY_BYTES = 32


class _Announced(msgspec.Struct):
    key_id: str
    public_key: str
    first_position: int


class _Retired(msgspec.Struct):
    key_id: str
    last_position: int


class Commitment(msgspec.Struct, forbid_unknown_fields=True):
    """The payload of ``index.committed``."""

    algorithm: str
    root: str
    size: int
    streams: int


def read_commitment(noted: Noted, position: int, walk: SavedWalk) -> Commitment:
    """Return what an index event at ``position`` claims.

    Raises VerificationFailed("index") when it cannot be meant: another construction, stream or
    tenant, entries that come after it, fewer entries than the commitment before it.
    """
    try:
        found = msgspec.convert(noted.payload, Commitment)
        parse_hex(found.root, "the index's root", HASH_BYTES)
    except (msgspec.ValidationError, MalformedInput) as error:
        raise VerificationFailed(INDEX_CHECK, f"not the form of a commitment: {error}") from error
    if found.algorithm != INDEX_CONTEXT:
        raise VerificationFailed(INDEX_CHECK, f"unknown construction {found.algorithm[:40]!r}")
    if noted.stream_id != INDEX_STREAM:
        raise VerificationFailed(INDEX_CHECK, f"the commitment stands in {noted.stream_id[:80]}")
    if walk.index_tenant not in (None, noted.tenant_id):
        raise VerificationFailed(INDEX_CHECK, "the commitment stands in another tenant's stream")
    if not walk.index_size <= found.size <= position:
        raise VerificationFailed(
            INDEX_CHECK,
            f"the commitment covers {found.size} entries: not between the {walk.index_size} of the "
            f"one before it and its own position {position}",
        )
    return found


def note_key(noted: Noted, notices: dict[str, KeyNotice]) -> None:
    """Take in what the log says of an event key; raises UnknownKey when it contradicts itself."""
    if noted.stream_id != KEYRING_STREAM:
        raise UnknownKey(f"{noted.type} stands in the stream {noted.stream_id[:80]}")
    if noted.type == KEY_ANNOUNCED:
        announced = _payload(noted, _Announced)
        if announced.key_id in notices:
            raise UnknownKey(f"the key {announced.key_id[:40]} is announced twice")
        public_key = parse_hex(announced.public_key, "an announced key", KEY_BYTES)
        if announced.key_id != key_id_of(public_key):
            raise UnknownKey(f"the id {announced.key_id[:40]} is of another key")
        notices[announced.key_id] = KeyNotice(announced.public_key, announced.first_position)
        return
    retired = _payload(noted, _Retired)
    known = notices.get(retired.key_id)
    if known is None or known.last is not None:
        raise UnknownKey(f"the retired key {retired.key_id[:40]} is not in use")
    notices[retired.key_id] = KeyNotice(known.public_key, known.first, retired.last_position)


def _payload(noted: Noted, kind: Any) -> Any:
    try:
        return msgspec.convert(noted.payload, kind)
    except msgspec.ValidationError as error:
        raise UnknownKey(f"{noted.type} has another form: {error}") from error


def check_announced(keys: EventKeys, notices: dict[str, KeyNotice], size: int) -> None:
    """Check that the log announced every key of the keys file, for the same entries.

    Left alone are keys that may sign nothing among the first ``size`` entries: what comes later
    may announce them. A key that the log announced and the file does not list may sign nothing,
    which is for the signatures to show. Raises UnknownKey.
    """
    for key in keys.keys:
        if key.first >= size:
            continue
        notice = notices.get(key.key_id)
        if notice is None:
            raise UnknownKey(f"the log never announced the key {key.key_id}")
        if (notice.first, notice.last) != (key.first, key.last):
            raise UnknownKey(
                f"the keys file gives the key {key.key_id} the entries {_span(key.first, key.last)}"
                f", the log {_span(notice.first, notice.last)}"
            )


def check_uses(keys: EventKeys, uses: dict[str, KeyUse]) -> None:
    """Check that keys which signed entries checked earlier may still sign them.

    Raises UnknownKey: a keys file that changed since would make an earlier run's result wrong.
    """
    listed = {key.key_id: key for key in keys.keys}
    for key_id, use in uses.items():
        key = listed.get(key_id)
        if key is None or key.public_key.hex() != use.public_key:
            raise UnknownKey(f"the keys file no longer lists the key {key_id}")
        if not (key.covers(use.first) and key.covers(use.last)):
            raise UnknownKey(
                f"the key {key_id} signed the entries {_span(use.first, use.last)}; "
                f"the keys file now gives it {_span(key.first, key.last)}"
            )


def _span(first: int, last: int | None) -> str:
    return f"{first} to {'-' if last is None else last}"
