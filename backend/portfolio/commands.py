"""Commands that other contexts give to the books."""

from datetime import date

import msgspec

from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.events import Side


class BookTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a settled trade. ``reservation_id`` names what it was reserved under."""

    trade_id: str
    order_id: str | None
    side: Side
    quantity: Quantity
    price: Price
    fees: Money
    trade_date: date
    settlement_date: date
    reservation_id: str | None = None

    @property
    def gross(self) -> Money:
        """Price times quantity, booked: what the cash leg of the settlement must move."""
        return self.price.times(self.quantity).booked()
