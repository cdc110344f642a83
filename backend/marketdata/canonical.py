"""Canonical bytes of a data set: the same data is the same bytes, hence the same hash.

ASCII CSV with ``\\n`` line ends and no quoting: a header that names the kind, then rows in
strictly ascending order of their key (ISIN or currency) and date. Dates are ISO 8601, numbers
plain decimals with the places the source gave.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from backend.marketdata.domain import DatasetKind
from backend.marketdata.errors import BlobCorrupt, ProviderResponseInvalid

Row = tuple[str, ...]

HEADERS: dict[DatasetKind, Row] = {
    DatasetKind.PRICES_RAW: ("isin", "date", "currency", "raw_close"),
    DatasetKind.PRICES_ADJUSTED: ("isin", "date", "currency", "adjusted_close"),
    DatasetKind.SPLITS: ("isin", "ex_date", "new_units", "old_units"),
    DatasetKind.DIVIDENDS: ("isin", "ex_date", "currency", "amount"),
    DatasetKind.RATES: ("currency", "date", "per_euro"),
}
_CELL = re.compile(r"[A-Z0-9.-]+")


def cell(value: str | int | Decimal | date) -> str:
    """A value as a cell. Raises ProviderResponseInvalid for text that would need quoting."""
    if isinstance(value, Decimal):
        text = format(value, "f")
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = str(value)
    if _CELL.fullmatch(text) is None:
        raise ProviderResponseInvalid("A value cannot be written plainly.", value=text[:64])
    return text


def encode(kind: DatasetKind, rows: Iterable[Row]) -> bytes:
    """The canonical bytes of ``rows``. Raises ProviderResponseInvalid for a key twice."""
    ordered = sorted(rows)
    for earlier, later in pairwise(ordered):
        if earlier[:2] == later[:2]:
            raise ProviderResponseInvalid("A day occurs twice.", key=later[0], day=later[1])
    lines = [",".join(row) for row in (HEADERS[kind], *ordered)]
    return ("\n".join(lines) + "\n").encode("ascii")


def decode(kind: DatasetKind, content: bytes) -> list[Row]:
    """The rows that ``encode`` wrote. Raises BlobCorrupt for anything not canonical."""
    try:
        header, *lines = content.decode("ascii").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise BlobCorrupt("The data set is not ASCII text.", kind=kind.value) from error
    rows = [tuple(line.split(",")) for line in lines]
    if not content.endswith(b"\n") or tuple(header.split(",")) != HEADERS[kind]:
        raise BlobCorrupt("The data set is not of the recorded kind.", kind=kind.value)
    _check(kind, rows)
    return rows


def _check(kind: DatasetKind, rows: Sequence[Row]) -> None:
    width = len(HEADERS[kind])
    if any(len(row) != width for row in rows):
        raise BlobCorrupt("A row has too many or too few cells.", kind=kind.value)
    if any(earlier[:2] >= later[:2] for earlier, later in pairwise(rows)):
        raise BlobCorrupt("The rows are not in canonical order.", kind=kind.value)
