"""What happens in the log of the vectors: accounts, a fork, personal data, an erasure, indexes."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from anchoring.commitment import ERASURE_EVENT, commit
from anchoring.disclosure import Disclosed
from scripts.vectors.log import ACME, BOREAL, VENUE, VectorLog

ACCOUNT = "account-1"
FORKED = "account-forked"
CONTACT = "contact-1"
OTHER_CONTACT = "contact-2"


def _held(field: str, value: str) -> Disclosed:
    return Disclosed(sha256(f"tallystick vectors salt of {value}".encode()).digest(), value)


VALUES = {
    "email": _held("email", "ada@example.org"),
    "name": _held("name", "Ada Lovelace"),
    "phone": _held("phone", "+44 20 7946 0000"),
}
OTHER_VALUES = {"email": _held("email", "grace@example.org")}


def commitments(values: dict[str, Disclosed]) -> dict[str, str]:
    """Return the commitment of each field in hex."""
    return {field: commit(field, item.value, item.salt).hex() for field, item in values.items()}


@dataclass(frozen=True)
class Story:
    """The log, and where the events stand that the vectors speak of."""

    log: VectorLog
    contact: int
    other_contact: int
    early_index: int
    index: int
    erasure: int
    other_erasure: int
    forked: tuple[int, int, int]


def tell() -> Story:
    """Return the log of the vectors; the same bytes every time."""
    log = VectorLog()

    def deposit(tenant: str, stream: str, amount: str) -> int:
        return log.append(tenant, stream, "cash.deposited", {"amount": amount, "currency": "EUR"})

    log.append(VENUE, "keyring-log", "log.opened", {"note": "the first entry"})
    deposit(ACME, ACCOUNT, "100.00")
    deposit(BOREAL, ACCOUNT, "7.50")
    deposit(ACME, ACCOUNT, "20.00")
    contact = log.append(
        ACME, CONTACT, "contact.recorded", {"personal": commitments(VALUES), "purpose": "KYC"}
    )
    early_index = log.commit_index()
    deposit(ACME, ACCOUNT, "0.01")
    first = deposit(BOREAL, FORKED, "1.00")
    one = deposit(BOREAL, FORKED, "2.00")
    log.heads[BOREAL, FORKED] = first
    other = deposit(BOREAL, FORKED, "3.00")
    deposit(ACME, ACCOUNT, "5.00")
    other_contact = log.append(
        BOREAL, OTHER_CONTACT, "contact.recorded", {"personal": commitments(OTHER_VALUES)}
    )
    index = log.commit_index()
    erasure = _erase(log, ACME, CONTACT, {key: VALUES[key] for key in ("email", "name")})
    other_erasure = _erase(log, BOREAL, OTHER_CONTACT, OTHER_VALUES)
    deposit(ACME, "account-2", "9.99")
    return Story(
        log,
        contact,
        other_contact,
        early_index,
        index,
        erasure,
        other_erasure,
        (first, one, other),
    )


def _erase(log: VectorLog, tenant: str, stream: str, values: dict[str, Disclosed]) -> int:
    payload: dict[str, object] = {
        "commitments": sorted(commitments(values).values()),
        "fields": sorted(values),
        "reason": "request of the data subject",
        "subject_id": stream,
    }
    return log.append(tenant, stream, ERASURE_EVENT, payload)
