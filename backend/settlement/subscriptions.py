"""Reactions to the feed: trades become instructions, consents meet, the books follow."""

from eth_utils.address import to_checksum_address

from backend.eventstore.recorded import Recorded
from backend.eventstore.store import UnitOfWork
from backend.eventstore.subscriptions import Subscription
from backend.kernel.errors import ValueInvalid
from backend.settlement import process, store
from backend.settlement.aggregates import INSTRUCTION
from backend.settlement.domain import saga
from backend.settlement.domain.terms import SettlementPolicy, Token, draw_up, to_terms
from backend.settlement.errors import TokenUnknown, WalletUnknown
from backend.settlement.events import (
    Deal,
    InstructionFailed,
    InstructionReceived,
    InstructionSettled,
    InstructionSigned,
    SettlementInstructed,
    SettlementRefused,
    Side,
    SideSigned,
    TokenName,
)
from backend.settlement.iso20022 import Direction
from backend.settlement.ports import Books, Tokens, Wallets
from backend.settlement.trade import Domain, Trade
from backend.settlement.typed_data import hashes
from backend.trading.events import Party, TradeExecuted


class Instructing:
    """On ``trade.executed``: fix the terms and give each party its instruction (SF1)."""

    def __init__(
        self, domain: Domain, wallets: Wallets, tokens: Tokens, policy: SettlementPolicy
    ) -> None:
        self._domain = domain
        self._wallets = wallets
        self._tokens = tokens
        self._policy = policy

    def subscription(self) -> Subscription:
        return Subscription("settlement.instructing", {TradeExecuted: self.on_trade})

    def on_trade(self, uow: UnitOfWork, e: Recorded[TradeExecuted]) -> None:
        """Instruct the trade, or refuse it so that what was reserved is released."""
        loaded = process.load(uow, e.event.trade_id)
        if loaded.state is not None:
            return
        deal = _deal(e.event)
        seller, buyer = _side(uow, e.event.seller), _side(uow, e.event.buyer)
        try:
            tokens = self._tokens_of(uow, deal)
            trade = self._draw_up(uow, deal, seller, buyer, tokens)
        except (WalletUnknown, TokenUnknown, ValueInvalid) as error:
            refused = SettlementRefused(
                deal=deal,
                seller=seller,
                buyer=buyer,
                cause=error.code.value,
                detail=error.message,
                refused_at=uow.now,
            )
            process.record(uow, loaded, refused)
            return
        instructed = SettlementInstructed(
            deal=deal,
            terms=to_terms(trade, self._domain),
            digest="0x" + hashes(trade, self._domain).digest.hex(),
            seller=seller,
            buyer=buyer,
            entered_at=uow.now,
        )
        process.record(uow, loaded, instructed)
        _receive(uow, instructed, Direction.DELIVER, tokens)
        _receive(uow, instructed, Direction.RECEIVE, tokens)
        store.enqueue(uow.connection, deal.trade_id)

    def _draw_up(
        self, uow: UnitOfWork, deal: Deal, seller: Side, buyer: Side, tokens: tuple[Token, Token]
    ) -> Trade:
        wallets = [
            self._wallets.address_of(uow, side.tenant_id, side.account_id)
            for side in (seller, buyer)
        ]
        spelled = [to_checksum_address(each) if each is not None else None for each in wallets]
        number = store.next_number(uow.connection)
        return draw_up(deal, self._domain, number, (spelled[0], spelled[1]), tokens, self._policy)

    def _tokens_of(self, uow: UnitOfWork, deal: Deal) -> tuple[Token, Token]:
        asset = self._tokens.asset(uow, deal.security_id)
        cash = self._tokens.cash(uow, deal.amount.currency)
        if asset is None or cash is None:
            raise TokenUnknown(
                "The security or the currency has no token.",
                security_id=deal.security_id,
                currency=deal.amount.currency,
            )
        return asset, cash


class Matching:
    """On ``instruction.signed``: bring both consents together (SF2)."""

    def subscription(self) -> Subscription:
        return Subscription("settlement.matching", {InstructionSigned: self.on_signed})

    def on_signed(self, uow: UnitOfWork, e: Recorded[InstructionSigned]) -> None:
        """Record the consent; when it is the second one, the trade is irrevocable."""
        loaded = process.load(uow, e.event.trade_id)
        if loaded.state is None or loaded.state.state is not saga.SettlementState.INSTRUCTED:
            return  # it failed in between: both parties were told so in that transaction
        signed = SideSigned(
            trade_id=e.event.trade_id,
            direction=e.event.direction,
            signer=e.event.signer,
            signature=e.event.signature,
        )
        process.record(uow, loaded, signed)
        for event in saga.completed(loaded.state, uow.now):
            process.record(uow, loaded, event)
            store.make_due(uow.connection, e.event.trade_id)


class BooksFollow:
    """On confirmation or failure: the party's books follow through the ``Books`` port."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def subscription(self) -> Subscription:
        return Subscription(
            "settlement.books",
            {InstructionSettled: self.on_settled, InstructionFailed: self.on_failed},
        )

    def on_settled(self, uow: UnitOfWork, e: Recorded[InstructionSettled]) -> None:
        self._books.book(uow, e.tenant_id, e.event)

    def on_failed(self, uow: UnitOfWork, e: Recorded[InstructionFailed]) -> None:
        self._books.release(uow, e.tenant_id, e.event)


def _deal(event: TradeExecuted) -> Deal:
    return Deal(
        trade_id=event.trade_id,
        security_id=event.security_id,
        quantity=event.quantity,
        price=event.price,
        amount=event.gross,
        trade_date=event.trade_date,
        settlement_date=event.settlement_date,
    )


def _side(uow: UnitOfWork, party: Party) -> Side:
    return Side(
        tenant_id=party.tenant_id,
        participant_id=party.participant_id,
        account_id=party.account_id,
        order_id=party.order_id,
        instruction_id=uow.new_id(),
    )


def _receive(
    uow: UnitOfWork,
    instructed: SettlementInstructed,
    direction: Direction,
    tokens: tuple[Token, Token],
) -> None:
    side = instructed.seller if direction is Direction.DELIVER else instructed.buyer
    asset, cash = (TokenName(symbol=each.symbol, decimals=each.decimals) for each in tokens)
    stream = uow.load(INSTRUCTION, side.instruction_id, tenant_id=side.tenant_id)
    received = InstructionReceived(
        instruction_id=side.instruction_id,
        direction=direction.value,
        participant_id=side.participant_id,
        account_id=side.account_id,
        order_id=side.order_id,
        deal=instructed.deal,
        terms=instructed.terms,
        digest=instructed.digest,
        asset_token=asset,
        cash_token=cash,
        received_at=instructed.entered_at,
    )
    uow.append(stream, [received])
