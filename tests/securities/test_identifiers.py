"""ISIN, CUSIP and FIGI: cases from elsewhere, and what a check digit promises."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.securities.errors import IdentifierInvalid
from backend.securities.identifiers import (
    checked_cusip,
    checked_figi,
    checked_isin,
    checked_mic,
    checked_ticker,
    cusip_check_digit,
    figi_check_digit,
    isin_check_digit,
    isin_of,
)

CASES = Path(__file__).parents[3] / "shared" / "cases" / "identifiers.json"
CHECKS = {"ISIN": checked_isin, "CUSIP": checked_cusip, "FIGI": checked_figi}

upper = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
alphanumeric = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
isin_bodies = st.builds(
    lambda a, b, rest: a + b + "".join(rest),
    upper,
    upper,
    st.lists(alphanumeric, min_size=9, max_size=9),
)
isins = isin_bodies.map(lambda body: body + isin_check_digit(body))


def cases(kind: str) -> list[dict[str, Any]]:
    if not CASES.exists():
        return []
    return [c for c in json.loads(CASES.read_text())["cases"] if c["kind"] == kind]


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference cases are not here")
@pytest.mark.parametrize("case", cases("identifier_check"), ids=lambda c: c["id"])
def test_reference_cases(case):
    check = CHECKS[case["input"]["type"]]
    value = case["input"]["value"]
    if case["expected"]["valid"]:
        assert check(value) == value
    else:
        with pytest.raises(IdentifierInvalid):
            check(value)


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference cases are not here")
@pytest.mark.parametrize("case", cases("identifier_convert"), ids=lambda c: c["id"])
def test_reference_conversions(case):
    given_, expected = case["input"], case["expected"]["isin"]
    if "cusip" in given_:
        assert isin_of("US", checked_cusip(given_["cusip"])) == expected
    else:
        assert isin_of(given_["country"], given_["natid"]) == expected


@given(isins)
def test_a_made_isin_is_accepted(isin):
    assert checked_isin(isin) == isin


@given(isins, st.data())
def test_any_single_digit_change_is_refused(isin, data):
    places = [place for place, c in enumerate(isin) if c.isdigit()]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != isin[place]]))
    with pytest.raises(IdentifierInvalid):
        checked_isin(isin[:place] + other + isin[place + 1 :])


@given(isins, st.data())
def test_swapping_two_neighbouring_digits_is_refused_unless_they_are_0_and_9(isin, data):
    places = [
        place
        for place in range(11)
        if isin[place : place + 2].isdigit() and isin[place] != isin[place + 1]
    ]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    swapped = isin[:place] + isin[place + 1] + isin[place] + isin[place + 2 :]
    if {isin[place], isin[place + 1]} == {"0", "9"}:
        assert checked_isin(swapped) == swapped  # Luhn's one known blind spot
    else:
        with pytest.raises(IdentifierInvalid):
            checked_isin(swapped)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=14))
def test_no_text_breaks_a_check(text):
    for check in (*CHECKS.values(), checked_ticker, checked_mic):
        with contextlib.suppress(IdentifierInvalid):
            assert check(text) == text


@pytest.mark.parametrize(
    "text", ["us0378331005", " US0378331005", "US0378331005\n", "US037833100٥", ""]
)
def test_only_the_written_form_is_an_isin(text):
    with pytest.raises(IdentifierInvalid):
        checked_isin(text)


@given(st.lists(alphanumeric, min_size=8, max_size=8).map("".join))
def test_a_wrong_cusip_digit_is_refused(body):
    right = cusip_check_digit(body)
    assert checked_cusip(body + right)
    for wrong in set("0123456789") - {right}:
        with pytest.raises(IdentifierInvalid):
            checked_cusip(body + wrong)


def test_a_figi_with_a_reserved_prefix_is_refused():
    body = "BSG000BLNQ1"
    with pytest.raises(IdentifierInvalid, match="reserved"):
        checked_figi(body + figi_check_digit(body))


@pytest.mark.parametrize("text", ["AAPL", "BRK.B", "BF-B", "7203", "X"])
def test_tickers(text):
    assert checked_ticker(text) == text


@pytest.mark.parametrize("text", ["", "aapl", ".A", "A.", "A B", "A" * 17, "AAPL\n"])
def test_not_tickers(text):
    with pytest.raises(IdentifierInvalid):
        checked_ticker(text)


@pytest.mark.parametrize("text", ["XNY", "XNYSE", "xnys", "XN S"])
def test_not_market_codes(text):
    with pytest.raises(IdentifierInvalid):
        checked_mic(text)
