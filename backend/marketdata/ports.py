"""What market data needs from outside, and what other contexts may ask of it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from backend.marketdata.domain import (
    CorporateActions,
    Dividend,
    PriceAtDate,
    PricePoint,
    PriceSeries,
    RateAtDate,
    ReferenceRate,
    SeriesKind,
    Source,
    Split,
    TickerDetails,
    TickerPerformance,
    TickerPriceAtDate,
)

__all__ = [
    "AnalyticsRepository",
    "BlobStore",
    "CorporateActions",
    "Dividend",
    "MarketData",
    "MarketDataProvider",
    "PriceAtDate",
    "PricePoint",
    "PriceSeries",
    "RateAtDate",
    "RateProvider",
    "ReferenceRate",
    "SeriesKind",
    "Source",
    "Split",
    "TickerDetails",
    "TickerPerformance",
    "TickerPriceAtDate",
]


class BlobStore(Protocol):
    """Bytes by their SHA-256 (64 lower-case hex digits), kept for ever."""

    def put(self, content: bytes, /) -> str:
        """Keep ``content`` durably; returns its hash. The same content again is no error."""
        ...

    def get(self, sha256_hex: str, /) -> bytes:
        """The bytes of this hash. Raises BlobMissing, or BlobCorrupt when they changed."""
        ...


class MarketDataProvider(Protocol):
    """Daily closes and corporate actions by the provider's symbol, both dates included.

    Raises SymbolUnknown, ProviderUnavailable (may be repeated), ProviderResponseInvalid.
    """

    @property
    def source(self) -> Source: ...

    def daily_prices(
        self, symbol: str, series: SeriesKind, start: date, end: date
    ) -> PriceSeries: ...

    def corporate_actions(self, symbol: str, start: date, end: date) -> CorporateActions: ...


class RateProvider(Protocol):
    """Daily euro reference rates of the named currencies, both dates included."""

    @property
    def source(self) -> Source: ...

    def reference_rates(
        self, currencies: Sequence[str], start: date, end: date
    ) -> tuple[ReferenceRate, ...]: ...


class MarketData(Protocol):
    """Prices and rates as imported, for the contexts above. All raise PriceUnavailable."""

    def price_on(
        self,
        security_id: str,
        on: date,
        *,
        series: SeriesKind = SeriesKind.RAW,
        max_age_days: int | None = None,
    ) -> PriceAtDate:
        """The last close on or before ``on``; refused when older than ``max_age_days``."""
        ...

    def series(
        self, security_id: str, start: date, end: date, *, series: SeriesKind = SeriesKind.RAW
    ) -> tuple[PricePoint, ...]:
        """The closes of the period, ascending; empty when the security has none in it."""
        ...

    def rate_on(self, base: str, quote: str, on: date, *, max_age_days: int = 10) -> RateAtDate:
        """The cross rate of the last day on or before ``on`` that has both euro rates."""
        ...

    def splits(self, security_id: str, start: date, end: date) -> tuple[Split, ...]: ...

    def dividends(self, security_id: str, start: date, end: date) -> tuple[Dividend, ...]: ...


class AnalyticsRepository(Protocol):
    """Read-only answers by ticker (ARC-028)."""

    def get_price_for_date(self, ticker: str, mic: str, on: date) -> TickerPriceAtDate: ...

    def get_ticker_details(self, ticker: str, mic: str) -> TickerDetails: ...

    def get_performance_for_tickers(
        self, tickers: Sequence[tuple[str, str]], start: date, end: date
    ) -> tuple[TickerPerformance, ...]: ...
