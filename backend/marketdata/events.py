"""Events of market data. All belong to the venue's tenant."""

from datetime import date

import msgspec

from backend.kernel.events import Event


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a data set's ``key`` column names: a security (by ISIN) or a currency."""

    key: str
    security_id: str | None
    currency: str


class DatasetImported(Event, frozen=True, kw_only=True):
    """A data set entered: its canonical bytes have this SHA-256 and lie in the blob store.

    ``method`` says how the rows came about ("as given", or the derivation). The bytes hold
    public identifiers only, so the same data has the same hash everywhere; ``subjects`` ties
    them to this platform's securities.
    """

    type = "dataset.imported"

    dataset_id: str
    source: str
    licence: str
    kind: str
    method: str
    sha256: str
    rows: int
    first_date: date
    last_date: date
    subjects: tuple[Subject, ...]


EVENTS: tuple[type[Event], ...] = (DatasetImported,)
