"""The Yahoo adapter on recorded answers, through yfinance's own parsing; no network."""

import itertools
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from curl_cffi import requests as curl

from backend.kernel.clock import FixedClock
from backend.kernel.errors import ErrorCode
from backend.marketdata.adapters.yahoo import HistoryAnswer, YFinanceProvider, live_history
from backend.marketdata.domain import Dividend, SeriesKind, Split
from backend.marketdata.errors import (
    ProviderResponseInvalid,
    ProviderUnavailable,
    SymbolUnknown,
)
from backend.marketdata.retry import RetryPolicy

RECORDED = Path(__file__).parent / "recorded"
START, END = date(2014, 6, 5), date(2014, 8, 7)
_symbols = itertools.count()


class Answer:
    """What an HTTP client returns, as far as yfinance looks at it."""

    def __init__(self, text: str, status_code: int = 200) -> None:
        self.text = text
        self.status_code = status_code
        self.content = text.encode()
        self.url = "https://query2.finance.yahoo.com/v8/finance/chart/X"

    def raise_for_status(self):
        if self.status_code >= 400:
            raise curl.exceptions.HTTPError(f"HTTP Error {self.status_code}", 0, self)

    def json(self):
        return json.loads(self.text)


class Recorded(curl.Session):
    """A session that answers every chart request with one recorded answer or failure."""

    def __init__(self, answer: Answer | Exception) -> None:
        super().__init__()
        self.answer = answer
        self.requests = 0

    def get(self, url, **_):
        if "/chart/" not in url and "/quote" not in url:
            return Answer("crumb")  # cookie and crumb pages
        self.requests += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Sleeps:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def monotonic(self) -> float:
        return sum(self.pauses)


@pytest.fixture
def provider(tmp_path, monkeypatch):
    """Makes a provider whose yfinance talks to a recorded session."""
    import yfinance

    history = live_history(tmp_path)
    original = yfinance.Ticker
    sleeps = Sleeps()

    def make(answer: Answer | Exception | str, attempts: int = 3):
        if isinstance(answer, str):
            status = 404 if "unknown" in answer else 200
            answer = Answer((RECORDED / f"{answer}.json").read_text(), status)
        session = Recorded(answer)
        monkeypatch.setattr(yfinance, "Ticker", lambda symbol: original(symbol, session=session))
        retry = RetryPolicy(sleeps, sleeps.monotonic, lambda _, high: high, attempts=attempts)
        clock = FixedClock(datetime(2020, 9, 1, tzinfo=UTC))
        made = YFinanceProvider(history, clock, retry)
        made.session, made.sleeps = session, sleeps
        return made

    return make


def symbol() -> str:
    """A new one each time: yfinance caches answers by URL in the process."""
    return f"TEST{next(_symbols)}"


def test_raw_closes_are_those_traded_at_the_time(provider):
    series = provider("chart_split_and_dividend").daily_prices(symbol(), SeriesKind.RAW, START, END)
    found = {p.date.isoformat(): p.close for p in series.points}
    assert series.currency == "USD"
    for day, close in {
        "2014-06-05": "647.35",
        "2014-06-06": "645.57",
        "2014-06-09": "93.70",
        "2014-06-10": "94.25",
        "2014-08-07": "94.48",
    }.items():
        # A 32-bit number has about seven digits: after x28 the cent is right.
        assert abs(found.pop(day) - Decimal(close)) < Decimal("0.0001")
    assert found == {}


def test_without_undoing_splits_the_closes_would_be_wrong(provider):
    """The negative control: Yahoo's own column for 2014-06-06 is 28 times too small."""
    answer = json.loads((RECORDED / "chart_split_and_dividend.json").read_text())
    sent = answer["chart"]["result"][0]["indicators"]["quote"][0]["close"][1]
    assert Decimal("645.57") / Decimal(str(sent)) == pytest.approx(Decimal(28), abs=Decimal("1e-4"))


def test_adjusted_closes_are_as_given(provider):
    series = provider("chart_split_and_dividend").daily_prices(
        symbol(), SeriesKind.ADJUSTED, START, date(2014, 6, 10)
    )
    assert [str(p.close) for p in series.points] == ["20.4", "20.35", "20.68", "20.8"]


def test_actions_in_units_of_their_day(provider):
    actions = provider("chart_split_and_dividend").corporate_actions(symbol(), START, END)
    assert actions.splits == (Split(date(2014, 6, 9), 7, 1),)
    assert actions.dividends == (Dividend(date(2014, 8, 7), Decimal("0.470000")),)


@pytest.mark.parametrize(
    ("recorded", "error"),
    [
        ("chart_gap", ProviderResponseInvalid),
        ("chart_pence", ProviderResponseInvalid),
        ("chart_unknown_symbol", SymbolUnknown),
        ("chart_empty", ProviderResponseInvalid),
    ],
)
def test_answers_that_cannot_be_used(provider, recorded, error):
    made = provider(recorded)
    with pytest.raises(error) as caught:
        made.daily_prices(symbol(), SeriesKind.RAW, START, END)
    assert caught.value.code == ErrorCode.PROVIDER_RESPONSE_INVALID
    assert made.sleeps.pauses == []  # asking again would not help


@pytest.mark.parametrize("text", ["<html>Will be right back</html>", "<html></html>", "[1]", "{}"])
def test_no_chart_at_all(provider, text):
    with pytest.raises((ProviderResponseInvalid, ProviderUnavailable)):
        provider(Answer(text)).daily_prices(symbol(), SeriesKind.RAW, START, END)


@pytest.mark.parametrize(
    "failure",
    [
        curl.exceptions.Timeout("timed out"),
        curl.exceptions.ConnectionError("refused"),
        TimeoutError("timed out"),
        Answer("Too Many Requests", status_code=429),
    ],
)
def test_a_provider_that_does_not_answer_is_asked_again_with_pauses(provider, failure):
    made = provider(failure, attempts=3)
    with pytest.raises(ProviderUnavailable) as caught:
        made.daily_prices(symbol(), SeriesKind.RAW, START, END)
    assert caught.value.code == ErrorCode.PROVIDER_UNAVAILABLE
    assert caught.value.retryable
    assert made.sleeps.pauses == [0.5, 1.0]


def test_a_period_without_days(provider):
    made = provider("chart_split_and_dividend")
    with pytest.raises(SymbolUnknown):
        made.daily_prices(symbol(), SeriesKind.RAW, date(2015, 1, 1), date(2015, 2, 1))


def test_a_frame_without_the_column_is_refused():
    import pandas as pd

    index = pd.DatetimeIndex(["2014-06-05"], tz="America/New_York")
    frame = pd.DataFrame({"Close": [1.0], "Stock Splits": [0.0]}, index=index)
    sleeps = Sleeps()
    made = YFinanceProvider(
        lambda *_: HistoryAnswer(frame, "USD"),
        FixedClock(datetime(2014, 6, 6, tzinfo=UTC)),
        RetryPolicy(sleeps, sleeps.monotonic, lambda _, high: high),
    )
    assert made.daily_prices("X", SeriesKind.RAW, START, END).points[0].close == 1
    with pytest.raises(ProviderResponseInvalid, match="column"):
        made.daily_prices("X", SeriesKind.ADJUSTED, START, END)
