"""NAME.personal: salts and values that open an event's commitments, and what became of each field.

Canonical JSON: ``{"disclosed":{"<field>":{"salt":"<64 hex>","value":"..."}}}``. Whoever holds the
values gives this file beside a proof, or does not: the event and its proof are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from anchoring import canonical
from anchoring.commitment import SALT_BYTES, Erasure, commit
from anchoring.encoding import parse_hex
from anchoring.errors import MalformedInput, VerificationFailed

MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A value and the salt that went into its commitment."""

    salt: bytes
    value: str


Disclosure = Mapping[str, Disclosed]
"""Values by field."""


class _Opened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    salt: str
    value: str


class _PersonalFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    disclosed: dict[str, _Opened]


def encode_disclosure(disclosure: Disclosure) -> bytes:
    """Return the file's bytes; raises MalformedInput when they could not be read again."""
    fields = {
        field: {"salt": item.salt.hex(), "value": item.value} for field, item in disclosure.items()
    }
    data = canonical.encode({"disclosed": fields})
    parse_disclosure(data)
    return data


def parse_disclosure(data: bytes) -> dict[str, Disclosed]:
    """Parse a file of personal values strictly; raises MalformedInput."""
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the personal file is longer than 1,000,000 bytes")
    try:
        file = msgspec.convert(canonical.parse_object(data, "the personal file"), _PersonalFile)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"the personal file has another shape: {error}") from error
    if not file.disclosed:
        raise MalformedInput("the personal file discloses nothing")
    return {
        field: Disclosed(parse_hex(item.salt, f"the salt of {field}", SALT_BYTES), item.value)
        for field, item in file.disclosed.items()
    }


@dataclass(frozen=True, slots=True)
class VerifiedErasure:
    """An erasure event that was verified, and where it stands in the log."""

    erasure: Erasure
    index: int


def judge_personal(
    events: Sequence[Mapping[str, bytes]],
    disclosure: Disclosure,
    beside: Iterable[VerifiedErasure] = (),
    within: Iterable[VerifiedErasure] = (),
    places: Sequence[int] = (),
) -> list[str]:
    """Say of every field of ``events`` (commitments by field) whether it is shown, erased, neither.

    ``beside`` are the erasures given with the proof, ``within`` those among the proven events
    themselves. Returns one sentence for each commitment, once, in order of field names within an
    event. Where ``places`` gives the events' indices it names the first entry that has the
    commitment: beside many events, one person's value must not be taken for another's. Raises
    VerificationFailed("personal") when a disclosed value is of no commitment shown, or an erasure
    given lists none of them.
    """
    found = {(field, item) for event in events for field, item in event.items()}
    opened = {(field, commit(field, it.value, it.salt)) for field, it in disclosure.items()}
    for field, _ in sorted(opened - found):
        if any(field == name for name, _ in found):
            raise VerificationFailed("personal", f"{field}: the value is not of its commitment")
        raise VerificationFailed("personal", f"the event has no personal field {field}")
    erased: dict[bytes, int] = {}
    given = list(beside)
    for item in given:
        if not any(commitment in item.erasure.commitments for _, commitment in found):
            raise VerificationFailed("personal", f"entry {item.index} erases nothing shown here")
    for item in (*given, *within):
        for commitment in item.erasure.commitments:
            erased.setdefault(commitment, item.index)
    names: dict[tuple[str, bytes], str] = {}
    for number, event in enumerate(events):
        where = f" of entry {places[number]}" if number < len(places) else ""
        for pair in sorted(event.items()):
            names.setdefault(pair, pair[0] + where)
    return [f"{name} {_state(pair in opened, erased.get(pair[1]))}" for pair, name in names.items()]


def _state(is_disclosed: bool, erased_by: int | None) -> str:
    states = ["disclosed"] if is_disclosed else []
    if erased_by is not None:
        states.append(f"erased by entry {erased_by}")
    return " and ".join(states) or "withheld"
