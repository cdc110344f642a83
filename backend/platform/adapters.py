"""Ports of the contexts, filled by other contexts' public services: the joints of the house."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from weakref import WeakKeyDictionary

from backend.compliance.ports import Exposure
from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.eventstore.store import UnitOfWork
from backend.identity.service import IdentityService, TokenHolder
from backend.identity.sessions import Sessions
from backend.kernel.errors import NotFound
from backend.kernel.money import Money, Price, Quantity
from backend.marketdata.errors import PriceUnavailable
from backend.marketdata.store import MarketDataTables
from backend.performance.domain.nav import Close
from backend.portfolio.domain import AccountState
from backend.portfolio.ports import QuotedPrice
from backend.portfolio.service import ACCOUNT
from backend.securities.errors import SecurityUnknown
from backend.securities.ports import Security
from backend.securities.store import SecurityTable
from backend.settlement.chain.deposits import RegisteredToken
from backend.web.auth import Principal

# A close older than this is no price of today; NAV and checks say so instead of using it.
MAX_PRICE_AGE_DAYS = 10
# What a unit of work has read; an entry goes when its unit of work does.
_CLOSES: WeakKeyDictionary[UnitOfWork, dict[tuple[str, date], Price | None]] = WeakKeyDictionary()


class IdentityTokens:
    """``web.auth.Tokens`` over identity."""

    def __init__(self, identity: IdentityService, sessions: Sessions) -> None:
        self._identity = identity
        self._sessions = sessions

    def principal_of(self, token: str) -> Principal | None:
        return _principal(self._identity.holder_of(token))

    def principal_of_session(self, secret: str, *, touch: bool = True) -> Principal | None:
        session = self._sessions.find(secret, touch=touch)
        return _principal(session.holder if session is not None else None)


def _principal(holder: TokenHolder | None) -> Principal | None:
    if holder is None:
        return None
    return Principal(holder.tenant_id, holder.participant_id, holder.roles)


class IdentityWallets:
    """``portfolio.ports.Wallets``: which wallets a tenant has proven."""

    def __init__(self, database: Database, chain_id: int) -> None:
        self._database = database
        self._chain_id = chain_id

    def is_bound(self, tenant_id: str, address: str) -> bool:
        with self._database.transaction(Scope.app(tenant_id)) as connection:
            row = connection.execute(
                "SELECT 1 FROM wallets WHERE lower(address) = lower(%s) AND chain_id = %s",
                (address, self._chain_id),
            ).fetchone()
        return row is not None


class AccountWallets:
    """``settlement.ports.Wallets``: the wallet an account was opened with."""

    def address_of(self, uow: UnitOfWork, tenant_id: str, account_id: str) -> str | None:
        state = uow.load(ACCOUNT, account_id, tenant_id=tenant_id).state
        return None if state is None else state.wallet_address


class SecuritiesInScope:
    """Trading's and compliance's view of the securities register, in the caller's transaction.

    What trading looks at (currency and market) is fixed at registration, so a security that was
    read once is not read again. Tokens come later: ask the register itself for those.
    """

    def __init__(self) -> None:
        self._known: dict[str, Security] = {}

    def by_id(self, uow: UnitOfWork, security_id: str) -> Security:
        known = self._known.get(security_id)
        if known is None:
            known = SecurityTable(uow.connection).by_id(security_id)
            self._known[security_id] = known
        return known

    def exists(self, uow: UnitOfWork, security_id: str) -> bool:
        try:
            self.by_id(uow, security_id)
        except SecurityUnknown:
            return False
        return True


class LastCloses:
    """``trading.ports.ReferencePrices``: the last raw close, if it is not stale."""

    def last_close(self, uow: UnitOfWork, security_id: str, on: date) -> Price | None:
        return _close_in(uow, security_id, on)


class BookExposures:
    """``trading.ports.Exposures`` over the account aggregate and the last closes."""

    def exposure(
        self,
        uow: UnitOfWork,
        account_id: str,
        security_id: str,
        on: date,
        *,
        tenant_id: str | None = None,
    ) -> Exposure:
        state = uow.load(ACCOUNT, account_id, tenant_id=tenant_id).state
        if state is None:
            raise NotFound("No such account.", account_id=account_id[:64])
        position = state.position(security_id)
        return Exposure(
            account_id=account_id,
            portfolio_id=state.portfolio_id,
            cash_available=state.free_cash,
            units_available=position.free,
            units_held=position.units,
            units_incoming=_incoming(state, security_id),
            nav=_net_asset_value(uow, state, on),
            open_lots=tuple(each.units.units for each in position.lots),
        )


class StoredCloses:
    """``portfolio.ports.ClosingPrices`` and ``performance.ports.CloseSeries`` over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self, security_id: str, on: date) -> QuotedPrice | None:
        with self._database.transaction(Scope.auditor()) as connection:
            return _quoted(MarketDataTables(connection), security_id, on)

    def closes(self, security_id: str, first: date, last: date) -> Sequence[Close]:
        with self._database.transaction(Scope.auditor()) as connection:
            tables = MarketDataTables(connection)
            before = _quoted(tables, security_id, first)
            newest = _quoted(tables, security_id, last)
            if newest is None:
                return []
            later = tables.series(security_id, first + timedelta(days=1), last)
        currency = newest.price.currency
        found = [] if before is None else [Close(before.on, before.price)]
        return [*found, *(Close(each.date, Price(each.close, currency)) for each in later)]


