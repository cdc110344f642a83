"""Real inputs: packaged prices and rates, and the securities they belong to."""

from collections.abc import Callable
from datetime import date

from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.marketdata.adapters.ecb import EcbRates
from backend.marketdata.adapters.sp500 import SP500Sample
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.service import Imported, ImportService
from backend.platform.bootstrap import Core
from backend.securities.domain import AssetClass, Listing, Token
from backend.securities.errors import SecurityUnknown
from backend.securities.ports import Security
from backend.securities.service import SecuritiesService
from backend.securities.store import SecurityTable
from backend.settlement.chain.deploy import DeployedContract, Deployment

_EQUITIES = (
    ("US0378331005", "AAPL", "Apple Inc.", "XNAS"),
    ("US5949181045", "MSFT", "Microsoft Corporation", "XNAS"),
    ("US4592001014", "IBM", "International Business Machines", "XNYS"),
    ("US38259P5089", "GOOG", "Google Inc. Class A", "XNAS"),
    ("US30303M1027", "FB", "Facebook, Inc. Class A", "XNAS"),
)
LISTINGS = tuple(
    Listing(
        isin=isin, ticker=ticker, name=name, currency="USD", asset_class=AssetClass.EQUITY, mic=mic
    )
    for isin, ticker, name, mic in _EQUITIES
)
TOKENISED = ("AAPL", "MSFT")
FIRST, LAST = date(2000, 1, 1), date(2013, 3, 1)
RATES = ("USD", "GBP", "CHF", "JPY")
_CALLER = Caller("process:operator")


class ReferenceData:
    """Registers and imports what is missing; repeating it changes nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._securities = SecuritiesService(core.store)
        self._imports = ImportService(core.store, DirectoryBlobStore(core.home.blobs))

    def register(self) -> dict[str, Security]:
        """The listed securities by ticker."""
        return {each.ticker: self._registered(each) for each in LISTINGS}

    def tokenise(self, securities: dict[str, Security], deployment: Deployment) -> None:
        """Bind the deployed tokens to their securities and to the dollar."""
        for ticker, contract in deployment.securities.items():
            token = _token(deployment, contract)
            self._securities.tokenise(_CALLER, securities[ticker].security_id, token)
        for currency, contract in deployment.cash.items():
            token = _token(deployment, contract)
            self._securities.register_cash(_CALLER, currency, token)

    def load(
        self, securities: dict[str, Security], progress: Callable[[str, int], None]
    ) -> list[Imported]:
        """Raw and adjusted closes, splits and dividends, ECB rates, and the S&P 500 sample."""
        wiki, sample = WikiPrices(), SP500Sample()
        held = {ticker: securities[ticker] for ticker in wiki.symbols if ticker in securities}
        shared = {ticker: held[ticker] for ticker in sample.symbols if ticker in held}
        done = [
            self._imports.import_prices(_CALLER, wiki, held, SeriesKind.RAW, FIRST, LAST),
            self._imports.import_prices(_CALLER, wiki, held, SeriesKind.ADJUSTED, FIRST, LAST),
            *self._imports.import_actions(_CALLER, wiki, held, FIRST, LAST),
            self._imports.import_rates(_CALLER, EcbRates(), RATES, FIRST, LAST),
        ]
        if shared:
            done.append(
                self._imports.import_prices(
                    _CALLER, sample, shared, SeriesKind.ADJUSTED, date(2013, 3, 4),
                    date(2022, 12, 28),
                )
            )  # fmt: skip
        for each in done:
            progress(each.sha256, each.rows)
        return done

    def _registered(self, listing: Listing) -> Security:
        with self._core.database.transaction(Scope.venue()) as connection:
            try:
                return SecurityTable(connection).by_isin(listing.isin)
            except SecurityUnknown:
                pass
        return self._securities.register(_CALLER, listing)


def _token(deployment: Deployment, contract: DeployedContract) -> Token:
    return Token(chain_id=deployment.chain_id, address=contract.address, decimals=contract.decimals)
