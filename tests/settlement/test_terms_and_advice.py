"""From an executed trade to exact terms; from the venue's events to what each side is told."""

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.kernel.errors import AmountInvalid, ValueInvalid
from backend.kernel.money import Money, Quantity
from backend.settlement.domain.advice import tell
from backend.settlement.domain.instruction import InstructionStatus, Sign, evolve, sign
from backend.settlement.domain.saga import evolve as evolve_saga
from backend.settlement.domain.terms import (
    SettlementPolicy,
    Token,
    draw_up,
    from_terms,
    to_terms,
)
from backend.settlement.errors import (
    AlreadySettled,
    DeadlineExpired,
    SettlementStateInvalid,
    SignatureWrongSigner,
    TokenUnknown,
    WalletUnknown,
)
from backend.settlement.events import InstructionFailed, InstructionReceived, TokenName
from backend.settlement.iso20022 import Direction, Reason, code_for, from_names, names
from backend.settlement.trade import from_token_units, to_token_units
from tests.settlement import samples as e
from tests.settlement.strategies import domains, trades

ASSET = Token(chain_id=31337, address=e.TRADE.asset, decimals=6, symbol="AAPL")
CASH = Token(chain_id=31337, address=e.TRADE.cash, decimals=6, symbol="USD")
POLICY = SettlementPolicy(recycling_days=4)


def drawn(deal=e.DEAL, wallets=(e.SELLER, e.BUYER), tokens=(ASSET, CASH)):
    return draw_up(deal, e.DOMAIN, 17, wallets, tokens, POLICY)


def test_the_terms_of_an_executed_trade():
    assert drawn() == e.TRADE  # 100 units, 44,800.00, from 2013-03-08 to the end of 2013-03-12


def test_a_leg_the_token_cannot_express_is_refused_not_rounded():
    deal = replace(e.DEAL, quantity=Quantity.of("0.5", e.SECURITY_ID))
    assert drawn(deal).asset_amount == 500_000
    with pytest.raises(AmountInvalid):
        drawn(deal, tokens=(replace(ASSET, decimals=0), CASH))
    with pytest.raises(AmountInvalid):
        drawn(
            replace(e.DEAL, amount=Money.of("0.01", "USD")),
            tokens=(ASSET, replace(CASH, decimals=1)),
        )
    with pytest.raises(AmountInvalid):
        drawn(replace(e.DEAL, amount=Money.of("0", "USD")))


def test_missing_wallets_and_tokens_and_one_wallet_on_both_sides_are_refused():
    for wallets in ((None, e.BUYER), (e.SELLER, None)):
        with pytest.raises(WalletUnknown):
            drawn(wallets=wallets)
    for tokens in ((None, CASH), (ASSET, None), (replace(ASSET, chain_id=1), CASH)):
        with pytest.raises(TokenUnknown):
            drawn(tokens=tokens)
    with pytest.raises(ValueInvalid):
        drawn(wallets=("0x" + "aB" * 20, "0x" + "Ab" * 20))
    with pytest.raises(ValueInvalid):
        drawn(replace(e.DEAL, settlement_date=date(1969, 12, 31)))


@given(trades, domains)
def test_terms_survive_the_event(trade, domain):
    assert from_terms(to_terms(trade, domain)) == (trade, domain)


@given(st.integers(1, 2**128), st.integers(0, 18))
def test_token_units_round_trip(units, decimals):
    value = from_token_units(units, decimals)
    assert to_token_units(value, decimals) == units
    assert "E" not in format(value, "f")
    with localcontext(prec=80):
        finer = value + Decimal(1).scaleb(-decimals - 1)
    with pytest.raises(AmountInvalid):
        to_token_units(finer, decimals)


@given(st.sets(st.sampled_from(list(Reason))))
def test_reason_names_round_trip(reasons):
    bits = Reason(0)
    for each in reasons:
        bits |= each
    assert from_names(names(bits)) == bits


