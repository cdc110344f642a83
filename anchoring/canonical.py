"""Canonical JSON: RFC 8785 over a restricted profile.

The profile: objects whose keys match ``[a-z][a-z0-9_]*``, arrays, strings without lone
surrogates, booleans, null, and integers within plus or minus (2^53 - 1). No floats, so no two
libraries can disagree on how a number is written; decimals and large integers travel as strings.
With such keys the UTF-16 order of RFC 8785 section 3.2.3 is the plain byte order, so a fast
encoder serves; tests hold it equal to an RFC 8785 implementation.

``parse`` accepts exactly the bytes that ``encode`` gives for the value, nothing else. That one
comparison refuses duplicate keys, white space, other orders and other escapes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

import msgspec

from anchoring.errors import MalformedInput

JSONValue: TypeAlias = (
    "str | int | bool | list[JSONValue] | dict[str, JSONValue] | tuple[JSONValue, ...] | None"
)

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that every JSON implementation reads exactly (RFC 8259 section 6)."""

MAX_ENTRY_BYTES = 65_535
"""Largest log entry: its length prefix in an entry bundle has 16 bits (C2SP tlog-tiles)."""

MAX_DEPTH = 64
"""Deepest nesting accepted, so that hostile input cannot exhaust a reader's stack."""

_KEY = re.compile(r"[a-z][a-z0-9_]*\Z", re.ASCII)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """Return the canonical bytes of ``value``; raises MalformedInput outside the profile."""
    check_profile(value)
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise MalformedInput("a string holds a lone surrogate") from error


def parse(data: bytes, what: str = "JSON") -> JSONValue:
    """Return the value of canonical bytes; raises MalformedInput for any other bytes."""
    check_nesting(data, what)
    try:
        value: JSONValue = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedInput(f"{what} is not JSON: {error}") from error
    try:
        again = encode(value)
    except MalformedInput as error:
        raise MalformedInput(f"{what} is outside the canonical profile: {error}") from error
    if again != data:
        raise MalformedInput(
            f"{what} is not canonical (RFC 8785): order, spacing, escapes or a duplicate key"
        )
    return value


def parse_object(data: bytes, what: str) -> dict[str, JSONValue]:
    """Like :func:`parse` for bytes that must hold an object."""
    value = parse(data, what)
    if not isinstance(value, dict):
        raise MalformedInput(f"{what} is not a JSON object")
    return value


def check_nesting(data: bytes, what: str, limit: int = MAX_DEPTH) -> None:
    """Raise MalformedInput when brackets nest deeper than ``limit``; looks at nothing else.

    Decoders recurse on the C stack up to the interpreter's recursion limit, which a library may
    have raised for the whole process (py_ecc sets 100,000 on import): 60 KB of brackets would
    then end the process instead of raising RecursionError.
    """
    if data.count(b"[") + data.count(b"{") <= limit:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            raise MalformedInput(f"{what} is nested deeper than {limit}")


def check_profile(value: object, depth: int = 0) -> None:
    """Raise MalformedInput when ``value`` is outside the profile described above."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if kind is int:
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:  # type: ignore[operator]
            raise MalformedInput(f"the integer {str(value)[:40]} is beyond 2^53-1")
        return
    if depth >= MAX_DEPTH:
        raise MalformedInput(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not is_key(key):
                raise MalformedInput(f"the key {key!r} does not match [a-z][a-z0-9_]*")
            check_profile(item, depth + 1)
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            check_profile(item, depth + 1)
    else:
        raise MalformedInput(f"a value of type {kind.__name__} has no canonical form")


@lru_cache(maxsize=4096)
def is_key(key: object) -> bool:
    """Say whether ``key`` may name a member: ASCII, lower case, starting with a letter."""
    return isinstance(key, str) and _KEY.match(key) is not None
