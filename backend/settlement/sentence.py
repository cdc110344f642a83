"""What a trade means, in one sentence for the person who is about to sign it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from backend.settlement.errors import SignatureWrongSigner
from backend.settlement.trade import Domain, Trade, from_token_units, same_address


class TokenLabel(msgspec.Struct, frozen=True):
    """How a token is shown: its symbol and decimals, and whether it is money (2 places)."""

    symbol: str
    decimals: int
    money: bool = False


Labels = Mapping[str, TokenLabel]  # by lower-case token address


def plain_sentence(trade: Trade, domain: Domain, party: str, labels: Labels) -> str:
    """The trade from ``party``'s side; token addresses are always shown beside the names.

    A token without a label is shown in smallest units. Raises SignatureWrongSigner when
    ``party`` is neither seller nor buyer.
    """
    asset = _amount(trade.asset, trade.asset_amount, labels)
    cash = _amount(trade.cash, trade.cash_amount, labels)
    if same_address(party, trade.seller):
        deal = f"You deliver {asset} to {trade.buyer} and receive {cash}"
    elif same_address(party, trade.buyer):
        deal = f"You pay {cash} to {trade.seller} and receive {asset}"
    else:
        raise SignatureWrongSigner("This account is not a party of the trade.", account=party)
    return (
        f"{deal}; both or nothing, trade number {trade.number}, "
        f"valid from {_moment(trade.valid_from)} until {_moment(trade.deadline)}, "
        f"on chain {domain.chain_id} at contract {domain.contract}."
    )


def _amount(token: str, units: int, labels: Labels) -> str:
    label = labels.get(token.lower())
    if label is None:
        return f"{units} smallest units of token {token}"
    value = from_token_units(units, label.decimals)
    text = f"{value:,f}"
    if label.money:
        whole, _, places = text.partition(".")
        text = f"{whole}.{places.ljust(2, '0')}"
    return f"{text} {label.symbol} (token {token})"


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"second {seconds} of the Unix era"