@pytest.mark.parametrize(
    ("reason", "seller", "buyer"),
    [
        (Reason.SELLER_LACKS_UNITS, "LACK", "CLAC"),
        (Reason.BUYER_LACKS_CASH, "CMON", "MONY"),
        (Reason.ASSET_REFUSES, "SBLO", "SBLO"),
        (Reason.CASH_REFUSES, "BLOC", "BLOC"),
        (Reason.NOT_YET_VALID, "FUTU", "FUTU"),
        (Reason.EXPIRED, "LATE", "LATE"),
        (Reason.EXPIRED | Reason.BUYER_LACKS_CASH, "CMON", "MONY"),
        (Reason.ZERO_AMOUNT, "NARR", "NARR"),
    ],
)
def test_each_side_sees_its_own_iso_code(reason, seller, buyer):
    assert code_for(reason, Direction.DELIVER) == seller
    assert code_for(reason, Direction.RECEIVE) == buyer


def test_an_advice_names_the_counterpartys_shortage_by_its_code_alone():
    state = None
    for event in (e.INSTRUCTED, e.SELLER_SIGNED, e.BUYER_SIGNED, e.COMPLETED):
        state = evolve_saga(state, event)
    pending = replace(e.PENDING, reasons=("BUYER_ALLOWANCE",))
    seller, buyer = (tell(state, side, pending) for side in (Direction.DELIVER, Direction.RECEIVE))
    assert (seller.reason, seller.narrative) == ("CMON", "CMON")
    assert (buyer.reason, buyer.narrative) == ("MONY", "BUYER_ALLOWANCE")


RECEIVED = InstructionReceived(
    instruction_id=e.side(1).instruction_id,
    direction="DELI",
    participant_id=e.side(1).participant_id,
    account_id=e.side(1).account_id,
    order_id=e.side(1).order_id,
    deal=e.DEAL,
    terms=e.INSTRUCTED.terms,
    digest=e.INSTRUCTED.digest,
    asset_token=TokenName(symbol="AAPL", decimals=6),
    cash_token=TokenName(symbol="USD", decimals=6),
    received_at=e.AT,
)
CONSENT = Sign(signer=e.SELLER, signature="0x" + "01" * 65, at=e.AT)


def test_a_consent_is_recorded_once():
    state = evolve(None, RECEIVED)
    (signed,) = sign(state, CONSENT)
    state = evolve(state, signed)
    assert state.status is InstructionStatus.SIGNED
    assert sign(state, CONSENT) == []


def test_consent_by_another_too_late_or_after_the_end_is_refused():
    state = evolve(None, RECEIVED)
    with pytest.raises(SignatureWrongSigner):
        sign(state, Sign(signer=e.BUYER, signature=CONSENT.signature, at=e.AT))
    last = datetime.fromtimestamp(e.TRADE.deadline, UTC)
    assert len(sign(state, Sign(signer=e.SELLER, signature="0x", at=last))) == 1
    late = datetime.fromtimestamp(e.TRADE.deadline + 1, UTC)
    with pytest.raises(DeadlineExpired):
        sign(state, Sign(signer=e.SELLER, signature="0x", at=late))
    with pytest.raises(SettlementStateInvalid):
        sign(None, CONSENT)
    saga = evolve_saga(None, e.INSTRUCTED)
    with pytest.raises(SettlementStateInvalid):
        sign(evolve(state, tell(saga, Direction.DELIVER, e.FAILED)), CONSENT)
    with pytest.raises(AlreadySettled):
        sign(evolve(state, tell(saga, Direction.DELIVER, e.FINALISED)), CONSENT)


def test_both_sides_are_told_each_in_its_own_words():
    saga = evolve_saga(None, e.INSTRUCTED)
    seller = tell(saga, Direction.DELIVER, e.FAILED)
    buyer = tell(saga, Direction.RECEIVE, e.FAILED)
    assert isinstance(seller, InstructionFailed)
    assert isinstance(buyer, InstructionFailed)
    assert (seller.reason, buyer.reason) == ("CMON", "MONY")
    assert seller.order_id == e.side(1).order_id
    assert buyer.order_id == e.side(2).order_id
    assert tell(saga, Direction.DELIVER, e.SELLER_SIGNED) is None
    pending = tell(saga, Direction.RECEIVE, e.PENDING)
    assert (pending.status, pending.reason) == ("PENF", "MONY")
