"""Events of portfolios and accounts, and the values they carry.

Amounts of money are booked (whole minor units); every booking carries the trade date, which
drives lots, holding period and performance (C-17), and the settlement date.
"""

import re
from datetime import date
from enum import StrEnum
from typing import ClassVar

import msgspec

from backend.kernel.errors import ValueInvalid
from backend.kernel.events import Event
from backend.kernel.money import Money, Price, Quantity

_TX_HASH = re.compile(r"0x[0-9a-f]{64}")


class Side(StrEnum):
    """Direction of a trade, seen from the account."""

    BUY = "buy"
    SELL = "sell"


class LotMethod(StrEnum):
    """Which open lots a sale consumes (PFL-030, PFL-031; D9)."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC = "specific"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The on-chain log entry that proves a deposit: a Transfer to the account's wallet."""

    chain_id: int
    tx_hash: str
    log_index: int

    def __post_init__(self) -> None:
        if self.chain_id < 1 or self.log_index < 0:
            raise ValueInvalid("Chain id must be positive and log index not negative.")
        if _TX_HASH.fullmatch(self.tx_hash) is None:
            raise ValueInvalid(
                "A transaction hash is 0x and 64 lower-case hex digits.", value=self.tx_hash[:80]
            )


class OpenedLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that came into being: ``cost`` includes the fees of the purchase (PFL-033)."""

    lot_id: str
    acquired_on: date
    units: Quantity
    cost: Money


class ClosedLot(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of a lot that a sale consumed: gain = proceeds (after fees) - cost (with fees)."""

    lot_id: str
    acquired_on: date
    units: Quantity
    cost: Money
    proceeds: Money
    realised_gain: Money


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a reservation that became free; ``cash`` is None where units were reserved."""

    reservation_id: str
    units: Quantity
    cash: Money | None


class PortfolioOpened(Event, frozen=True, kw_only=True):
    """A portfolio exists."""

    type: ClassVar[str] = "portfolio.opened"

    portfolio_id: str
    name: str
    base_currency: str


class AccountOpened(Event, frozen=True, kw_only=True):
    """An account of a portfolio exists, in one currency, with one wallet and one lot method."""

    type: ClassVar[str] = "account.opened"

    account_id: str
    portfolio_id: str
    name: str
    currency: str
    wallet_address: str
    lot_method: LotMethod


class CashDeposited(Event, frozen=True, kw_only=True):
    """Cash came in from outside (an external flow)."""

    type: ClassVar[str] = "account.cash_deposited"

    account_id: str
    deposit_id: str
    amount: Money
    trade_date: date
    settlement_date: date
    evidence: Evidence


class UnitsDeposited(Event, frozen=True, kw_only=True):
    """Units came in from outside, in kind; they form one lot with cost and acquisition date."""

    type: ClassVar[str] = "account.units_deposited"

    account_id: str
    deposit_id: str
    quantity: Quantity
    unit_cost: Price
    acquired_on: date
    trade_date: date
    settlement_date: date
    evidence: Evidence
    lot: OpenedLot


class CashReserved(Event, frozen=True, kw_only=True):
    """Cash is set aside for buying ``covering`` units; part of the balance until booked."""

    type: ClassVar[str] = "account.cash_reserved"

    account_id: str
    reservation_id: str
    cash: Money
    covering: Quantity


class UnitsReserved(Event, frozen=True, kw_only=True):
    """Units are set aside for selling."""

    type: ClassVar[str] = "account.units_reserved"

    account_id: str
    reservation_id: str
    units: Quantity


class ReservationReleased(Event, frozen=True, kw_only=True):
    """A reservation, or a part of it, is free again without a trade."""

    type: ClassVar[str] = "account.reservation_released"

    account_id: str
    reservation_id: str
    release_id: str
    units: Quantity
    cash: Money | None
    whole: bool
    reason: str


class TradeBooked(Event, frozen=True, kw_only=True):
    """A settled trade is in the books: one side of it, with the lots it opened or closed."""

    type: ClassVar[str] = "account.trade_booked"

    account_id: str
    trade_id: str
    order_id: str | None
    side: Side
    quantity: Quantity
    price: Price
    gross: Money
    fees: Money
    trade_date: date
    settlement_date: date
    lots_opened: tuple[OpenedLot, ...]
    lots_closed: tuple[ClosedLot, ...]
    released: Released | None


AccountEvent = (
    AccountOpened
    | CashDeposited
    | UnitsDeposited
    | CashReserved
    | UnitsReserved
    | ReservationReleased
    | TradeBooked
)

EVENTS: tuple[type[Event], ...] = (
    PortfolioOpened,
    AccountOpened,
    CashDeposited,
    UnitsDeposited,
    CashReserved,
    UnitsReserved,
    ReservationReleased,
    TradeBooked,
)
