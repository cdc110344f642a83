"""AAPL, FB, GOOG, IBM and MSFT, daily, from ``bokeh-sampledata``: raw and adjusted closes.

The file is an extract of Quandl's WIKI prices, 2000-03-01 to 2013-03-01. Its adjusted closes
include actions after that day, so they are right up to a constant factor, which returns do
not see. ``GOOG`` is the class A share, called GOOGL since 2014.
"""

import csv
from datetime import date
from functools import cached_property

from backend.kernel.money import parse_decimal
from backend.marketdata.actions import derive_actions
from backend.marketdata.adapters.packaged import labelled, packaged_gzip_text
from backend.marketdata.domain import (
    CorporateActions,
    PricePoint,
    PriceSeries,
    SeriesKind,
    Source,
)
from backend.marketdata.errors import SymbolUnknown

_COLUMN = {SeriesKind.RAW: "Close", SeriesKind.ADJUSTED: "Adj Close"}


class WikiPrices:
    """A ``MarketDataProvider`` on the packaged file."""

    @property
    def source(self) -> Source:
        return Source(
            name=labelled("Quandl WIKI Prices", "bokeh-sampledata"),
            licence="data: public domain; package: BSD-3-Clause",
        )

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, str]]]:
        rows: dict[str, list[dict[str, str]]] = {}
        text = packaged_gzip_text("bokeh_sampledata", "_data", "stocks.csv.gz")
        for row in csv.DictReader(text.splitlines()):
            rows.setdefault(row["Ticker"], []).append(row)
        return rows

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols the file holds."""
        return tuple(self._rows)

    def daily_prices(self, symbol: str, series: SeriesKind, start: date, end: date) -> PriceSeries:
        """The closes of the period. Raises SymbolUnknown when there are none."""
        if symbol not in self._rows:
            raise SymbolUnknown("The file has no such symbol.", symbol=symbol[:16])
        first, last, column = start.isoformat(), end.isoformat(), _COLUMN[series]
        points = tuple(
            PricePoint(date.fromisoformat(row["Date"]), parse_decimal(row[column]))
            for row in self._rows[symbol]
            if first <= row["Date"] <= last
        )
        if not points:
            raise SymbolUnknown("The file has no prices of that period.", symbol=symbol)
        return PriceSeries(symbol=symbol, currency="USD", series=series, points=points)

    def corporate_actions(self, symbol: str, start: date, end: date) -> CorporateActions:
        """Splits and dividends that the ratio of adjusted to raw closes reveals."""
        # From the file's first day: an action on ``start`` shows against the day before it.
        raw = self.daily_prices(symbol, SeriesKind.RAW, date.min, end)
        adjusted = self.daily_prices(symbol, SeriesKind.ADJUSTED, date.min, end)
        found = derive_actions(raw, adjusted)
        return CorporateActions(
            symbol=symbol,
            currency=found.currency,
            method=found.method,
            splits=tuple(each for each in found.splits if each.ex_date >= start),
            dividends=tuple(each for each in found.dividends if each.ex_date >= start),
        )
