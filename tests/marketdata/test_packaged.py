"""The packaged sources, against facts published elsewhere."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from backend.marketdata.adapters.ecb import EcbRates
from backend.marketdata.adapters.packaged import packaged_bytes
from backend.marketdata.adapters.sp500 import SP500Sample
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.domain import Dividend, SeriesKind, Split
from backend.marketdata.errors import (
    ProviderResponseInvalid,
    ProviderUnavailable,
    SymbolUnknown,
)
from backend.securities.calendar import is_trading_day

FIRST, LAST = date(2000, 3, 1), date(2013, 3, 1)
WIKI, SAMPLE, ECB = WikiPrices(), SP500Sample(), EcbRates()


def test_the_sources_say_what_they_are():
    assert "public domain" in WIKI.source.licence
    assert "attribution" in ECB.source.licence
    assert "terms not stated" in SAMPLE.source.licence


@pytest.mark.parametrize("symbol", WIKI.symbols)
def test_there_is_a_close_for_every_session_and_for_no_other_day(symbol):
    found = {p.date for p in WIKI.daily_prices(symbol, SeriesKind.RAW, FIRST, LAST).points}
    period = [min(found) + timedelta(n) for n in range((LAST - min(found)).days + 1)]
    assert found == {each for each in period if is_trading_day("XNYS", each)}


def test_closes_are_the_files_text_not_a_float():
    [point] = WIKI.daily_prices("AAPL", SeriesKind.RAW, FIRST, FIRST).points
    assert str(point.close) == "130.31"
    [point] = WIKI.daily_prices("AAPL", SeriesKind.ADJUSTED, FIRST, FIRST).points
    assert str(point.close) == "4.186662803811"


# Ex dates and amounts as the companies published them (Apple and Microsoft investor relations).
def test_apples_splits_and_dividends():
    actions = WIKI.corporate_actions("AAPL", FIRST, LAST)
    assert actions.splits == (Split(date(2000, 6, 21), 2, 1), Split(date(2005, 2, 28), 2, 1))
    assert actions.dividends == tuple(
        Dividend(date.fromisoformat(day), Decimal("2.65"))
        for day in ("2012-08-09", "2012-11-07", "2013-02-07")
    )


def test_microsofts_split_and_special_dividend():
    actions = WIKI.corporate_actions("MSFT", FIRST, LAST)
    assert actions.splits == (Split(date(2003, 2, 18), 2, 1),)
    by_day = {d.ex_date: d.amount for d in actions.dividends}
    assert by_day[date(2003, 2, 19)] == Decimal("0.08")
    assert by_day[date(2004, 11, 15)] == Decimal("3.08")  # 3.00 special and 0.08 regular
    assert len(by_day) == 37


@pytest.mark.parametrize(("symbol", "count"), [("IBM", 52), ("FB", 0), ("GOOG", 0)])
def test_every_derived_dividend_is_a_whole_cent(symbol, count):
    dividends = WIKI.corporate_actions(symbol, FIRST, LAST).dividends
    assert len(dividends) == count
    assert all(d.amount == d.amount.quantize(Decimal("0.01")) for d in dividends)


def test_the_actions_rebuild_the_adjusted_series():
    """The derivation run backwards: raw closes and actions give the published returns."""
    for symbol in ("AAPL", "MSFT", "IBM"):
        actions = WIKI.corporate_actions(symbol, FIRST, LAST)
        splits = {s.ex_date: Decimal(s.new_units) / s.old_units for s in actions.splits}
        cash = {d.ex_date: d.amount for d in actions.dividends}
        raw = WIKI.daily_prices(symbol, SeriesKind.RAW, FIRST, LAST).points
        adjusted = WIKI.daily_prices(symbol, SeriesKind.ADJUSTED, FIRST, LAST).points
        for (r0, r1), (a0, a1) in zip(pairwise(raw), pairwise(adjusted), strict=True):
            unit = splits.get(r1.date, Decimal(1)) * (1 + cash.get(r1.date, Decimal(0)) / r1.close)
            assert abs(a1.close / a0.close / (r1.close / r0.close * unit) - 1) < Decimal("1e-9")


def test_actions_outside_the_period_are_left_out():
    assert WIKI.corporate_actions("AAPL", date(2005, 3, 1), date(2012, 8, 8)).splits == ()
    assert WIKI.corporate_actions("AAPL", date(2012, 8, 9), date(2012, 8, 9)).dividends


def test_the_sample_has_twenty_stocks_of_adjusted_closes_only():
    assert len(SAMPLE.symbols) == 20
    series = SAMPLE.daily_prices("KO", SeriesKind.ADJUSTED, date(2010, 1, 1), date(2010, 1, 31))
    assert len(series.points) == 19
    with pytest.raises(SymbolUnknown):
        SAMPLE.daily_prices("KO", SeriesKind.RAW, date(2010, 1, 1), date(2010, 1, 31))
    with pytest.raises(ProviderResponseInvalid):
        SAMPLE.corporate_actions("KO", date(2010, 1, 1), date(2010, 1, 31))


def test_two_sources_agree_on_returns():
    """Apple's adjusted returns of 2010, from two independent packages."""
    period = (date(2010, 1, 1), date(2010, 12, 31))
    one = WIKI.daily_prices("AAPL", SeriesKind.ADJUSTED, *period).points
    two = SAMPLE.daily_prices("AAPL", SeriesKind.ADJUSTED, *period).points
    assert [p.date for p in one] == [p.date for p in two]
    for (a0, a1), (b0, b1) in zip(pairwise(one), pairwise(two), strict=True):
        assert abs(a1.close / a0.close - b1.close / b0.close) < Decimal("0.002")


def test_ecb_rates_of_the_first_day():
    # ECB press release of 4 January 1999: 1 EUR = 1.1789 USD = 133.73 JPY = 0.7111 GBP.
    day = date(1999, 1, 4)
    found = {r.currency: r.per_euro for r in ECB.reference_rates(["USD", "JPY", "GBP"], day, day)}
    assert found == {"USD": Decimal("1.1789"), "JPY": Decimal("133.73"), "GBP": Decimal("0.7111")}


def test_ecb_has_no_rate_on_a_weekend_and_none_for_an_unknown_currency():
    assert ECB.reference_rates(["USD"], date(2012, 8, 11), date(2012, 8, 12)) == ()
    with pytest.raises(SymbolUnknown):
        ECB.reference_rates(["USD", "XXX"], date(2012, 8, 9), date(2012, 8, 9))
    with pytest.raises(SymbolUnknown):
        ECB.reference_rates([""], date(2012, 8, 9), date(2012, 8, 9))


@pytest.mark.parametrize("symbol", ["", "aapl", "TSLA"])
def test_unknown_symbols(symbol):
    for provider in (WIKI, SAMPLE):
        with pytest.raises(SymbolUnknown):
            provider.daily_prices(symbol, SeriesKind.ADJUSTED, FIRST, LAST)


def test_a_missing_package_is_a_missing_provider():
    with pytest.raises(ProviderUnavailable):
        packaged_bytes("no_such_package_here", "data.csv")
    with pytest.raises(ProviderUnavailable):
        packaged_bytes("bokeh_sampledata", "_data", "no_such_file.csv")