class TokenRegister:
    """``settlement.chain.deposits.TokenRegister``: what a token on our chain stands for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def registered(self, chain_id: int, token: str) -> RegisteredToken | None:
        with self._database.transaction(Scope.auditor()) as connection:
            row = connection.execute(
                "SELECT security_id, NULL AS currency, decimals FROM securities"
                " WHERE chain_id = %(chain)s AND lower(token_address) = lower(%(token)s)"
                " UNION ALL SELECT NULL, currency, decimals FROM cash_tokens"
                " WHERE chain_id = %(chain)s AND lower(token_address) = lower(%(token)s)",
                {"chain": chain_id, "token": token},
            ).fetchone()
        if row is None:
            return None
        return RegisteredToken(row["decimals"], row["security_id"], row["currency"])


def _incoming(state: AccountState, security_id: str) -> Quantity:
    # Added up as decimals: an account may have hundreds of open orders.
    units = (
        each.units.units
        for each in state.reservations.values()
        if each.cash is not None and each.units.security_id == security_id
    )
    return Quantity(sum(units, Decimal(0)), security_id)


def _net_asset_value(uow: UnitOfWork, state: AccountState, on: date) -> Money | None:
    """Cash and positions at the last closes; None when one of them has no current price."""
    total = state.cash
    for security_id, position in state.positions.items():
        if position.units.units == Decimal(0):
            continue
        price = _close_in(uow, security_id, on)
        if price is None or price.currency != state.currency:
            return None
        total = total + price.times(position.units)
    return total.booked()


def _close_in(uow: UnitOfWork, security_id: str, on: date) -> Price | None:
    """The close, read once per transaction: one order is judged by one price throughout."""
    read = _CLOSES.setdefault(uow, {})
    key = (security_id, on)
    if key not in read:
        read[key] = _read_close(uow, security_id, on)
    return read[key]


def _read_close(uow: UnitOfWork, security_id: str, on: date) -> Price | None:
    try:
        tables = MarketDataTables(uow.connection)
        found = tables.price_on(security_id, on, max_age_days=MAX_PRICE_AGE_DAYS)
    except PriceUnavailable:
        return None
    return Price(found.close, found.currency)


def _quoted(tables: MarketDataTables, security_id: str, on: date) -> QuotedPrice | None:
    try:
        found = tables.price_on(security_id, on)
    except PriceUnavailable:
        return None
    return QuotedPrice(Price(found.close, found.currency), found.price_date)
