"""Splits and dividends found in the ratio of an adjusted to a raw series.

Let f = adjusted / raw and g = f(t) / f(t-1). Without an action g is 1 up to the rounding of
the published adjusted close. The WIKI series' own rule (checked against the file: every one of
its 92 dividends comes out at a whole cent) is, on an ex date,

- a split of ``new`` for ``old`` units: g = new / old;
- a dividend D: g = 1 + D / raw(t), with the close of the ex date itself.

(The CRSP rule would be g = 1 / (1 - D / raw(t-1)); it gives no round amounts on this file.)
A change of at least a fifth is a split, since no ratio of small whole numbers lies below that.
Anything else, such as a spin-off or both on one day, is refused rather than guessed.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

from backend.marketdata.domain import CorporateActions, Dividend, PriceSeries, Split
from backend.marketdata.errors import ProviderResponseInvalid

METHOD = (
    "derived from g, the daily change of adjusted/raw:"
    " split new/old = g where g or 1/g is at least 1.2; dividend = close on ex date x (g - 1)"
)

_WIDE = Context(prec=60)
_NOISE = Decimal("1e-9")  # adjusted closes carry 12 digits and more
_SPLIT = Decimal("1.2")
_CENT_FRACTION = Decimal("0.000001")
_MOST_OLD_UNITS = 50

Step = tuple[date, Decimal, Decimal]  # ex date, its raw close, g


def derive_actions(raw: PriceSeries, adjusted: PriceSeries) -> CorporateActions:
    """The actions that explain every change of the ratio of the two series of one symbol.

    Raises ProviderResponseInvalid when the series do not cover the same days, or a change
    has no explanation as one split or one dividend.
    """
    if [p.date for p in raw.points] != [p.date for p in adjusted.points]:
        raise ProviderResponseInvalid(
            "Raw and adjusted closes are not of the same days.", symbol=raw.symbol
        )
    splits: list[Split] = []
    dividends: list[Dividend] = []
    for day, close, change in _changes(raw, adjusted):
        if change >= _SPLIT or change <= 1 / _SPLIT:
            splits.append(_split(day, change))
        else:
            dividends.append(_dividend(day, close, change))
    return CorporateActions(
        symbol=raw.symbol,
        currency=raw.currency,
        method=METHOD,
        splits=tuple(splits),
        dividends=tuple(dividends),
    )


def _changes(raw: PriceSeries, adjusted: PriceSeries) -> Iterator[Step]:
    factors = [
        (r.date, r.close, _WIDE.divide(a.close, r.close))
        for r, a in zip(raw.points, adjusted.points, strict=True)
    ]
    for (_, _, before), (day, close, after) in pairwise(factors):
        change = _WIDE.divide(after, before)
        if abs(change - 1) > _NOISE:
            yield day, close, change


def _split(day: date, change: Decimal) -> Split:
    ratio = Fraction(change).limit_denominator(_MOST_OLD_UNITS)
    if ratio <= 0 or abs(Fraction(change) / ratio - 1) > Fraction(_NOISE):
        raise ProviderResponseInvalid(
            "A jump of the adjustment is no split ratio.", day=day, change=f"{change:.9f}"
        )
    return Split(day, ratio.numerator, ratio.denominator)


def _dividend(day: date, close: Decimal, change: Decimal) -> Dividend:
    amount = _WIDE.multiply(close, change - 1)
    rounded = amount.quantize(_CENT_FRACTION)
    if rounded <= 0 or abs(amount - rounded) > _NOISE * close:
        raise ProviderResponseInvalid(
            "No dividend explains a change of the adjustment.", day=day, change=f"{change:.9f}"
        )
    return Dividend(day, rounded.normalize() if rounded % 1 else rounded.to_integral_value())
