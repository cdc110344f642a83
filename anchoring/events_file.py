"""Many entries in one file, NAME.events: concatenated 16-bit big-endian length and entry.

The framing is that of C2SP tlog-tiles entry bundles; here the count is not 256 but what the
proof beside the file says.
"""

from __future__ import annotations

from collections.abc import Sequence

from anchoring.canonical import MAX_ENTRY_BYTES
from anchoring.errors import MalformedInput

MAX_ENTRIES = 100_000
MAX_FILE_BYTES = 64 * 2**20

_LENGTH_BYTES = 2


def encode_events(entries: Sequence[bytes]) -> bytes:
    """Return the file's bytes; raises MalformedInput when they could not be read again."""
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise MalformedInput(f"a file of events holds 1 to {MAX_ENTRIES:,} entries")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise MalformedInput("an entry is longer than 65,535 bytes")
    data = b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the entries are longer than 64 MiB")
    return data


def parse_events(data: bytes) -> list[bytes]:
    """Parse a file of events strictly; raises MalformedInput."""
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the file of events is longer than 64 MiB")
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if len(entries) == MAX_ENTRIES:
            raise MalformedInput(f"the file of events holds more than {MAX_ENTRIES:,} entries")
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise MalformedInput("the file of events ends within an entry")
        entries.append(data[start:at])
    if not entries:
        raise MalformedInput("the file of events is empty")
    return entries
