"""Data sets as tables. The rows come out of the blob whose hash the event records."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.marketdata.canonical import Row, decode
from backend.marketdata.domain import DatasetKind, SeriesKind
from backend.marketdata.errors import BlobCorrupt
from backend.marketdata.events import DatasetImported, Subject
from backend.marketdata.ports import BlobStore

TABLES = ("datasets", "prices", "rates", "splits", "dividends")
_CHUNK = 20_000

# unnest and not COPY: PostgreSQL refuses COPY into a table with row-level security.
_PRICES = """
INSERT INTO prices (security_id, series, price_date, dataset_id, close, currency)
SELECT u.security_id, %s, u.day, %s, u.close, u.currency
FROM unnest(%s::text[], %s::date[], %s::text[], %s::numeric[])
  AS u(security_id, day, currency, close)
"""
_RATES = """
INSERT INTO rates (currency, rate_date, dataset_id, per_euro)
SELECT u.currency, u.day, %s, u.per_euro
FROM unnest(%s::text[], %s::date[], %s::numeric[]) AS u(currency, day, per_euro)
"""
_SPLITS = """
INSERT INTO splits (security_id, ex_date, dataset_id, new_units, old_units)
SELECT u.security_id, u.day, %s, u.new_units, u.old_units
FROM unnest(%s::text[], %s::date[], %s::bigint[], %s::bigint[])
  AS u(security_id, day, new_units, old_units)
"""
_DIVIDENDS = """
INSERT INTO dividends (security_id, ex_date, dataset_id, currency, amount)
SELECT u.security_id, u.day, %s, u.currency, u.amount
FROM unnest(%s::text[], %s::date[], %s::text[], %s::numeric[])
  AS u(security_id, day, currency, amount)
"""
_LOADS: Mapping[DatasetKind, tuple[str, tuple[str, ...]]] = {
    DatasetKind.PRICES_RAW: (_PRICES, (SeriesKind.RAW.value,)),
    DatasetKind.PRICES_ADJUSTED: (_PRICES, (SeriesKind.ADJUSTED.value,)),
    DatasetKind.SPLITS: (_SPLITS, ()),
    DatasetKind.DIVIDENDS: (_DIVIDENDS, ()),
    DatasetKind.RATES: (_RATES, ()),
}


def projection(blobs: BlobStore) -> Projection:
    """The read models of market data, which read their rows from ``blobs``.

    Applying an event raises BlobMissing or BlobCorrupt when its bytes are not what it says.
    """
    return Projection(name="marketdata", tables=TABLES, handlers={DatasetImported: _loader(blobs)})


def _loader(blobs: BlobStore) -> Callable[[Connection, Recorded[DatasetImported]], None]:
    def on_imported(db: Connection, recorded: Recorded[DatasetImported]) -> None:
        event = recorded.event
        kind = DatasetKind(event.kind)
        rows = decode(kind, blobs.get(event.sha256))
        if len(rows) != event.rows:
            raise BlobCorrupt(
                "The data set has another number of rows.", recorded=event.rows, found=len(rows)
            )
        _insert_dataset(db, recorded)
        _insert_rows(db, kind, event, rows)

    return on_imported


def _insert_dataset(db: Connection, recorded: Recorded[DatasetImported]) -> None:
    event = recorded.event
    db.execute(
        "INSERT INTO datasets (dataset_id, kind, source, licence, method, sha256, rows,"
        " first_date, last_date, imported_event, imported_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            event.dataset_id,
            event.kind,
            event.source,
            event.licence,
            event.method,
            event.sha256,
            event.rows,
            event.first_date,
            event.last_date,
            recorded.event_id,
            recorded.recorded_at,
        ),
    )


def _insert_rows(
    db: Connection, kind: DatasetKind, event: DatasetImported, rows: Sequence[Row]
) -> None:
    statement, constants = _LOADS[kind]
    owners = {subject.key: _owner(subject) for subject in event.subjects}
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        keys, *columns = (list(column) for column in zip(*chunk, strict=True))
        try:
            owned = [owners[key] for key in keys]
        except KeyError as error:
            raise BlobCorrupt("A row belongs to no subject.", key=str(error)) from error
        db.execute(statement, (*constants, event.dataset_id, owned, *columns))


def _owner(subject: Subject) -> str:
    """What the rows' first column holds: the security's id, or the currency's code."""
    return subject.security_id if subject.security_id is not None else subject.key
