"""Market data's values, all immutable, and the rule that a data set enters once.

Prices here are decimals as the source gives them: an adjusted close may have more places than
a price one can trade at, so it is no ``kernel.Price``.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal
from enum import StrEnum
from itertools import pairwise

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.money import MAX_SCALE, CurrencyMismatch, Money, checked
from backend.marketdata.errors import ProviderResponseInvalid
from backend.marketdata.events import DatasetImported

_WIDE = Context(prec=80)


class SeriesKind(StrEnum):
    """Raw closes value holdings; adjusted closes are for returns and charts only (C-19)."""

    RAW = "raw"
    ADJUSTED = "adjusted"


class DatasetKind(StrEnum):
    """What the rows of a data set are."""

    PRICES_RAW = "prices_raw"
    PRICES_ADJUSTED = "prices_adjusted"
    SPLITS = "splits"
    DIVIDENDS = "dividends"
    RATES = "rates"

    @classmethod
    def of_prices(cls, series: SeriesKind) -> "DatasetKind":
        return cls.PRICES_RAW if series is SeriesKind.RAW else cls.PRICES_ADJUSTED


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where data comes from and under what terms it may be used."""

    name: str
    licence: str


class PricePoint(msgspec.Struct, frozen=True):
    """One day's closing price. Raises ProviderResponseInvalid unless it is positive."""

    date: date
    close: Decimal

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "close", _positive(self.close, self.date))


class PriceSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Daily closes of one symbol, ascending by date, no day twice."""

    symbol: str
    currency: str
    series: SeriesKind
    points: tuple[PricePoint, ...]

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.points):
            if earlier.date >= later.date:
                raise ProviderResponseInvalid(
                    "The days of the series do not ascend.", symbol=self.symbol, day=later.date
                )


class Split(msgspec.Struct, frozen=True):
    """``old_units`` become ``new_units`` on the ex date; whole numbers, so 1:3 stays exact."""

    ex_date: date
    new_units: int
    old_units: int

    def __post_init__(self) -> None:
        if self.new_units < 1 or self.old_units < 1 or self.new_units == self.old_units:
            raise ProviderResponseInvalid("The split ratio is not one.", day=self.ex_date)


class Dividend(msgspec.Struct, frozen=True):
    """Cash per unit held before the ex date, in units as of that day (not split-adjusted)."""

    ex_date: date
    amount: Decimal

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "amount", _positive(self.amount, self.ex_date))


class CorporateActions(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's splits and dividends, and how they are known."""

    symbol: str
    currency: str
    method: str
    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]


class ReferenceRate(msgspec.Struct, frozen=True):
    """Units of ``currency`` for one euro on a day."""

    currency: str
    date: date
    per_euro: Decimal

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "per_euro", _positive(self.per_euro, self.date))


class PriceAtDate(msgspec.Struct, frozen=True, kw_only=True):
    """The last close on or before a day, with its own date and provenance."""

    security_id: str
    requested_on: date
    price_date: date
    close: Decimal
    currency: str
    series: SeriesKind
    dataset_id: str
    source: str

    @property
    def age_days(self) -> int:
        """Calendar days between the close and the day asked for: its staleness."""
        return (self.requested_on - self.price_date).days


class RateAtDate(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of ``base`` was worth in ``quote``: the cross of two euro rates of one day."""

    base: str
    quote: str
    requested_on: date
    rate_date: date
    base_per_euro: Decimal
    quote_per_euro: Decimal
    source: str

    @property
    def age_days(self) -> int:
        """Calendar days between the rate and the day asked for: its staleness."""
        return (self.requested_on - self.rate_date).days

    @property
    def value(self) -> Decimal:
        """Units of ``quote`` per unit of ``base``, to 18 decimal places."""
        return _quotient(self.quote_per_euro, self.base_per_euro)

    def convert(self, money: Money) -> Money:
        """``money`` in the quote currency, unrounded but for the 18th decimal place.

        Multiplies before it divides, so a round trip does not carry the cross rate's error.
        Raises CurrencyMismatch for money of another currency.
        """
        if money.currency != self.base:
            raise CurrencyMismatch(
                "The rate is not of this currency.", base=self.base, currency=money.currency
            )
        amount = _WIDE.multiply(money.amount, self.quote_per_euro)
        return Money(_quotient(amount, self.base_per_euro), self.quote)


class TickerPriceAtDate(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker's close on or before a day (ARC-030)."""

    ticker: str
    mic: str
    price: PriceAtDate


class TickerPerformance(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker's total return between two closes of one adjusted series (ARC-030)."""

    ticker: str
    mic: str
    first: PricePoint
    last: PricePoint
    total_return: Decimal


class TickerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticker stands for, and which days of it are known (ARC-030)."""

    ticker: str
    mic: str
    security_id: str
    isin: str
    name: str
    currency: str
    asset_class: str
    first_price_date: date | None
    last_price_date: date | None


class DatasetState(msgspec.Struct, frozen=True):
    """A data set that has been imported."""

    dataset_id: str
    sha256: str


def import_dataset(state: DatasetState | None, event: DatasetImported) -> Sequence[Event]:
    """The events of an import: none when these very bytes are in already."""
    if state is None:
        return [event]
    if state.sha256 != event.sha256:
        raise InvariantBroken("Two contents claim one data set.", dataset_id=event.dataset_id)
    return []


def evolve(state: DatasetState | None, event: Event) -> DatasetState:
    """A data set's state after ``event``."""
    if isinstance(event, DatasetImported) and state is None:
        return DatasetState(event.dataset_id, event.sha256)
    raise InvariantBroken("A data set's stream holds a foreign event.", type=event.type)


def dataset_id_of(sha256: str) -> str:
    """The id that the content gives itself: a UUIDv8 (RFC 9562 section 5.8) of its hash.

    So one content has one stream, and two importers at once meet in the stream's own lock.
    The kind stands in the bytes' header, hence in the hash.
    """
    value = (int(sha256[:32], 16) & ~(0xF << 76) & ~(0x3 << 62)) | (0x8 << 76) | (0b10 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _positive(value: Decimal, day: date) -> Decimal:
    """``value`` within the kernel's limits and above zero, or ProviderResponseInvalid."""
    if not value.is_finite() or value <= 0:
        raise ProviderResponseInvalid("A value is not above zero.", day=day, value=str(value))
    return checked(value)


def _quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    quotient = _WIDE.divide(dividend, divisor)
    return checked(quotient.quantize(Decimal(1).scaleb(-MAX_SCALE), context=_WIDE))
