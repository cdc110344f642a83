"""Edge models: what comes in is exact and closed, decimals travel as plain strings."""

from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

T = TypeVar("T")

DecimalText = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", max_length=40),
    Field(description="A plain decimal number as a string: no exponent, no sign but '-'"),
]
PositiveDecimalText = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$", max_length=40),
    Field(description="A plain, non-negative decimal number as a string"),
]
DecimalOut = Annotated[
    Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")
]
Identifier = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=80)]


class EdgeModel(BaseModel):
    """Base of request and response bodies: unknown fields are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MoneyModel(EdgeModel):
    """An amount of a currency (ISO 4217)."""

    amount: DecimalText
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Page(EdgeModel, Generic[T]):
    """One page of a list, in a fixed order; ``next_cursor`` is opaque and signed."""

    items: list[T]
    next_cursor: str | None = None
    has_more: bool = False


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    instance: str | None = None
    errors: list[dict[str, Any]] | None = None
    context: dict[str, Any] | None = None
