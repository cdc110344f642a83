"""Domain events: frozen, typed, versioned; a payload is plain JSON of the restricted profile.

A domain event knows nothing of streams, signatures or the log: the event store wraps it.
"""

from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import msgspec

from backend.kernel.errors import DomainError, ErrorCode


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all domain events. Subclasses set ``type`` (``order.accepted``) and a version.

    Field types: str, int, bool, Decimal, date, datetime, Money, Quantity, Price, StrEnum,
    other frozen Structs, tuples and dicts of these, and None. No floats.
    """

    type: ClassVar[str]
    schema_version: ClassVar[int] = 1

    def payload(self) -> dict[str, Any]:
        """The event as JSON values: decimals and dates as strings."""
        result: dict[str, Any] = _plain(
            msgspec.to_builtins(self, builtin_types=(Decimal,), str_keys=True)
        )
        return result


E = TypeVar("E", bound=Event)


def _plain(value: Any) -> Any:
    """``value`` with decimals written plainly: ``str`` would write 0.0000001 as 1E-7."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


class EventUnreadable(DomainError):
    """A stored payload does not fit its type and version, or the type is not known."""

    code = ErrorCode.EVENT_UNREADABLE


def from_payload(kind: type[E], payload: dict[str, Any]) -> E:
    """The event that ``payload`` holds. Raises EventUnreadable when it does not fit."""
    try:
        return msgspec.convert(payload, kind)
    except (msgspec.ValidationError, DomainError) as error:
        raise EventUnreadable(
            f"The payload of a {kind.type} event cannot be read: {error}", type=kind.type
        ) from error
