"""Position limits of one tenant, and which of them holds for an account and a security."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from backend.compliance.errors import LimitInvalid
from backend.compliance.events import LimitSet
from backend.kernel.ids import checked_id
from backend.kernel.money import checked


class Limits(msgspec.Struct, frozen=True):
    """Maxima of one position; None is no limit of that kind.

    ``max_units`` in units, ``max_notional`` in the security's currency, ``max_weight`` as a
    fraction (0 to 1) of the account's net asset value.
    """

    max_units: Decimal | None = None
    max_notional: Decimal | None = None
    max_weight: Decimal | None = None


# What holds until the venue's risk desk sets something else. There is no default weight: an
# account's first purchase is all of its position, whatever its size.
DEFAULT_LIMITS: Final = Limits(max_units=Decimal(1_000_000), max_notional=Decimal(10_000_000))

_Key = tuple[str | None, str | None]


class LimitTable(msgspec.Struct, frozen=True):
    """All limits set for one tenant, by account and security (None: every one)."""

    entries: dict[_Key, Limits]

    def resolve(self, account_id: str, security_id: str) -> Limits:
        """Each maximum from the most specific entry that sets it, else the default.

        Account and security beat account, account beats security, security beats tenant.
        """
        keys: tuple[_Key, ...] = (
            (account_id, security_id), (account_id, None), (None, security_id), (None, None),
        )  # fmt: skip
        chain = [*(self.entries[key] for key in keys if key in self.entries), DEFAULT_LIMITS]
        return Limits(
            max_units=_first(each.max_units for each in chain),
            max_notional=_first(each.max_notional for each in chain),
            max_weight=_first(each.max_weight for each in chain),
        )


def evolve(state: LimitTable | None, event: LimitSet) -> LimitTable:
    """The table after the event; an entry replaces the one of the same account and security."""
    entries = {} if state is None else state.entries
    limits = Limits(event.max_units, event.max_notional, event.max_weight)
    return LimitTable({**entries, (event.account_id, event.security_id): limits})


def set_limit(
    tenant_id: str, account_id: str | None, security_id: str | None, limits: Limits, reason: str
) -> list[LimitSet]:
    """Set or change limits. Raises LimitInvalid for a maximum that is not positive or a weight
    above one, ValueInvalid for an id that is none.
    """
    for each in (tenant_id, account_id, security_id):
        if each is not None:
            checked_id(each)
    for name in ("max_units", "max_notional", "max_weight"):
        value: Decimal | None = getattr(limits, name)
        if value is not None and checked(value) <= 0:
            raise LimitInvalid("A limit is greater than zero.", limit=name)
    if limits.max_weight is not None and limits.max_weight > 1:
        raise LimitInvalid("A weight is at most one.", value=format(limits.max_weight, "f"))
    if not reason.strip():
        raise LimitInvalid("A limit needs a reason.")
    return [
        LimitSet(
            tenant_id=tenant_id,
            account_id=account_id,
            security_id=security_id,
            max_units=limits.max_units,
            max_notional=limits.max_notional,
            max_weight=limits.max_weight,
            reason=reason,
        )
    ]


def _first(values: Iterable[Decimal | None]) -> Decimal | None:
    return next((value for value in values if value is not None), None)
