"""Reads of the register, and the sentence for each of its unique indexes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from backend.eventstore.scope import Connection
from backend.kernel.errors import Conflict
from backend.securities.domain import AssetClass, Listing, Token
from backend.securities.errors import DuplicateSecurity, SecurityUnknown, TokenConflict
from backend.securities.ports import CashToken, Security

_COLUMNS = (
    "security_id, isin, ticker, name, currency, asset_class, mic, chain_id, token_address, decimals"
)
_SELECT = f"SELECT {_COLUMNS} FROM securities"  # noqa: S608 - constants only

_TAKEN: dict[str, Conflict] = {
    "securities_isin": DuplicateSecurity("A security with this ISIN is already registered."),
    "securities_listing": DuplicateSecurity("This market already has a security of that ticker."),
    "securities_token": TokenConflict("The token stands for another security."),
    "cash_tokens_token": TokenConflict("The token stands for another currency."),
}


class SecurityTable:
    """The register read through one transaction's connection (a ``SecurityDirectory``)."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def by_id(self, security_id: str) -> Security:
        return self._one("security_id = %s", (security_id,))

    def by_isin(self, isin: str) -> Security:
        return self._one("isin = %s", (isin,))

    def by_ticker(self, ticker: str, mic: str) -> Security:
        return self._one("ticker = %s AND mic = %s", (ticker, mic))

    def with_ticker(self, ticker: str) -> tuple[Security, ...]:
        rows = self._db.execute(f"{_SELECT} WHERE ticker = %s ORDER BY mic", (ticker,))
        return tuple(_security(row) for row in rows)

    def matching(self, ticker: str | None, isin: str | None) -> tuple[Security, ...]:
        """Those that have the ticker and the ISIN, where given; by ticker and MIC."""
        rows = self._db.execute(
            f"{_SELECT} WHERE (%(t)s::text IS NULL OR ticker = %(t)s)"
            " AND (%(i)s::text IS NULL OR isin = %(i)s) ORDER BY ticker, mic",
            {"t": ticker, "i": isin},
        )
        return tuple(_security(row) for row in rows)

    def page(self, after: tuple[str, str] | None, limit: int) -> tuple[Security, ...]:
        """The next ``limit`` securities by (ticker, MIC), after the given one."""
        rows = self._db.execute(
            f"{_SELECT} WHERE (ticker, mic) > (%s, %s) ORDER BY ticker, mic LIMIT %s",
            (*(after or ("", "")), limit),
        )
        return tuple(_security(row) for row in rows)

    def cash_token(self, currency: str) -> CashToken:
        row = self._db.execute(
            "SELECT currency, chain_id, token_address, decimals FROM cash_tokens"
            " WHERE currency = %s",
            (currency,),
        ).fetchone()
        if row is None:
            raise SecurityUnknown("The currency has no cash token.", currency=currency[:16])
        return CashToken(**row)

    def cash_tokens(self) -> tuple[CashToken, ...]:
        """All of them, by currency."""
        rows = self._db.execute(
            "SELECT currency, chain_id, token_address, decimals FROM cash_tokens ORDER BY currency"
        )
        return tuple(CashToken(**row) for row in rows)

    def refuse_listed(self, listing: Listing) -> None:
        """Raise DuplicateSecurity when the ISIN or the ticker on that market is taken."""
        row = self._db.execute(
            f"{_SELECT} WHERE isin = %s OR (ticker = %s AND mic = %s) LIMIT 1",
            (listing.isin, listing.ticker, listing.mic),
        ).fetchone()
        if row is not None:
            raise DuplicateSecurity(
                "The ISIN, or the ticker on that market, is already registered.",
                security_id=row["security_id"],
                isin=row["isin"],
                ticker=row["ticker"],
                mic=row["mic"],
            )

    def refuse_used(self, token: Token) -> None:
        """Raise TokenConflict when the token already stands for a security or a currency."""
        row = self._db.execute(
            "SELECT security_id AS holder FROM securities WHERE chain_id = %(c)s"
            " AND token_address = %(a)s UNION ALL SELECT currency FROM cash_tokens"
            " WHERE chain_id = %(c)s AND token_address = %(a)s LIMIT 1",
            {"c": token.chain_id, "a": token.address},
        ).fetchone()
        if row is not None:
            raise TokenConflict("The token stands for something else.", holder=row["holder"])

    def _one(self, condition: str, values: Sequence[str]) -> Security:
        row = self._db.execute(f"{_SELECT} WHERE {condition}", values).fetchone()
        if row is None:
            raise SecurityUnknown(
                "No such security is registered.", value=" ".join(v[:64] for v in values)
            )
        return _security(row)


@contextmanager
def conflicts_named() -> Iterator[None]:
    """Turn a lost race on a unique index of the register into its typed error."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        known = _TAKEN.get(error.diag.constraint_name or "")
        if known is None:
            raise
        raise type(known)(known.message) from error


def _security(row: dict[str, Any]) -> Security:
    return Security(**{**row, "asset_class": AssetClass(row["asset_class"])})
