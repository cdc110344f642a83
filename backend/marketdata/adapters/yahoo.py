"""Yahoo Finance through ``yfinance``: optional, off by default, never the only provider.

Yahoo's terms allow personal use only, and its quotes are about 15 minutes late. What it calls
``Close`` (with ``auto_adjust`` off) is already divided by every later split, and its dividends
too; both are multiplied back here, so that raw means raw. For that the whole time up to today
is asked for, because a split after the period changes the numbers inside it.

Floats end at this boundary: Yahoo sends 32-bit numbers, so the shortest decimal that names the
same 32-bit number is what was meant (130.28 and not 130.27999877929688).
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from backend.kernel.clock import Clock, today
from backend.kernel.errors import DomainError, ValueInvalid
from backend.kernel.money import minor_unit
from backend.marketdata.domain import (
    CorporateActions,
    Dividend,
    PricePoint,
    PriceSeries,
    SeriesKind,
    Source,
    Split,
)
from backend.marketdata.errors import (
    ProviderResponseInvalid,
    ProviderUnavailable,
    SymbolUnknown,
)
from backend.marketdata.retry import RetryPolicy

METHOD = "as given by Yahoo, with its division by later splits undone"

_WIDE = Context(prec=50)
_PLACES = Decimal("0.000001")
_MOST_OLD_UNITS = 1_000
_COLUMN = {SeriesKind.RAW: "Close", SeriesKind.ADJUSTED: "Adj Close"}


class HistoryAnswer(msgspec.Struct, frozen=True):
    """What ``Ticker.history`` gave (a pandas frame by day), and the currency it is quoted in."""

    frame: Any
    currency: str


class HistorySource(Protocol):
    """Fetches daily history, ``end`` excluded. Raises the provider's typed errors only."""

    def __call__(self, symbol: str, start: date, end: date, timeout: float) -> HistoryAnswer: ...


class YFinanceProvider:
    """A ``MarketDataProvider`` on a history source; ``timeout`` is seconds per request.

    ``clock`` must tell real time, also where business time is shifted into the past: a split
    that Yahoo knows and we did not ask for would leave every earlier close divided.
    """

    def __init__(
        self, history: HistorySource, clock: Clock, retry: RetryPolicy, timeout: float = 5.0
    ) -> None:
        self._history = history
        self._clock = clock
        self._retry = retry
        self._timeout = timeout

    @property
    def source(self) -> Source:
        return Source(
            name=f"Yahoo Finance (yfinance {version('yfinance')})",
            licence="Yahoo's terms: personal use, no redistribution; package: Apache-2.0",
        )

    def daily_prices(self, symbol: str, series: SeriesKind, start: date, end: date) -> PriceSeries:
        """The closes of the period. Raises SymbolUnknown and the other provider errors."""
        answer, days = self._fetch(symbol, start)
        closes = _decimals(answer, _COLUMN[series])
        if series is SeriesKind.RAW:
            factors = _later_splits(days, _splits(answer, days))
            closes = [_restored(c, f) for c, f in zip(closes, factors, strict=True)]
        points = tuple(
            PricePoint(day, close)
            for day, close in zip(days, closes, strict=True)
            if start <= day <= end
        )
        if not points:
            raise SymbolUnknown("Yahoo has no prices of that period.", symbol=symbol)
        return PriceSeries(symbol=symbol, currency=answer.currency, series=series, points=points)

    def corporate_actions(self, symbol: str, start: date, end: date) -> CorporateActions:
        """Splits and dividends with an ex date in the period."""
        answer, days = self._fetch(symbol, start)
        splits = _splits(answer, days)
        amounts = _decimals(answer, "Dividends")
        dividends = tuple(
            Dividend(day, _restored(amount, factor))
            for day, amount, factor in zip(days, amounts, _later_splits(days, splits), strict=True)
            if amount != 0 and start <= day <= end
        )
        return CorporateActions(
            symbol=symbol,
            currency=answer.currency,
            method=METHOD,
            splits=tuple(each for day, each in splits.items() if start <= day <= end),
            dividends=dividends,
        )

    def _fetch(self, symbol: str, start: date) -> tuple[HistoryAnswer, list[date]]:
        tomorrow = today(self._clock) + timedelta(days=1)
        answer = self._retry.run(lambda: self._history(symbol, start, tomorrow, self._timeout))
        try:
            minor_unit(answer.currency)
        except ValueInvalid as error:
            # GBp, ZAc, ILA: hundredths. Taking them for pounds would be wrong by a factor.
            raise ProviderResponseInvalid(
                "The quotes are not in a currency known here.",
                symbol=symbol,
                currency=answer.currency,
            ) from error
        days = [_day(moment) for moment in answer.frame.index]
        if not days:
            raise SymbolUnknown("Yahoo answered without a single day.", symbol=symbol)
        return answer, days


