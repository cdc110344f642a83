"""Twenty S&P 500 stocks, adjusted closes 1990-01-02 to 2022-12-28, from ``skfolio``'s wheel.

Rounded to three decimals by the package: before about 2005 the rounding hides small returns.
There are no raw closes and no corporate actions in it.
"""

import csv
from datetime import date
from functools import cached_property

from backend.kernel.money import parse_decimal
from backend.marketdata.adapters.packaged import labelled, packaged_gzip_text
from backend.marketdata.domain import (
    CorporateActions,
    PricePoint,
    PriceSeries,
    SeriesKind,
    Source,
)
from backend.marketdata.errors import ProviderResponseInvalid, SymbolUnknown


class SP500Sample:
    """A ``MarketDataProvider`` for adjusted series only."""

    @property
    def source(self) -> Source:
        return Source(
            name=labelled("S&P 500 sample of 20 stocks", "skfolio"),
            licence="package: BSD-3-Clause; data: terms not stated, for tests and examples",
        )

    @cached_property
    def _columns(self) -> dict[str, list[tuple[str, str]]]:
        text = packaged_gzip_text("skfolio", "datasets", "data", "sp500_dataset.csv.gz")
        header, *rows = csv.reader(text.splitlines())
        return {
            symbol: [(row[0], row[place]) for row in rows]
            for place, symbol in enumerate(header)
            if place > 0
        }

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols the file holds."""
        return tuple(self._columns)

    def daily_prices(self, symbol: str, series: SeriesKind, start: date, end: date) -> PriceSeries:
        """The adjusted closes of the period. Raises SymbolUnknown, also for raw closes."""
        if series is not SeriesKind.ADJUSTED:
            raise SymbolUnknown("This source has adjusted closes only.", symbol=symbol[:16])
        if symbol not in self._columns:
            raise SymbolUnknown("The file has no such symbol.", symbol=symbol[:16])
        first, last = start.isoformat(), end.isoformat()
        points = tuple(
            PricePoint(date.fromisoformat(day), parse_decimal(close))
            for day, close in self._columns[symbol]
            if first <= day <= last
        )
        if not points:
            raise SymbolUnknown("The file has no prices of that period.", symbol=symbol)
        return PriceSeries(symbol=symbol, currency="USD", series=series, points=points)

    def corporate_actions(self, symbol: str, start: date, end: date) -> CorporateActions:
        """Always refused: the file has none, and silence would read as "there were none"."""
        raise ProviderResponseInvalid("This source has no corporate actions.", symbol=symbol[:16])
