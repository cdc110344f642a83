"""Keyset cursors: the last key of a page, signed so that only ours are taken back."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from backend.kernel.errors import DomainError, ErrorCode
from backend.web.models import Page

T = TypeVar("T")
R = TypeVar("R")
MAX_LIMIT = 200


class CursorInvalid(DomainError):
    """The cursor was not given out by this platform for this list."""

    code = ErrorCode.CURSOR_INVALID


class Cursors:
    """Signs and reads cursors with a key of the installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, listing: str, key: Sequence[str | int]) -> str:
        body = json.dumps([listing, *key], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(body) + body).decode().rstrip("=")

    def decode(self, listing: str, cursor: str) -> list[Any]:
        """The key behind a cursor. Raises CursorInvalid unless we signed it for ``listing``."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise CursorInvalid("The cursor is not valid.") from None
        tag, body = raw[:16], raw[16:]
        if not hmac.compare_digest(tag, self._tag(body)):
            raise CursorInvalid("The cursor is not valid.")
        key = json.loads(body)
        if key[0] != listing:
            raise CursorInvalid("The cursor belongs to another list.")
        return list(key[1:])

    def page(
        self,
        listing: str,
        rows: Sequence[R],
        limit: int,
        key: Callable[[R], Sequence[str | int]],
        item: Callable[[R], T],
    ) -> Page[T]:
        """A page from up to ``limit + 1`` rows; the extra row only tells that more follow."""
        shown = rows[:limit]
        more = len(rows) > limit
        cursor = self.encode(listing, key(shown[-1])) if more else None
        return Page(items=[item(row) for row in shown], next_cursor=cursor, has_more=more)

    def _tag(self, body: bytes) -> bytes:
        return hmac.new(self._secret, b"tallystick/cursor/v1\n" + body, hashlib.sha256).digest()[
            :16
        ]