def live_history(cache_folder: Path) -> HistorySource:
    """The real thing. Needs the network; ``yfinance`` keeps time zones in ``cache_folder``.

    Raises ProviderUnavailable when the package is not installed.
    """
    try:
        import yfinance  # loads pandas and an HTTP client: only where it is switched on
        from yfinance.exceptions import YFException, YFRateLimitError, YFTickerMissingError
    except ImportError as error:
        raise ProviderUnavailable("The package yfinance is not installed.") from error
    yfinance.set_tz_cache_location(str(cache_folder))
    # Otherwise the library logs its failures and answers with an empty frame.
    yfinance.config.debug.hide_exceptions = False

    def fetch(symbol: str, start: date, end: date, timeout: float) -> HistoryAnswer:
        ticker = yfinance.Ticker(symbol)
        frame = ticker.history(
            start=start.isoformat(),
            end=end.isoformat(),
            interval="1d",
            auto_adjust=False,
            actions=True,
            timeout=timeout,
        )
        return HistoryAnswer(frame, str(ticker.history_metadata.get("currency")))

    failures: Mapping[type[Exception], type[DomainError]] = {
        YFRateLimitError: ProviderUnavailable,
        YFTickerMissingError: SymbolUnknown,
        YFException: ProviderUnavailable,  # "will be right back"
        ValueError: ProviderResponseInvalid,  # no JSON; before OSError, which it may be as well
        OSError: ProviderUnavailable,  # every network failure, time-outs included
        KeyError: ProviderResponseInvalid,
        TypeError: ProviderResponseInvalid,
        IndexError: ProviderResponseInvalid,
        AttributeError: ProviderResponseInvalid,
    }
    return _typed(fetch, failures)


def _typed(
    fetch: Callable[[str, date, date, float], HistoryAnswer],
    failures: Mapping[type[Exception], type[DomainError]],
) -> HistorySource:
    def typed(symbol: str, start: date, end: date, timeout: float) -> HistoryAnswer:
        try:
            return fetch(symbol, start, end, timeout)
        except tuple(failures) as error:
            kind = next(k for known, k in failures.items() if isinstance(error, known))
            # For an unknown symbol yfinance goes on to a page that does not exist either.
            if getattr(getattr(error, "response", None), "status_code", None) == 404:
                kind = SymbolUnknown
            raise kind(
                "Yahoo gave no usable answer.", symbol=symbol, reason=str(error)[:200]
            ) from error

    return typed


def _day(moment: Any) -> date:
    """The exchange's own calendar day: the index is in the exchange's time zone."""
    day = moment.date()
    if not isinstance(day, date):
        raise ProviderResponseInvalid("The index holds no days.")
    return day


def _decimals(answer: HistoryAnswer, column: str) -> list[Decimal]:
    """A column as decimals. Raises ProviderResponseInvalid for a missing column or a gap."""
    try:
        values = answer.frame[column].tolist()
        days = list(answer.frame.index)
    except KeyError as error:
        raise ProviderResponseInvalid("The answer lacks a column.", column=column) from error
    return [_decimal(value, column, day) for value, day in zip(values, days, strict=True)]


def _decimal(value: Any, column: str, day: Any) -> Decimal:
    if not isinstance(value, int | float) or not np.isfinite(value):
        raise ProviderResponseInvalid(
            "The answer has a day without a number.", column=column, day=_day(day)
        )
    single = np.float32(value)
    text = str(single) if float(single) == value else repr(float(value))
    return Decimal(text)


def _splits(answer: HistoryAnswer, days: list[date]) -> dict[date, Split]:
    ratios = _decimals(answer, "Stock Splits")
    return {day: _split(day, ratio) for day, ratio in zip(days, ratios, strict=True) if ratio != 0}


def _split(day: date, ratio: Decimal) -> Split:
    exact = Fraction(ratio).limit_denominator(_MOST_OLD_UNITS)
    return Split(day, exact.numerator, exact.denominator)


def _later_splits(days: list[date], splits: Mapping[date, Split]) -> list[Fraction]:
    """For each day, the product of the ratios of all splits after it."""
    factors: list[Fraction] = []
    product = Fraction(1)
    for day in reversed(days):
        factors.append(product)
        split = splits.get(day)
        if split is not None:
            product *= Fraction(split.new_units, split.old_units)
    return factors[::-1]


def _restored(value: Decimal, factor: Fraction) -> Decimal:
    """``value`` × ``factor``, to 6 places where the factor is not 1."""
    if factor == 1:
        return value
    product = _WIDE.multiply(value, Decimal(factor.numerator))
    return _WIDE.divide(product, Decimal(factor.denominator)).quantize(_PLACES, context=_WIDE)
