"""Who a transaction acts as: a database role and, for the app, one tenant (D14).

Both are set for the transaction only, in its first statement, so a pooled connection
never carries them over and a pooler in transaction mode is safe.
"""

import re
from enum import StrEnum
from typing import Any

import msgspec
import psycopg

from backend.kernel.errors import InvariantBroken

Connection = psycopg.Connection[dict[str, Any]]
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


IDLE_MILLISECONDS = 4_000
"""A process that stops in the middle of a transaction loses it, and with it every lock, before
the shortest lease (5 seconds) runs out: a standby is never held up by one that is frozen."""


class Role(StrEnum):
    """The roles of migration 0001; none owns a table, none bypasses row-level security."""

    APP = "tally_app"
    VENUE = "tally_venue"
    SEQUENCER = "tally_sequencer"
    IDENTITY = "tally_identity"
    AUDITOR = "tally_auditor"


class Scope(msgspec.Struct, frozen=True):
    """A role and the tenant whose rows the transaction may touch ("" where the role sees all)."""

    role: Role
    tenant_id: str = ""

    @classmethod
    def app(cls, tenant_id: str) -> "Scope":
        """One tenant's own view: every other tenant's rows do not exist."""
        return cls(Role.APP, tenant_id)

    @classmethod
    def venue(cls) -> "Scope":
        """The venue writes both sides of a trade."""
        return cls(Role.VENUE)

    @classmethod
    def sequencer(cls) -> "Scope":
        return cls(Role.SEQUENCER)

    @classmethod
    def identity(cls) -> "Scope":
        """Reads users and credentials before a tenant is known."""
        return cls(Role.IDENTITY)

    @classmethod
    def auditor(cls) -> "Scope":
        """Reads everything, writes nothing."""
        return cls(Role.AUDITOR)

    def begin(self, connection: Connection) -> None:
        """Begin a transaction in this scope, in one round trip.

        The connection is in autocommit mode. Raises InvariantBroken for a tenant id that is
        not a UUID: it becomes part of the statement.
        """
        if self.tenant_id and _UUID.fullmatch(self.tenant_id) is None:
            raise InvariantBroken("A tenant id is not a UUID.")
        connection.execute(
            f"BEGIN; SELECT set_config('role', '{self.role.value}', true),"
            f" set_config('app.tenant_id', '{self.tenant_id}', true),"
            f" set_config('idle_in_transaction_session_timeout', '{IDLE_MILLISECONDS}', true)",
            prepare=False,
        )
