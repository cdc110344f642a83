"""ISO 20022 names for what the contract and the venue say, from each party's side.

Codes of the pending and failing reason lists of ``sese.024`` (securities settlement
transaction status advice): the party that lacks sees its own code, its counterparty the
counterparty's one.
"""

from collections.abc import Iterable
from enum import IntFlag, StrEnum


class Direction(StrEnum):
    """Securities movement type of ``sese.023``: who delivers, who receives the securities."""

    DELIVER = "DELI"
    RECEIVE = "RECE"


PAYMENT = "APMT"  # against payment: the only kind this contract knows


class ProcessingStatus(StrEnum):
    """Status ladder of ``sese.024``; SETT stands for the confirmation ``sese.025``."""

    ACCEPTED = "PACK"
    MATCHED = "MACH"
    PENDING = "PEND"
    FAILING = "PENF"
    SETTLED = "SETT"
    FAILED = "FAIL"


class Reason(IntFlag):
    """Bits of the contract's ``check`` (Reasons.sol), and two of the venue's own.

    HALTED: a breaker is open. REFUSED: the chain refuses without one of these bits, for example
    because the submitting key lost its role.
    """

    ID_USED = 1 << 0
    NOT_YET_VALID = 1 << 1
    EXPIRED = 1 << 2
    BAD_SELLER_SIGNATURE = 1 << 3
    BAD_BUYER_SIGNATURE = 1 << 4
    SELLER_LACKS_UNITS = 1 << 5
    BUYER_LACKS_CASH = 1 << 6
    SELLER_ALLOWANCE = 1 << 7
    BUYER_ALLOWANCE = 1 << 8
    ASSET_REFUSES = 1 << 9
    CASH_REFUSES = 1 << 10
    ZERO_AMOUNT = 1 << 11
    NOT_ALL_OR_NONE = 1 << 12
    SAME_PARTY = 1 << 13
    ASSET_NOT_A_TOKEN = 1 << 14
    CASH_NOT_A_TOKEN = 1 << 15
    HALTED = 1 << 64
    REFUSED = 1 << 65


# What no waiting can mend: the terms and the consents are signed and cannot change.
HOPELESS = (
    Reason.BAD_SELLER_SIGNATURE
    | Reason.BAD_BUYER_SIGNATURE
    | Reason.ZERO_AMOUNT
    | Reason.NOT_ALL_OR_NONE
    | Reason.SAME_PARTY
    | Reason.ASSET_NOT_A_TOKEN
    | Reason.CASH_NOT_A_TOKEN
)

# (as the seller sees it, as the buyer sees it); NARR is "see the narrative".
_CODES: dict[Reason, tuple[str, str]] = {
    Reason.NOT_YET_VALID: ("FUTU", "FUTU"),
    Reason.SELLER_LACKS_UNITS: ("LACK", "CLAC"),
    Reason.BUYER_LACKS_CASH: ("CMON", "MONY"),
    Reason.SELLER_ALLOWANCE: ("LACK", "CLAC"),
    Reason.BUYER_ALLOWANCE: ("CMON", "MONY"),
    Reason.ASSET_REFUSES: ("SBLO", "SBLO"),
    Reason.CASH_REFUSES: ("BLOC", "BLOC"),
    Reason.HALTED: ("SBLO", "SBLO"),
    Reason.EXPIRED: ("LATE", "LATE"),
}
_COUNTERPARTYS = ("CLAC", "CMON")


def names(reasons: Reason) -> tuple[str, ...]:
    """The single reasons' names, lowest bit first."""
    return tuple(each.name for each in Reason if each in reasons and each.name is not None)


def from_names(found: Iterable[str]) -> Reason:
    """The bit set that ``names`` wrote. Raises KeyError for a name that is none of ours."""
    result = Reason(0)
    for name in found:
        result |= Reason[name]
    return result


def code_for(reasons: Reason, direction: Direction) -> str:
    """The ISO code of the first reason that has one, from this party's side; else NARR."""
    side = 0 if direction is Direction.DELIVER else 1
    for reason, codes in _CODES.items():
        if reason in reasons:
            return codes[side]
    return "NARR"


def told_to(reasons: Reason, direction: Direction) -> tuple[str, ...]:
    """The reasons as this party may read them, each once.

    What is its own or everybody's goes by its name. Of what its counterparty lacks it gets the
    code alone: whether units, cash or an allowance are missing is the other's affair.
    """
    found = ((name, code_for(Reason[name], direction)) for name in names(reasons))
    return tuple(dict.fromkeys(code if code in _COUNTERPARTYS else name for name, code in found))
