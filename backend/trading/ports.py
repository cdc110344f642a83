"""What trading needs from outside. Bootstrap puts the real ones behind these Protocols."""

from datetime import date
from typing import Protocol

from backend.compliance.events import Check
from backend.compliance.ports import Breakers, Exposure, OrderIntent
from backend.eventstore.store import UnitOfWork
from backend.kernel.money import Money, Price, Quantity


class TradedSecurity(Protocol):
    """As much of a security as trading looks at (``securities.ports.Security`` fits)."""

    @property
    def security_id(self) -> str: ...

    @property
    def currency(self) -> str: ...

    @property
    def mic(self) -> str: ...


class Securities(Protocol):
    """The register, readable in any scope."""

    def by_id(self, uow: UnitOfWork, security_id: str) -> TradedSecurity:
        """Raises SecurityUnknown (code ``security-unknown``) when there is none."""
        ...


class SettlementCalendar(Protocol):
    """When the market trades and settles (``securities.calendar`` fits)."""

    def is_trading_day(self, mic: str, day: date) -> bool:
        """Raises CalendarUnknown for a market or a date that no rule covers."""
        ...

    def next_trading_day(self, mic: str, day: date) -> date:
        """The first trading day after ``day``."""
        ...

    def settlement_date(self, mic: str, trade_date: date) -> date:
        """The business day on which both legs are due, by the market's rule of that day."""
        ...


class ReferencePrices(Protocol):
    """Prices that orders are held against."""

    def last_close(self, uow: UnitOfWork, security_id: str, on: date) -> Price | None:
        """The newest raw close on or before ``on``, None when there is none."""
        ...


class Exposures(Protocol):
    """What an account has and owes, in the unit of work that is about to change it."""

    def exposure(
        self,
        uow: UnitOfWork,
        account_id: str,
        security_id: str,
        on: date,
        *,
        tenant_id: str | None = None,
    ) -> Exposure:
        """The account's cash in its own currency, its units of the security, and its net asset
        value at the last closes on or before ``on``.

        ``tenant_id`` defaults to the unit of work's own. Raises NotFound for an account that the
        tenant does not have.
        """
        ...


class Reservations(Protocol):
    """The part of the books that orders change (``portfolio.service.PortfolioService`` fits)."""

    def reserve_cash(
        self, uow: UnitOfWork, account_id: str, reservation_id: str, cash: Money, covering: Quantity
    ) -> None:
        """Set cash aside for buying ``covering`` units. Raises InsufficientCash."""
        ...

    def reserve_units(
        self, uow: UnitOfWork, account_id: str, reservation_id: str, units: Quantity
    ) -> None:
        """Set units aside for selling. Raises InsufficientUnits."""
        ...

    def release(
        self,
        uow: UnitOfWork,
        account_id: str,
        reservation_id: str,
        release_id: str,
        reason: str,
        units: Quantity | None = None,
        *,
        tenant_id: str | None = None,
    ) -> None:
        """Free the part of a reservation, cash or units, that belongs to ``units``.

        The same ``release_id`` again frees nothing.
        """
        ...


class Compliance(Protocol):
    """Checks before and after trades (``compliance.service.ComplianceService`` fits)."""

    def breakers(self, uow: UnitOfWork, security_id: str) -> Breakers: ...

    def pre_trade(
        self, uow: UnitOfWork, intent: OrderIntent, exposure: Exposure, reference: Price | None
    ) -> tuple[Check, ...]: ...

    def post_trade(
        self,
        uow: UnitOfWork,
        *,
        tenant_id: str,
        order_id: str,
        trade_id: str,
        exposure: Exposure,
        mark: Price,
    ) -> tuple[Check, ...]: ...
