"""The register as tables: one row per security, one per currency's token."""

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.securities.events import CashTokenRegistered, SecurityRegistered, SecurityTokenised


def on_registered(db: Connection, recorded: Recorded[SecurityRegistered]) -> None:
    """A new row; the unique indexes refuse a taken ISIN or (ticker, MIC)."""
    event = recorded.event
    db.execute(
        "INSERT INTO securities (security_id, isin, ticker, name, currency, asset_class, mic)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            event.security_id,
            event.isin,
            event.ticker,
            event.name,
            event.currency,
            event.asset_class,
            event.mic,
        ),
    )


def on_tokenised(db: Connection, recorded: Recorded[SecurityTokenised]) -> None:
    """The security's token columns; the unique index refuses a token that is taken."""
    event = recorded.event
    db.execute(
        "UPDATE securities SET chain_id = %s, token_address = %s, decimals = %s"
        " WHERE security_id = %s",
        (event.chain_id, event.token_address, event.decimals, event.security_id),
    )


def on_cash_token(db: Connection, recorded: Recorded[CashTokenRegistered]) -> None:
    """A currency's row."""
    event = recorded.event
    db.execute(
        "INSERT INTO cash_tokens (currency, chain_id, token_address, decimals)"
        " VALUES (%s, %s, %s, %s)",
        (event.currency, event.chain_id, event.token_address, event.decimals),
    )


PROJECTION = Projection(
    name="securities",
    tables=("securities", "cash_tokens"),
    handlers={
        SecurityRegistered: on_registered,
        SecurityTokenised: on_tokenised,
        CashTokenRegistered: on_cash_token,
    },
)
