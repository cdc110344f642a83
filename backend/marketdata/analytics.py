"""Answers by ticker (ARC-028): the register says what a ticker is, the prices what it did."""

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal

from backend.marketdata.domain import (
    SeriesKind,
    TickerDetails,
    TickerPerformance,
    TickerPriceAtDate,
)
from backend.marketdata.errors import PriceUnavailable
from backend.marketdata.store import MarketDataTables
from backend.securities.ports import SecurityDirectory

_WIDE = Context(prec=50)
_PLACES = Decimal("1e-12")


class TickerAnalytics:
    """An ``AnalyticsRepository`` over one transaction's connection. Read-only."""

    def __init__(self, prices: MarketDataTables, directory: SecurityDirectory) -> None:
        self._prices = prices
        self._directory = directory

    def get_price_for_date(self, ticker: str, mic: str, on: date) -> TickerPriceAtDate:
        """The raw close on or before ``on``. Raises SecurityUnknown, PriceUnavailable."""
        security = self._directory.by_ticker(ticker, mic)
        price = self._prices.price_on(security.security_id, on)
        return TickerPriceAtDate(ticker=ticker, mic=mic, price=price)

    def get_ticker_details(self, ticker: str, mic: str) -> TickerDetails:
        """What the ticker stands for. Raises SecurityUnknown."""
        security = self._directory.by_ticker(ticker, mic)
        first, last = self._prices.covered(security.security_id) or (None, None)
        return TickerDetails(
            ticker=ticker,
            mic=mic,
            security_id=security.security_id,
            isin=security.isin,
            name=security.name,
            currency=security.currency,
            asset_class=security.asset_class.value,
            first_price_date=first,
            last_price_date=last,
        )

    def get_performance_for_tickers(
        self, tickers: Sequence[tuple[str, str]], start: date, end: date
    ) -> tuple[TickerPerformance, ...]:
        """Total returns between the first and last adjusted close of the period, in order.

        Raises SecurityUnknown, or PriceUnavailable with fewer than two closes.
        """
        return tuple(self._performance(ticker, mic, start, end) for ticker, mic in tickers)

    def _performance(self, ticker: str, mic: str, start: date, end: date) -> TickerPerformance:
        security = self._directory.by_ticker(ticker, mic)
        points = self._prices.series(security.security_id, start, end, series=SeriesKind.ADJUSTED)
        if len(points) < 2:
            raise PriceUnavailable(
                "A return needs two adjusted closes.", ticker=ticker, start=start, end=end
            )
        first, last = points[0], points[-1]
        ratio = _WIDE.divide(last.close, first.close) - 1
        return TickerPerformance(
            ticker=ticker,
            mic=mic,
            first=first,
            last=last,
            total_return=ratio.quantize(_PLACES, context=_WIDE),
        )
