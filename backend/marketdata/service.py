"""Imports: fetch, check, write the canonical bytes, record the event; one transaction each.

The blob is on the disk before the event is committed, so an event never points at nothing; a
blob whose event was rolled back is only unused.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from backend.eventstore.aggregate import Aggregate
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.marketdata.canonical import Row, cell, encode
from backend.marketdata.domain import (
    DatasetKind,
    DatasetState,
    SeriesKind,
    Source,
    dataset_id_of,
    evolve,
    import_dataset,
)
from backend.marketdata.errors import ProviderResponseInvalid
from backend.marketdata.events import DatasetImported, Subject
from backend.marketdata.ports import BlobStore, MarketDataProvider, RateProvider
from backend.securities.ports import Security

DATASET: Aggregate[DatasetState] = Aggregate(category="dataset", evolve=evolve)
_AS_GIVEN = "as given"


class Imported(msgspec.Struct, frozen=True):
    """What an import did; ``new`` is False when these very bytes were in already."""

    dataset_id: str
    sha256: str
    rows: int
    new: bool


class ImportService:
    """Brings data of a provider in as events. Idempotent by content."""

    def __init__(self, store: EventStore, blobs: BlobStore) -> None:
        self._store = store
        self._blobs = blobs

    def import_prices(
        self,
        caller: Caller,
        provider: MarketDataProvider,
        securities: Mapping[str, Security],
        series: SeriesKind,
        start: date,
        end: date,
    ) -> Imported:
        """The closes of the provider's symbols, each for the security it is mapped to.

        Raises the provider's errors, and ProviderResponseInvalid for another currency than
        the security's; then nothing is imported.
        """
        rows: list[Row] = []
        for symbol, security in securities.items():
            found = provider.daily_prices(symbol, series, start, end)
            _same_currency(symbol, found.currency, security)
            rows += [
                (security.isin, cell(p.date), cell(found.currency), cell(p.close))
                for p in found.points
            ]
        kind = DatasetKind.of_prices(series)
        return self._enter(caller, kind, provider.source, _AS_GIVEN, rows, _subjects(securities))

    def import_actions(
        self,
        caller: Caller,
        provider: MarketDataProvider,
        securities: Mapping[str, Security],
        start: date,
        end: date,
    ) -> tuple[Imported, ...]:
        """The splits and the dividends of the symbols: one data set each, where there are any."""
        splits: list[Row] = []
        dividends: list[Row] = []
        methods: set[str] = set()
        for symbol, security in securities.items():
            found = provider.corporate_actions(symbol, start, end)
            _same_currency(symbol, found.currency, security)
            methods.add(found.method)
            splits += [
                (security.isin, cell(s.ex_date), cell(s.new_units), cell(s.old_units))
                for s in found.splits
            ]
            dividends += [
                (security.isin, cell(d.ex_date), cell(found.currency), cell(d.amount))
                for d in found.dividends
            ]
        method, subjects = "; ".join(sorted(methods)), _subjects(securities)
        return tuple(
            self._enter(caller, kind, provider.source, method, rows, subjects)
            for kind, rows in ((DatasetKind.SPLITS, splits), (DatasetKind.DIVIDENDS, dividends))
            if rows
        )

    def import_rates(
        self,
        caller: Caller,
        provider: RateProvider,
        currencies: Sequence[str],
        start: date,
        end: date,
    ) -> Imported:
        """Euro reference rates of the named currencies. Raises the provider's errors."""
        found = provider.reference_rates(currencies, start, end)
        rows = [(cell(r.currency), cell(r.date), cell(r.per_euro)) for r in found]
        subjects = [
            Subject(key=each, security_id=None, currency=each) for each in sorted(set(currencies))
        ]
        return self._enter(caller, DatasetKind.RATES, provider.source, _AS_GIVEN, rows, subjects)

    def _enter(
        self,
        caller: Caller,
        kind: DatasetKind,
        source: Source,
        method: str,
        rows: Sequence[Row],
        subjects: Iterable[Subject],
    ) -> Imported:
        if not rows:
            raise ProviderResponseInvalid("There is nothing to import.", source=source.name)
        sha256 = self._blobs.put(encode(kind, rows))
        days = [row[1] for row in rows]
        event = DatasetImported(
            dataset_id=dataset_id_of(sha256),
            source=source.name,
            licence=source.licence,
            kind=kind.value,
            method=method,
            sha256=sha256,
            rows=len(rows),
            first_date=date.fromisoformat(min(days)),
            last_date=date.fromisoformat(max(days)),
            subjects=tuple(subjects),
        )
        return retrying(lambda: self._append(caller, event))

    def _append(self, caller: Caller, event: DatasetImported) -> Imported:
        with self._store.transaction(Scope.venue(), caller) as uow:
            loaded = uow.load(DATASET, event.dataset_id, tenant_id=VENUE_TENANT)
            events = import_dataset(loaded.state, event)
            uow.append(loaded, events)
            return Imported(event.dataset_id, event.sha256, event.rows, new=bool(events))


def _subjects(securities: Mapping[str, Security]) -> list[Subject]:
    return [
        Subject(key=each.isin, security_id=each.security_id, currency=each.currency)
        for each in sorted(securities.values(), key=lambda each: each.isin)
    ]


def _same_currency(symbol: str, currency: str, security: Security) -> None:
    if currency != security.currency:
        raise ProviderResponseInvalid(
            "The provider's prices are in another currency than the security's.",
            symbol=symbol,
            currency=currency,
            expected=security.currency,
        )
