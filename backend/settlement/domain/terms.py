"""From an executed trade to the terms that both wallets sign."""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from backend.kernel.errors import AmountInvalid, ValueInvalid
from backend.settlement.errors import TokenUnknown, WalletUnknown
from backend.settlement.events import Deal, Terms
from backend.settlement.trade import Domain, Trade, same_address, to_token_units


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token on the settlement chain, for a security or for a currency."""

    chain_id: int
    address: str
    decimals: int
    symbol: str


class SettlementPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """From when and until when a trade may settle, in chain time.

    Settlement opens on the intended settlement date at ``opens`` (UTC) and is recycled for
    ``recycling_days`` calendar days more (CSDR: unsettled instructions are recycled), until the
    last second of that day.
    """

    opens: time = time(0, 0)
    recycling_days: int = 4

    def window(self, settlement_date: date) -> tuple[int, int]:
        """(first, last) second in which the contract accepts the trade, Unix time."""
        opening = datetime.combine(settlement_date, self.opens, UTC)
        last_day = settlement_date + timedelta(days=self.recycling_days + 1)
        closing = datetime.combine(last_day, time(0, 0), UTC) - timedelta(seconds=1)
        if opening.timestamp() < 0:
            raise ValueInvalid("The settlement date is before the Unix era.")
        return int(opening.timestamp()), int(closing.timestamp())


def draw_up(
    deal: Deal,
    domain: Domain,
    number: int,
    wallets: tuple[str | None, str | None],
    tokens: tuple[Token | None, Token | None],
    policy: SettlementPolicy,
) -> Trade:
    """The trade to sign; ``wallets`` are (seller, buyer), ``tokens`` (asset, cash). All or none.

    Raises WalletUnknown, TokenUnknown, AmountInvalid when price × quantity is not whole minor
    units or a token cannot express a leg exactly, ValueInvalid when one wallet stands on both
    sides (the contract refuses that).
    """
    _refuse_rounding(deal)
    seller, buyer = wallets
    if seller is None or buyer is None:
        raise WalletUnknown(
            "A party has no wallet for this account.", side="DELI" if seller is None else "RECE"
        )
    if same_address(seller, buyer):
        raise ValueInvalid("Seller and buyer have the same wallet.", wallet=seller)
    asset, cash = (_on_chain(token, domain) for token in tokens)
    units = to_token_units(deal.quantity.units, asset.decimals)
    valid_from, deadline = policy.window(deal.settlement_date)
    return Trade(
        number=number,
        seller=seller,
        buyer=buyer,
        asset=asset.address,
        cash=cash.address,
        asset_amount=units,
        cash_amount=to_token_units(deal.amount.amount, cash.decimals),
        min_asset_amount=units,
        valid_from=valid_from,
        deadline=deadline,
    )


def to_terms(trade: Trade, domain: Domain) -> Terms:
    """The trade as events carry it: amounts as decimal strings."""
    return Terms(
        chain_id=domain.chain_id,
        contract=domain.contract,
        number=trade.number,
        seller=trade.seller,
        buyer=trade.buyer,
        asset=trade.asset,
        cash=trade.cash,
        asset_amount=str(trade.asset_amount),
        cash_amount=str(trade.cash_amount),
        min_asset_amount=str(trade.min_asset_amount),
        valid_from=trade.valid_from,
        deadline=trade.deadline,
    )


def from_terms(terms: Terms) -> tuple[Trade, Domain]:
    """The inverse of ``to_terms``."""
    trade = Trade(
        number=terms.number,
        seller=terms.seller,
        buyer=terms.buyer,
        asset=terms.asset,
        cash=terms.cash,
        asset_amount=int(terms.asset_amount),
        cash_amount=int(terms.cash_amount),
        min_asset_amount=int(terms.min_asset_amount),
        valid_from=terms.valid_from,
        deadline=terms.deadline,
    )
    return trade, Domain(terms.chain_id, terms.contract)


def _refuse_rounding(deal: Deal) -> None:
    """What moves on chain is final: the books reserved price × quantity, and must be able to
    follow to the cent. Trading's increments see to that; a deal older than they are is refused.
    """
    exact = deal.price.times(deal.quantity)
    if exact != exact.booked():
        raise AmountInvalid(
            "Price times quantity is not a whole number of minor units.",
            exact=format(exact.amount, "f"),
        )


def _on_chain(token: Token | None, domain: Domain) -> Token:
    if token is None or token.chain_id != domain.chain_id:
        raise TokenUnknown("There is no token for this leg on the settlement chain.")
    return token
