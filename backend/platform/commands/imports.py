"""``tally import``: bring market data of a provider in, as signed events."""

import random
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.kernel.clock import SystemClock
from backend.marketdata.adapters.sp500 import SP500Sample
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.adapters.yahoo import YFinanceProvider, live_history
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.ports import MarketDataProvider
from backend.marketdata.retry import RetryPolicy
from backend.marketdata.service import ImportService
from backend.platform.bootstrap import Core
from backend.platform.commands.support import (
    JsonFlag,
    out,
    print_json,
    typed_errors,
    writing_core,
)
from backend.platform.errors import ConfigurationInvalid
from backend.platform.settings import load_settings
from backend.securities.ports import Security
from backend.securities.store import SecurityTable

app = typer.Typer(no_args_is_help=True, help="Import market data as signed events.")
_DAY = "%Y-%m-%d"
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)
_CALLER = Caller("process:operator")


def register(application: typer.Typer) -> None:
    """Mount the group."""
    application.add_typer(app, name="import")


@app.callback()
def _group() -> None:
    """Keeps ``prices`` a subcommand while it is the only one."""


@app.command("prices")
def prices(
    ticker: Annotated[str, typer.Argument(help="Ticker of a registered security.")],
    market: Annotated[str, typer.Option(help="Its market (MIC).")] = "XNAS",
    provider: Annotated[str, typer.Option(help="wiki, sp500 or yahoo.")] = "wiki",
    series: Annotated[SeriesKind, typer.Option(help="raw or adjusted.")] = SeriesKind.RAW,
    first: Annotated[datetime, typer.Option("--from", formats=[_DAY])] = _FIRST,
    last: Annotated[datetime, typer.Option("--to", formats=[_DAY])] = _LAST,
    as_json: JsonFlag = False,
) -> None:
    """Import daily closes. Yahoo is off unless TALLYSTICK_YFINANCE_ENABLED is set.

    The same data again changes nothing.
    """
    with typed_errors(as_json), writing_core("operator", load_settings()) as core:
        source = _provider(core, provider)
        security = _security(core, ticker, market)
        imports = ImportService(core.store, DirectoryBlobStore(core.home.blobs))
        done = imports.import_prices(
            _CALLER, source, {ticker: security}, series, first.date(), last.date()
        )
    if as_json:
        print_json({"sha256": done.sha256, "rows": done.rows, "new": done.new})
    else:
        state = "imported" if done.new else "were in already"
        out.print(f"{done.rows:,} closes of {ticker} {state} (sha256 {done.sha256[:16]}…).")


def _security(core: Core, ticker: str, market: str) -> Security:
    with core.database.transaction(Scope.auditor()) as connection:
        return SecurityTable(connection).by_ticker(ticker, market)


def _provider(core: Core, name: str) -> MarketDataProvider:
    """Raises ConfigurationInvalid for an unknown provider, or one that is switched off."""
    if name == "wiki":
        return WikiPrices()
    if name == "sp500":
        return SP500Sample()
    if name != "yahoo":
        raise ConfigurationInvalid("The provider is not known: wiki, sp500 or yahoo.", name=name)
    if not core.settings.yfinance_enabled:
        raise ConfigurationInvalid(
            "Yahoo Finance is switched off: its terms restrict use. Set"
            " TALLYSTICK_YFINANCE_ENABLED=true if they allow yours."
        )
    retry = RetryPolicy(time.sleep, time.monotonic, random.uniform)
    return YFinanceProvider(
        live_history(core.home.root / "cache" / "yfinance"), SystemClock(), retry
    )
