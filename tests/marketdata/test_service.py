"""Imports and queries on a real database and real packaged data."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import msgspec
import psycopg
import pytest

from backend.eventstore.recorded import read_recorded
from backend.eventstore.scope import Scope
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import ValueInvalid
from backend.marketdata.adapters.ecb import EcbRates
from backend.marketdata.adapters.sp500 import SP500Sample
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.analytics import TickerAnalytics
from backend.marketdata.domain import PricePoint, PriceSeries, SeriesKind, Source
from backend.marketdata.errors import (
    BlobCorrupt,
    BlobMissing,
    PriceUnavailable,
    ProviderResponseInvalid,
    SymbolUnknown,
)
from backend.marketdata.projections import TABLES, projection
from backend.marketdata.service import ImportService
from backend.marketdata.store import MarketDataTables
from backend.securities.domain import AssetClass, Listing
from backend.securities.errors import SecurityUnknown
from backend.securities.service import SecuritiesService
from backend.securities.store import SecurityTable
from tests.securities.reference import OPERATOR, TENANT

pytestmark = pytest.mark.db

FIRST, LAST = date(2000, 3, 1), date(2013, 3, 1)
ISINS = {
    "AAPL": "US0378331005",
    "FB": "US30303M1027",
    "GOOG": "US38259P5089",
    "IBM": "US4592001014",
    "MSFT": "US5949181045",
}
WIKI, ECB = WikiPrices(), EcbRates()


@pytest.fixture
def securities(store):
    service = SecuritiesService(store)
    return {
        ticker: service.register(
            OPERATOR,
            Listing(
                isin=isin,
                ticker=ticker,
                name=ticker,
                currency="USD",
                asset_class=AssetClass.EQUITY,
                mic="XNAS",
            ),
        )
        for ticker, isin in ISINS.items()
    }


@pytest.fixture
def service(store, blobs):
    return ImportService(store, blobs)


@pytest.fixture
def query(store):
    """Runs a question as a tenant would."""

    def ask(question):
        with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
            return question(MarketDataTables(uow.connection))

    return ask


class Given:
    """A provider with closes that a test states."""

    def __init__(self, closes, currency="USD", name="given"):
        self.source = Source(name=name, licence="test")
        self._closes = closes
        self._currency = currency

    def daily_prices(self, symbol, series, start, end):
        points = tuple(PricePoint(day, Decimal(close)) for day, close in self._closes)
        return PriceSeries(symbol=symbol, currency=self._currency, series=series, points=points)

    def corporate_actions(self, symbol, start, end):
        raise AssertionError


def count(store, table):
    with store.transaction(Scope.auditor(), OPERATOR) as uow:
        query = psycopg.sql.SQL("SELECT count(*) AS n FROM {}")
        row = uow.connection.execute(query.format(psycopg.sql.Identifier(table))).fetchone()
    return row["n"]


def test_everything_of_the_packaged_file_arrives(store, service, securities, query):
    raw = service.import_prices(OPERATOR, WIKI, securities, SeriesKind.RAW, FIRST, LAST)
    adjusted = service.import_prices(OPERATOR, WIKI, securities, SeriesKind.ADJUSTED, FIRST, LAST)
    splits, dividends = service.import_actions(OPERATOR, WIKI, securities, FIRST, LAST)
    assert raw.new
    assert raw.rows == adjusted.rows == 3 * 3270 + 2148 + 196
    assert (splits.rows, dividends.rows) == (3, 92)
    assert count(store, "prices") == raw.rows + adjusted.rows

    apple = securities["AAPL"].security_id
    price = query(lambda m: m.price_on(apple, date(2012, 8, 9)))
    assert (price.close, price.currency, price.age_days) == (Decimal("620.73"), "USD", 0)
    assert price.dataset_id == raw.dataset_id
    assert "WIKI" in price.source
    assert query(lambda m: m.splits(apple, FIRST, LAST))[1].ex_date == date(2005, 2, 28)
    [paid] = query(lambda m: m.dividends(apple, date(2013, 1, 1), LAST))
    assert (paid.ex_date, paid.amount) == (date(2013, 2, 7), Decimal("2.65"))
    series = query(lambda m: m.series(apple, FIRST, LAST, series=SeriesKind.ADJUSTED))
    assert series == WIKI.daily_prices("AAPL", SeriesKind.ADJUSTED, FIRST, LAST).points


def test_the_same_content_enters_once(store, service, securities):
    some = {"FB": securities["FB"]}
    first = service.import_prices(OPERATOR, WIKI, some, SeriesKind.RAW, FIRST, LAST)
    again = service.import_prices(OPERATOR, WIKI, some, SeriesKind.RAW, FIRST, LAST)
    assert again == msgspec.structs.replace(first, new=False)
    # FB paid and split nothing: both series are the same numbers, and still two data sets.
    adjusted = service.import_prices(OPERATOR, WIKI, some, SeriesKind.ADJUSTED, FIRST, LAST)
    assert adjusted.new
    assert adjusted.sha256 != first.sha256
    assert count(store, "datasets") == 2


def test_importers_at_once_make_one_event(store, service, securities):
    some = {"FB": securities["FB"]}

    def run(_):
        return service.import_prices(OPERATOR, WIKI, some, SeriesKind.RAW, FIRST, LAST)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, range(8)))
    assert sum(each.new for each in outcomes) == 1
    assert len({each.dataset_id for each in outcomes}) == 1
    assert count(store, "prices") == outcomes[0].rows


def test_the_last_close_counts_and_says_how_old_it_is(service, securities, query):
    service.import_prices(OPERATOR, WIKI, securities, SeriesKind.RAW, FIRST, LAST)
    apple = securities["AAPL"].security_id
    # 2012-10-29 and -30: New York was closed for hurricane Sandy, after a weekend.
    price = query(lambda m: m.price_on(apple, date(2012, 10, 30), max_age_days=4))
    assert (price.price_date, price.age_days) == (date(2012, 10, 26), 4)
    with pytest.raises(PriceUnavailable) as caught:
        query(lambda m: m.price_on(apple, date(2012, 10, 30), max_age_days=3))
    assert caught.value.context["age_days"] == 4


def test_what_is_not_known_is_unavailable(service, securities, query):
    service.import_prices(OPERATOR, WIKI, {"FB": securities["FB"]}, SeriesKind.RAW, FIRST, LAST)
    facebook, apple = securities["FB"].security_id, securities["AAPL"].security_id
    for security, on in ((facebook, date(2012, 5, 17)), (apple, LAST), ("none", LAST)):
        with pytest.raises(PriceUnavailable):
            query(lambda m, s=security, d=on: m.price_on(s, d))
    with pytest.raises(PriceUnavailable):
        query(lambda m: m.price_on(facebook, LAST, series=SeriesKind.ADJUSTED))
    assert query(lambda m: m.series(apple, FIRST, LAST)) == ()


def test_a_later_import_corrects_a_raw_close(service, securities, query):
    some = {"AAPL": securities["AAPL"]}
    wrong = Given([(date(2012, 8, 8), "1.00"), (date(2012, 8, 9), "2.00")], name="wrong")
    right = Given([(date(2012, 8, 9), "620.73")], name="right")
    for provider in (wrong, right):
        service.import_prices(OPERATOR, provider, some, SeriesKind.RAW, FIRST, LAST)
    apple = securities["AAPL"].security_id
    assert query(lambda m: m.price_on(apple, LAST)).source == "right"
    closes = [p.close for p in query(lambda m: m.series(apple, FIRST, LAST))]
    assert closes == [Decimal("1.00"), Decimal("620.73")]


def test_adjusted_closes_of_two_data_sets_are_not_mixed(service, securities, query):
    some = {"AAPL": securities["AAPL"]}
    first = Given([(date(2012, 8, 8), "10"), (date(2012, 8, 9), "11")], name="first")
    second = Given([(date(2012, 8, 9), "500")], name="second")
    for provider in (first, second):
        service.import_prices(OPERATOR, provider, some, SeriesKind.ADJUSTED, FIRST, LAST)
    apple = securities["AAPL"].security_id
    found = query(lambda m: m.series(apple, FIRST, LAST, series=SeriesKind.ADJUSTED))
    assert [p.close for p in found] == [Decimal(500)]


def test_prices_in_another_currency_are_refused(store, service, securities):
    provider = Given([(date(2012, 8, 9), "1")], currency="EUR")
    some = {"AAPL": securities["AAPL"]}
    with pytest.raises(ProviderResponseInvalid):
        service.import_prices(OPERATOR, provider, some, SeriesKind.RAW, FIRST, LAST)
    with pytest.raises(ProviderResponseInvalid):
        service.import_prices(OPERATOR, Given([]), some, SeriesKind.RAW, FIRST, LAST)
    with pytest.raises(SymbolUnknown):
        service.import_prices(
            OPERATOR, WIKI, {"TSLA": securities["AAPL"]}, SeriesKind.RAW, FIRST, LAST
        )
    assert count(store, "datasets") == 0


def test_crosses_over_the_euro(service, query):
    service.import_rates(
        OPERATOR, ECB, ["USD", "JPY", "GBP", "CYP"], date(1999, 1, 1), date(2012, 12, 31)
    )
    # ECB, 4 January 1999: 1.1789 USD and 133.73 JPY for a euro.
    first = query(lambda m: m.rate_on("USD", "JPY", date(1999, 1, 4)))
    assert (first.base_per_euro, first.quote_per_euro) == (Decimal("1.1789"), Decimal("133.73"))
    assert query(lambda m: m.rate_on("EUR", "USD", date(1999, 1, 4))).value == Decimal("1.1789")
    assert query(lambda m: m.rate_on("USD", "EUR", date(1999, 1, 4))).quote_per_euro == 1
    assert query(lambda m: m.rate_on("GBP", "GBP", date(1990, 1, 1))).value == 1
    # Good Friday to Easter Monday 2012: carried from Thursday, 5 April.
    easter = query(lambda m: m.rate_on("USD", "GBP", date(2012, 4, 9)))
    assert (easter.rate_date, easter.age_days) == (date(2012, 4, 5), 4)


def test_a_rate_that_ended_is_not_carried_for_ever(service, query):
    service.import_rates(OPERATOR, ECB, ["USD", "CYP"], date(2007, 12, 1), date(2008, 12, 31))
    assert query(lambda m: m.rate_on("CYP", "USD", date(2008, 1, 1))).age_days == 1
    for base, quote, on in (
        ("CYP", "USD", date(2008, 6, 1)),  # Cyprus has the euro
        ("USD", "JPY", date(2008, 1, 2)),  # not imported
        ("USD", "EUR", date(2007, 11, 1)),  # before the first
    ):
        with pytest.raises(PriceUnavailable):
            query(lambda m, b=base, q=quote, d=on: m.rate_on(b, q, d))
    with pytest.raises(ValueInvalid):
        query(lambda m: m.rate_on("XXX", "USD", date(2008, 1, 2)))


def test_answers_by_ticker(store, service, securities):
    service.import_prices(OPERATOR, WIKI, securities, SeriesKind.RAW, FIRST, LAST)
    service.import_prices(OPERATOR, WIKI, securities, SeriesKind.ADJUSTED, FIRST, LAST)
    with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
        analytics = TickerAnalytics(MarketDataTables(uow.connection), SecurityTable(uow.connection))
        details = analytics.get_ticker_details("FB", "XNAS")
        assert (details.first_price_date, details.last_price_date) == (date(2012, 5, 18), LAST)
        priced = analytics.get_price_for_date("AAPL", "XNAS", date(2012, 8, 9))
        assert priced.price.close == Decimal("620.73")
        facebook, _ = analytics.get_performance_for_tickers(
            [("FB", "XNAS"), ("IBM", "XNAS")], date(2012, 5, 18), LAST
        )
        # Facebook paid nothing: 38.2318 at the first close, 27.78 at the last.
        assert facebook.first.close == Decimal("38.2318")
        assert facebook.total_return == (facebook.last.close / facebook.first.close - 1).quantize(
            Decimal("1e-12")
        )
        with pytest.raises(SecurityUnknown):
            analytics.get_ticker_details("FB", "XNYS")
        with pytest.raises(PriceUnavailable):
            analytics.get_performance_for_tickers([("FB", "XNAS")], LAST, LAST)


def test_the_sample_of_twenty_stocks_for_a_registered_one(service, securities, query):
    imported = service.import_prices(
        OPERATOR,
        SP500Sample(),
        {"MSFT": securities["MSFT"]},
        SeriesKind.ADJUSTED,
        date(2005, 1, 1),
        date(2022, 12, 31),
    )
    assert imported.rows == 4529
    microsoft = securities["MSFT"].security_id
    price = query(lambda m: m.price_on(microsoft, date(2022, 12, 31), series=SeriesKind.ADJUSTED))
    assert price.price_date == date(2022, 12, 28)


# ------------------------------------------------------------------------------------ replay


def replay(store, blobs):
    """The projection again from the stored events, into tables of its own; then compare."""
    made = projection(blobs)
    with store.transaction(Scope.auditor(), OPERATOR) as uow:
        db = uow.connection
        for table in TABLES:
            name = psycopg.sql.Identifier(table)
            db.execute(
                psycopg.sql.SQL(
                    "CREATE TEMP TABLE {0} (LIKE public.{0} INCLUDING ALL) ON COMMIT DROP"
                ).format(name)
            )
        rows = db.execute(
            "SELECT entry, leaf_hash FROM events WHERE tenant_id = %s"
            " AND type = 'dataset.imported' ORDER BY insert_id",
            (VENUE_TENANT,),
        ).fetchall()
        for row in rows:
            recorded = read_recorded(store.registry, row["entry"], row["leaf_hash"])
            made.handlers[type(recorded.event)](db, recorded)
        for table in TABLES:
            name = psycopg.sql.Identifier(table)
            for left, right in (("public", "pg_temp"), ("pg_temp", "public")):
                difference = db.execute(
                    psycopg.sql.SQL("SELECT * FROM {}.{} EXCEPT ALL SELECT * FROM {}.{}").format(
                        psycopg.sql.Identifier(left), name, psycopg.sql.Identifier(right), name
                    )
                ).fetchall()
                assert difference == []
    return len(rows)


def fill(service, securities):
    some = {"AAPL": securities["AAPL"], "FB": securities["FB"]}
    done = service.import_prices(OPERATOR, WIKI, some, SeriesKind.RAW, FIRST, LAST)
    service.import_actions(OPERATOR, WIKI, some, FIRST, LAST)
    service.import_rates(OPERATOR, ECB, ["USD"], date(2012, 1, 1), date(2012, 12, 31))
    return done


def test_replay_gives_the_same_rows(store, service, securities, blobs):
    fill(service, securities)
    assert replay(store, blobs) == 4


def test_replay_refuses_changed_bytes(store, service, securities, blobs, tmp_path):
    """The negative control: one digit of one price changed in the blob."""
    done = fill(service, securities)
    file = tmp_path / "blobs" / done.sha256
    content = file.read_bytes()
    file.write_bytes(content.replace(b"130.31", b"130.32"))
    with pytest.raises(BlobCorrupt):
        replay(store, blobs)
    file.unlink()
    with pytest.raises(BlobMissing):
        replay(store, blobs)


def test_an_event_that_does_not_fit_its_blob_is_refused(store, service, securities, blobs):
    some = {"FB": securities["FB"]}
    service.import_prices(OPERATOR, WIKI, some, SeriesKind.RAW, FIRST, LAST)
    [handler] = projection(blobs).handlers.values()
    with store.transaction(Scope.venue(), OPERATOR) as uow:
        row = uow.connection.execute(
            "SELECT entry, leaf_hash FROM events WHERE type = 'dataset.imported'"
        ).fetchone()
        recorded = read_recorded(store.registry, row["entry"], row["leaf_hash"])
        uow.connection.execute("DELETE FROM datasets")
        for changes in ({"rows": 1}, {"kind": "rates"}, {"subjects": ()}):
            event = msgspec.structs.replace(recorded.event, dataset_id="other", **changes)
            changed = msgspec.structs.replace(recorded, event=event)
            with pytest.raises(BlobCorrupt), uow.connection.transaction():
                handler(uow.connection, changed)


def test_a_failed_import_leaves_no_event(store, service, securities, blobs, tmp_path):
    """The blob store fails between fetch and event: nothing is recorded."""

    class Broken:
        def put(self, content, /):
            raise OSError("no space left")

        def get(self, digest, /):
            raise BlobMissing("never written")

    broken = ImportService(store, Broken())
    with pytest.raises(OSError):
        broken.import_prices(OPERATOR, WIKI, {"FB": securities["FB"]}, SeriesKind.RAW, FIRST, LAST)
    assert count(store, "datasets") == 0
