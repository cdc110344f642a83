"""The books a matching process keeps in memory, brought up to date from their streams.

A book is too large to be copied for each event, so it changes in place and the event store's
cache of immutable states is not used. What makes that safe: every use re-reads the stream from
the last entry this book took. If that entry is there with the same leaf hash, the book is a true
prefix of the stream (each entry's hash covers its predecessor) and takes the tail; otherwise the
transaction that wrote it was rolled back or lost a race, and the book is built anew.
"""

from backend.eventstore.aggregate import Aggregate, Loaded
from backend.eventstore.recorded import read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.store import UnitOfWork
from backend.trading.domain.book import VenueBook, evolve_in_place
from backend.trading.store import stream_from

BOOK: Aggregate[VenueBook] = Aggregate("book", evolve_in_place)


class BookShelf:
    """Books by security. One per worker: not for use by several threads at once."""

    def __init__(self, registry: EventRegistry, venue_tenant: str) -> None:
        self._registry = registry
        self._venue_tenant = venue_tenant
        self._books: dict[str, Loaded[VenueBook]] = {}

    def open(self, uow: UnitOfWork, security_id: str) -> Loaded[VenueBook]:
        """The security's book as this transaction sees it; append to it with ``uow.append``.

        Appending changes the book at once, so what follows is decided on the changed one.
        """
        uow.flush()  # what this transaction appended before is part of the stream
        known = self._books.pop(security_id, None) or self._empty(security_id)
        if not self._catch_up(uow, known):
            known = self._empty(security_id)
            self._catch_up(uow, known)
        self._books[security_id] = known
        return known

    def discard(self, security_id: str) -> None:
        """Forget a book; the next use builds it from its stream."""
        self._books.pop(security_id, None)

    def _empty(self, security_id: str) -> Loaded[VenueBook]:
        return Loaded(BOOK, self._venue_tenant, BOOK.stream_id(security_id), VenueBook(), 0, None)

    def _catch_up(self, uow: UnitOfWork, book: Loaded[VenueBook]) -> bool:
        """Take the tail; False when the book holds events that the stream does not."""
        rows = stream_from(uow.connection, book.tenant_id, book.stream_id, max(book.version, 1))
        if book.version > 0:
            if not rows or bytes(rows[0]["leaf_hash"]) != book.head:
                return False
            rows = rows[1:]
        for row in rows:
            recorded = read_recorded(self._registry, row["entry"], row["leaf_hash"])
            book.state = evolve_in_place(book.state, recorded.event)
            book.version = recorded.stream_version
            book.head = recorded.leaf_hash
        return True
