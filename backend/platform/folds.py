"""How every kind of stream is folded for reading: its aggregate, and a plain copy of its state."""

from collections.abc import Callable
from typing import Any

import msgspec

from backend.audit.journal import ANCHORING
from backend.audit.keyring import KEYRING
from backend.compliance.service import BREAKER, LIMITS, ORDER_CHECKS
from backend.eventstore.aggregate import Aggregate
from backend.identity.contacts import CONTACT
from backend.identity.service import PARTICIPANT
from backend.portfolio.domain import AccountState
from backend.portfolio.service import ACCOUNT, PORTFOLIO
from backend.settlement.aggregates import INSTRUCTION, SETTLEMENT
from backend.trading.domain.book import VenueBook
from backend.trading.service.orders import ORDER
from backend.trading.service.shelf import BOOK

_PLAIN: tuple[Aggregate[Any], ...] = (
    PARTICIPANT, PORTFOLIO, LIMITS, BREAKER, ORDER_CHECKS, ORDER, INSTRUCTION, SETTLEMENT,
    KEYRING, ANCHORING, CONTACT,
)  # fmt: skip


def folds() -> dict[str, tuple[Aggregate[Any], Callable[[Any], Any]]]:
    """Category of stream to (aggregate, view); a view gives JSON's types, decimals as strings."""
    found: dict[str, tuple[Aggregate[Any], Callable[[Any], Any]]] = {
        each.category: (each, plain) for each in _PLAIN
    }
    return found | {BOOK.category: (BOOK, _book), ACCOUNT.category: (ACCOUNT, _account)}


def plain(state: Any) -> Any:
    """The state as JSON's types; keys that are no strings become their text."""
    return _with_text_keys(msgspec.to_builtins(state, str_keys=False, enc_hook=str))


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(key): _with_text_keys(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(_with_text_keys(each) for each in value)
    return value


def _text(key: Any) -> str:
    return ":".join(map(str, key)) if isinstance(key, list | tuple) else str(key)


def _account(state: AccountState) -> Any:
    """The buckets that make the set of seen keys quick to copy say nothing to a reader."""
    found = plain(state)
    buckets = found.pop("seen")["buckets"]
    return found | {"seen": {key: each for bucket in buckets for key, each in bucket.items()}}


def _book(book: VenueBook) -> Any:
    """The orders; the engine holds the same ones in the order in which they trade."""
    return {"resting": plain(book.orders), "queued": plain(book.queue)}
