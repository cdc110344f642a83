"""The register on a real database: uniqueness, races, who may write."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backend.eventstore.scope import Scope
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import DomainError
from backend.securities.domain import AssetClass, Listing, Token
from backend.securities.errors import DuplicateSecurity, SecurityUnknown, TokenConflict
from backend.securities.service import SECURITY, SecuritiesService
from backend.securities.store import SecurityTable, conflicts_named
from tests.securities.reference import OPERATOR, TENANT

pytestmark = pytest.mark.db

APPLE = Listing(
    isin="US0378331005",
    ticker="AAPL",
    name="Apple Inc.",
    currency="USD",
    asset_class=AssetClass.EQUITY,
    mic="XNAS",
)
IBM = Listing(
    isin="US4592001014",
    ticker="IBM",
    name="IBM",
    currency="USD",
    asset_class=AssetClass.EQUITY,
    mic="XNYS",
)
ONE = Token(chain_id=31337, address="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", decimals=6)
TWO = Token(chain_id=31337, address="0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", decimals=6)


@pytest.fixture
def service(store):
    return SecuritiesService(store)


def events_of(store, stream_id):
    with store.transaction(Scope.venue(), OPERATOR) as uow:
        return uow.connection.execute(
            "SELECT type FROM events WHERE stream_id = %s ORDER BY stream_version", (stream_id,)
        ).fetchall()


def test_a_registered_security_is_found_by_every_key(store, service):
    made = service.register(OPERATOR, APPLE)
    with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
        table = SecurityTable(uow.connection)
        assert table.by_id(made.security_id) == made
        assert table.by_isin("US0378331005") == made
        assert table.by_ticker("AAPL", "XNAS") == made
        assert table.with_ticker("AAPL") == (made,)
        assert table.with_ticker("NONE") == ()
        with pytest.raises(SecurityUnknown):
            table.by_ticker("AAPL", "XNYS")
        with pytest.raises(SecurityUnknown):
            table.cash_token("USD")
    assert (made.name, made.asset_class, made.chain_id) == ("Apple Inc.", AssetClass.EQUITY, None)


@pytest.mark.parametrize(
    "changes",
    [{"ticker": "APC"}, {"isin": IBM.isin}, {}],
    ids=["same ISIN", "same ticker and market", "the same"],
)
def test_a_taken_isin_or_ticker_is_refused_and_nothing_is_kept(store, service, changes):
    import msgspec

    service.register(OPERATOR, APPLE)
    with pytest.raises(DuplicateSecurity):
        service.register(OPERATOR, msgspec.structs.replace(APPLE, **changes))
    with store.transaction(Scope.venue(), OPERATOR) as uow:
        count = uow.connection.execute("SELECT count(*) AS n FROM events").fetchone()
    assert count == {"n": 1}


def test_the_same_ticker_on_another_market_is_another_security(service):
    import msgspec

    service.register(OPERATOR, APPLE)
    other = msgspec.structs.replace(APPLE, isin=IBM.isin, mic="XETR")
    assert service.register(OPERATOR, other).mic == "XETR"


def test_of_many_at_once_one_wins(store, service):
    def attempt(_):
        try:
            return service.register(OPERATOR, APPLE).security_id
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(12)))
    assert outcomes.count("security-duplicate") == 11


@pytest.mark.parametrize("index", ["securities_isin", "securities_listing"])
def test_the_index_itself_refuses_without_the_check(store, service, index):
    """The negative control: past ``refuse_listed``, the unique index still gives the error."""
    service.register(OPERATOR, APPLE)

    def insert(*values):
        with store.transaction(Scope.venue(), OPERATOR) as uow, conflicts_named():
            uow.connection.execute(
                "INSERT INTO securities (security_id, isin, ticker, name, currency, asset_class,"
                " mic) VALUES (%s, %s, %s, 'n', 'USD', 'equity', 'XNAS')",
                values,
            )

    taken = ("US0378331005", "X") if index == "securities_isin" else ("X", "AAPL")
    with pytest.raises(DuplicateSecurity):
        insert("x", *taken)
    insert("x", "X", "X")
    with pytest.raises(psycopg.errors.UniqueViolation):  # of the primary key: nothing to name
        insert("x", "Y", "Y")


def test_a_token_is_bound_once_across_securities_and_currencies(store, service):
    apple, ibm = service.register(OPERATOR, APPLE), service.register(OPERATOR, IBM)
    bound = service.tokenise(OPERATOR, apple.security_id, ONE)
    assert (bound.chain_id, bound.token_address, bound.decimals) == (31337, ONE.address, 6)
    assert service.tokenise(OPERATOR, apple.security_id, ONE) == bound
    stream = SECURITY.stream_id(apple.security_id)
    assert [row["type"] for row in events_of(store, stream)] == [
        "security.registered",
        "security.tokenised",
    ]
    for attempt in (
        lambda: service.tokenise(OPERATOR, apple.security_id, TWO),
        lambda: service.tokenise(OPERATOR, ibm.security_id, ONE),
        lambda: service.register_cash(OPERATOR, "USD", ONE),
    ):
        with pytest.raises(TokenConflict):
            attempt()
    with pytest.raises(SecurityUnknown):
        service.tokenise(OPERATOR, "no-such-id", TWO)


def test_cash_tokens(store, service):
    made = service.register_cash(OPERATOR, "USD", ONE)
    assert service.register_cash(OPERATOR, "USD", ONE) == made
    with pytest.raises(TokenConflict):
        service.register_cash(OPERATOR, "USD", TWO)
    with pytest.raises(TokenConflict):
        service.register_cash(OPERATOR, "EUR", ONE)
    with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
        assert SecurityTable(uow.connection).cash_tokens() == (made,)


def test_a_tenant_reads_the_register_and_cannot_write_it(store, service):
    made = service.register(OPERATOR, APPLE)
    with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
        assert SecurityTable(uow.connection).page(None, 10) == (made,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            uow.connection.execute("UPDATE securities SET name = 'x'")
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        store.transaction(Scope.app(VENUE_TENANT), OPERATOR) as uow,
    ):
        service.register_within(uow, IBM)


def test_pages_by_ticker(store, service):
    service.register(OPERATOR, IBM)
    service.register(OPERATOR, APPLE)
    with store.transaction(Scope.app(TENANT), OPERATOR) as uow:
        table = SecurityTable(uow.connection)
        first = table.page(None, 1)
        second = table.page((first[0].ticker, first[0].mic), 5)
    assert [s.ticker for s in (*first, *second)] == ["AAPL", "IBM"]
