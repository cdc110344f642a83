"""Reads of prices, rates and corporate actions (a ``MarketData``).

Where several data sets know the same day, the later import counts for raw closes, rates and
actions. Adjusted closes of two data sets must not be mixed, since each is adjusted to its own
day: the latest import that holds the security answers alone.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from backend.eventstore.scope import Connection
from backend.kernel.money import minor_unit
from backend.marketdata.domain import (
    Dividend,
    PriceAtDate,
    PricePoint,
    RateAtDate,
    SeriesKind,
    Split,
)
from backend.marketdata.errors import PriceUnavailable

_EURO = "EUR"
_PRICE_ON = """
SELECT p.price_date, p.close, p.currency, p.dataset_id, d.source
FROM prices p JOIN datasets d USING (dataset_id)
WHERE p.security_id = %(security)s AND p.series = %(series)s AND p.price_date <= %(on)s
  AND (%(dataset)s::text IS NULL OR p.dataset_id = %(dataset)s)
ORDER BY p.price_date DESC, d.imported_event DESC LIMIT 1
"""
_SERIES = """
SELECT DISTINCT ON (p.price_date) p.price_date, p.close
FROM prices p JOIN datasets d USING (dataset_id)
WHERE p.security_id = %(security)s AND p.series = %(series)s
  AND p.price_date BETWEEN %(start)s AND %(end)s
  AND (%(dataset)s::text IS NULL OR p.dataset_id = %(dataset)s)
ORDER BY p.price_date, d.imported_event DESC
"""
_LATEST_DATASET = """
SELECT d.dataset_id FROM datasets d
WHERE d.kind = 'prices_adjusted' AND EXISTS (
  SELECT 1 FROM prices p WHERE p.security_id = %s AND p.series = 'adjusted'
  AND p.dataset_id = d.dataset_id)
ORDER BY d.imported_event DESC LIMIT 1
"""
_RATES_ON = """
SELECT DISTINCT ON (r.currency) r.currency, r.rate_date, r.per_euro, d.source
FROM rates r JOIN datasets d USING (dataset_id)
WHERE r.currency = ANY(%(currencies)s) AND r.rate_date = (
  SELECT rate_date FROM rates
  WHERE currency = ANY(%(currencies)s) AND rate_date BETWEEN %(on)s::date - %(age)s::int AND %(on)s
  GROUP BY rate_date HAVING count(DISTINCT currency) = %(count)s
  ORDER BY rate_date DESC LIMIT 1)
ORDER BY r.currency, d.imported_event DESC
"""
_SPLITS = """
SELECT DISTINCT ON (s.ex_date) s.ex_date, s.new_units, s.old_units
FROM splits s JOIN datasets d USING (dataset_id)
WHERE s.security_id = %s AND s.ex_date BETWEEN %s AND %s
ORDER BY s.ex_date, d.imported_event DESC
"""
_DIVIDENDS = """
SELECT DISTINCT ON (v.ex_date) v.ex_date, v.amount
FROM dividends v JOIN datasets d USING (dataset_id)
WHERE v.security_id = %s AND v.ex_date BETWEEN %s AND %s
ORDER BY v.ex_date, d.imported_event DESC
"""
_DATASETS = """
SELECT dataset_id, kind, source, licence, method, sha256, rows, first_date, last_date,
  imported_event::text AS imported_event, imported_at
FROM datasets WHERE imported_event < %s ORDER BY imported_event DESC LIMIT %s
"""
_LAST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class MarketDataTables:
    """Market data read through one transaction's connection, in any scope."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def price_on(
        self,
        security_id: str,
        on: date,
        *,
        series: SeriesKind = SeriesKind.RAW,
        max_age_days: int | None = None,
    ) -> PriceAtDate:
        """The last close on or before ``on``. Raises PriceUnavailable (none, or too old)."""
        values = {"security": security_id, "series": series.value, "on": on}
        row = self._db.execute(
            _PRICE_ON, {**values, "dataset": self._dataset(security_id, series)}
        ).fetchone()
        if row is None:
            raise PriceUnavailable("No price is known.", security_id=security_id, on=on)
        price = PriceAtDate(security_id=security_id, requested_on=on, series=series, **row)
        if max_age_days is not None and price.age_days > max_age_days:
            raise PriceUnavailable(
                "The last price is too old.",
                security_id=security_id,
                on=on,
                price_date=price.price_date,
                age_days=price.age_days,
            )
        return price

    def series(
        self, security_id: str, start: date, end: date, *, series: SeriesKind = SeriesKind.RAW
    ) -> tuple[PricePoint, ...]:
        """The closes of the period, ascending; empty when the security has none in it."""
        rows = self._db.execute(
            _SERIES,
            {
                "security": security_id,
                "series": series.value,
                "start": start,
                "end": end,
                "dataset": self._dataset(security_id, series),
            },
        )
        return tuple(PricePoint(row["price_date"], row["close"]) for row in rows)

    def rate_on(self, base: str, quote: str, on: date, *, max_age_days: int = 10) -> RateAtDate:
        """The cross over the euro, of the last day that has every rate it needs.

        ECB rates pause for at most four or five days (Easter, Christmas), so an older one means
        that the series ended. Raises PriceUnavailable, or ValueInvalid for no currency.
        """
        currencies = sorted({base, quote} - {_EURO})
        for currency in (base, quote):
            minor_unit(currency)
        rows = self._rates(currencies, on, max_age_days) if base != quote else []
        if base != quote and len(rows) < len(currencies):
            raise PriceUnavailable("No rate is known.", base=base, quote=quote, on=on)
        known = {row["currency"]: row["per_euro"] for row in rows}
        return RateAtDate(
            base=base,
            quote=quote,
            requested_on=on,
            rate_date=rows[0]["rate_date"] if rows else on,
            base_per_euro=known.get(base, Decimal(1)),
            quote_per_euro=known.get(quote, Decimal(1)),
            source=rows[0]["source"] if rows else "identity",
        )

    def splits(self, security_id: str, start: date, end: date) -> tuple[Split, ...]:
        """The splits of the period, by ex date."""
        rows = self._db.execute(_SPLITS, (security_id, start, end))
        return tuple(Split(row["ex_date"], row["new_units"], row["old_units"]) for row in rows)

    def dividends(self, security_id: str, start: date, end: date) -> tuple[Dividend, ...]:
        """The dividends of the period, by ex date, in the security's currency."""
        rows = self._db.execute(_DIVIDENDS, (security_id, start, end))
        return tuple(Dividend(row["ex_date"], row["amount"]) for row in rows)

    def covered(self, security_id: str) -> tuple[date, date] | None:
        """The first and last day with a close of any kind."""
        row = self._db.execute(
            "SELECT min(price_date) AS first, max(price_date) AS last FROM prices"
            " WHERE security_id = %s",
            (security_id,),
        ).fetchone()
        return (row["first"], row["last"]) if row and row["first"] is not None else None

    def datasets(self, before: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` imports older than the event ``before``."""
        return self._db.execute(_DATASETS, (before or _LAST_UUID, limit)).fetchall()

    def _dataset(self, security_id: str, series: SeriesKind) -> str | None:
        """The one data set that answers for adjusted closes; None where any may."""
        if series is SeriesKind.RAW:
            return None
        row = self._db.execute(_LATEST_DATASET, (security_id,)).fetchone()
        return row["dataset_id"] if row else None

    def _rates(self, currencies: Sequence[str], on: date, age: int) -> list[dict[str, Any]]:
        return self._db.execute(
            _RATES_ON,
            {"currencies": list(currencies), "on": on, "age": age, "count": len(currencies)},
        ).fetchall()
