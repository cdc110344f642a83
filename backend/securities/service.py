"""Use cases of the register: one transaction each, in the venue's name."""

from collections.abc import Callable
from typing import TypeVar

from backend.eventstore.aggregate import Aggregate
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, UnitOfWork, retrying
from backend.identity.ids import VENUE_TENANT
from backend.securities.domain import (
    CashTokenState,
    Listing,
    SecurityState,
    Token,
    evolve,
    evolve_cash,
    register,
    register_cash,
    tokenise,
)
from backend.securities.ports import CashToken, Security
from backend.securities.store import SecurityTable, conflicts_named

SECURITY: Aggregate[SecurityState] = Aggregate(category="security", evolve=evolve)
CASH: Aggregate[CashTokenState] = Aggregate(category="cash", evolve=evolve_cash)

T = TypeVar("T")


class SecuritiesService:
    """Registers securities and tokens. Reads go through ``SecurityTable`` in any scope.

    Each ``..._within`` does its work in a venue transaction of the caller's (an idempotent
    request); the method without that ending makes one of its own.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def register(self, caller: Caller, listing: Listing) -> Security:
        """Enter a security. Raises DuplicateSecurity when ISIN or (ticker, MIC) is taken."""
        return self._venue(caller, lambda uow: self.register_within(uow, listing))

    def tokenise(self, caller: Caller, security_id: str, token: Token) -> Security:
        """Bind a token to a security; the same one again changes nothing.

        Raises SecurityUnknown, or TokenConflict when either is bound otherwise.
        """
        return self._venue(caller, lambda uow: self.tokenise_within(uow, security_id, token))

    def register_cash(self, caller: Caller, currency: str, token: Token) -> CashToken:
        """Make a token the currency's cash leg; the same one again changes nothing.

        Raises TokenConflict when the currency or the token is bound otherwise, and ValueInvalid.
        """
        return self._venue(caller, lambda uow: self.register_cash_within(uow, currency, token))

    def register_within(self, uow: UnitOfWork, listing: Listing) -> Security:
        """See ``register``."""
        table = SecurityTable(uow.connection)
        table.refuse_listed(listing)
        security_id = uow.new_id()
        loaded = uow.load(SECURITY, security_id, tenant_id=VENUE_TENANT)
        with conflicts_named():
            uow.append(loaded, register(loaded.state, security_id, listing))
            uow.flush()
        return table.by_id(security_id)

    def tokenise_within(self, uow: UnitOfWork, security_id: str, token: Token) -> Security:
        """See ``tokenise``."""
        table = SecurityTable(uow.connection)
        loaded = uow.load(SECURITY, security_id, tenant_id=VENUE_TENANT)
        events = tokenise(loaded.state, token)
        if events:
            table.refuse_used(token)
            with conflicts_named():
                uow.append(loaded, events)
                uow.flush()
        return table.by_id(security_id)

    def register_cash_within(self, uow: UnitOfWork, currency: str, token: Token) -> CashToken:
        """See ``register_cash``."""
        table = SecurityTable(uow.connection)
        loaded = uow.load(CASH, currency, tenant_id=VENUE_TENANT)
        events = register_cash(loaded.state, currency, token)
        if events:
            table.refuse_used(token)
            with conflicts_named():
                uow.append(loaded, events)
                uow.flush()
        return table.cash_token(currency)

    def _venue(self, caller: Caller, work: Callable[[UnitOfWork], T]) -> T:
        def once() -> T:
            with self._store.transaction(Scope.venue(), caller) as uow:
                return work(uow)

        return retrying(once)
