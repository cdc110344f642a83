"""Strict text encodings: one spelling per value, every other spelling refused.

Python's own converters are lenient: ``int`` takes ``"1_000"``, ``" 12"``, ``"+7"`` and Arabic
digits; ``base64.b64decode`` skips garbage and ignores non-zero trailing bits; ``bytes.fromhex``
skips spaces and takes capitals. Each function here decodes, encodes again and compares, so that
no byte of a signed or proven file can change without a refusal.
"""

from __future__ import annotations

import base64
import binascii
import re

from anchoring.errors import MalformedInput

MAX_UINT63 = 2**63 - 1
"""Largest tree size and timestamp (tlog-cosignature: at most 2^63-1)."""

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)


def parse_decimal(text: str, what: str, maximum: int = MAX_UINT63) -> int:
    """Parse an unsigned decimal integer without sign, separator or leading zero.

    Raises MalformedInput naming ``what`` when it is anything else or above ``maximum``.
    """
    if not _DECIMAL.match(text):
        raise MalformedInput(f"{what} is not a plain decimal number: {text[:40]!r}")
    value = int(text)
    if value > maximum:
        raise MalformedInput(f"{what} is larger than {maximum}")
    return value


def encode_base64(data: bytes) -> str:
    """Encode as standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def parse_base64(text: str, what: str, length: int | None = None) -> bytes:
    """Decode canonical standard base64 (RFC 4648 sections 3.5 and 4) of ``length`` bytes.

    Raises MalformedInput for other characters, missing padding, non-zero trailing bits or
    another length.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedInput(f"{what} is not base64") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise MalformedInput(f"{what} is not canonical base64")
    if length is not None and len(data) != length:
        raise MalformedInput(f"{what} has {len(data)} bytes instead of {length}")
    return data


def parse_hex(text: str, what: str, length: int | None = None) -> bytes:
    """Decode lower-case hexadecimal without prefix, of ``length`` bytes.

    Raises MalformedInput for capitals, spaces, an odd count or another length.
    """
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise MalformedInput(f"{what} is not hexadecimal") from error
    if data.hex() != text:
        raise MalformedInput(f"{what} is not canonical lower-case hexadecimal")
    if length is not None and len(data) != length:
        raise MalformedInput(f"{what} has {len(data)} bytes instead of {length}")
    return data


def parse_utf8(data: bytes, what: str) -> str:
    """Decode UTF-8 strictly (no surrogates, no overlong forms); raises MalformedInput."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{what} is not UTF-8") from error
