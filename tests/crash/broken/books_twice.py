"""A saga that books what is confirmed, forgets that it did, and books it under another id."""

from backend.portfolio.ports import BookTrade
from backend.settlement.adapters import PortfolioBooks


class _Twice:
    """Passes everything on; a trade goes through a second time, under a name of its own."""

    def __init__(self, books):
        self._books = books

    def __getattr__(self, name):
        return getattr(self._books, name)

    def book_trade(self, uow, account_id, trade, *, tenant_id=None):
        self._books.book_trade(uow, account_id, trade, tenant_id=tenant_id)
        values = {name: getattr(trade, name) for name in BookTrade.__struct_fields__}
        again = {**values, "trade_id": f"{trade.trade_id}-again", "reservation_id": None}
        self._books.book_trade(uow, account_id, BookTrade(**again), tenant_id=tenant_id)


def apply():
    begun = PortfolioBooks.__init__

    def begin(self, books):
        begun(self, _Twice(books))

    PortfolioBooks.__init__ = begin
