"""The columns that instructions and settlements share."""

from typing import Any

from backend.settlement.events import Deal


def deal_columns(deal: Deal) -> dict[str, Any]:
    """The economic trade, by column."""
    return {
        "trade_id": deal.trade_id,
        "security_id": deal.security_id,
        "quantity": deal.quantity.units,
        "price": deal.price.amount,
        "currency": deal.amount.currency,
        "amount": deal.amount.amount,
        "trade_date": deal.trade_date,
        "settlement_date": deal.settlement_date,
    }
