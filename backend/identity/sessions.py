"""Browser sessions: 32 random bytes in a cookie, kept here only as a hash.

Sessions are no events and no part of a replay: they end, and nobody else's state hangs on them.
Their times are real time, not the business clock's.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.identity.service import TokenHolder
from backend.kernel.errors import InvariantBroken

ABSOLUTE = timedelta(hours=12)
"""A session ends this long after it began, whatever happens in it (NIST SP 800-63B §7.2)."""
IDLE = timedelta(minutes=30)
"""A session that nobody uses for this long has ended."""
_TOUCH = timedelta(minutes=1)

_BEGIN = """
INSERT INTO sessions (tenant_id, session_hash, participant_id, roles, token_hash, expires_at)
VALUES (%(tenant)s, %(hash)s, %(participant)s, %(roles)s, %(token)s,
        least(now() + %(absolute)s, %(limit)s::timestamptz))
RETURNING expires_at
"""
_FIND = """
SELECT tenant_id, participant_id, roles, expires_at, last_used_at < now() - %s AS stale
FROM sessions WHERE session_hash = %s AND expires_at > now() AND last_used_at > now() - %s
  AND (token_hash IS NULL OR EXISTS (
    SELECT 1 FROM api_tokens
    WHERE api_tokens.token_hash = sessions.token_hash
      AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > now())))
"""


class Session(msgspec.Struct, frozen=True):
    """Whom a session stands for, and when it ends at the latest."""

    holder: TokenHolder
    expires_at: datetime


class Sessions:
    """Begins, finds and ends sessions; nothing is remembered, so an end takes effect at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, holder: TokenHolder) -> tuple[str, Session]:
        """A new session: the secret for the cookie, shown once, and what it stands for.

        It ends with the API token it was begun with, also when that is withdrawn later.
        """
        secret = secrets.token_urlsafe(32)
        values = {
            "tenant": holder.tenant_id,
            "hash": _hash(secret),
            "participant": holder.participant_id,
            "roles": sorted(holder.roles),
            "token": holder.token_hash,
            "absolute": ABSOLUTE,
            "limit": holder.expires_at,
        }
        with self._database.transaction(Scope.identity()) as connection:
            connection.execute(
                "DELETE FROM sessions WHERE expires_at <= now() OR last_used_at <= now() - %s",
                (IDLE,),
            )
            row = connection.execute(_BEGIN, values).fetchone()
        if row is None:
            raise InvariantBroken("A session was not kept.")
        return secret, Session(holder, row["expires_at"])

    def find(self, secret: str, *, touch: bool = True) -> Session | None:
        """The session, or None when it is not known or has ended, or its API token has.

        Using it keeps it alive; with ``touch`` false this look is no use of it.
        """
        digest = _hash(secret)
        with self._database.transaction(Scope.identity()) as connection:
            row = connection.execute(_FIND, (_TOUCH, digest, IDLE)).fetchone()
            if row is None:
                return None
            if row["stale"] and touch:
                connection.execute(
                    "UPDATE sessions SET last_used_at = now() WHERE session_hash = %s", (digest,)
                )
        holder = TokenHolder(str(row["tenant_id"]), row["participant_id"], frozenset(row["roles"]))
        return Session(holder, row["expires_at"])

    def end(self, secret: str) -> str | None:
        """Sign out: the session is gone for every process. Repeating it changes nothing.

        Gives the participant whose session ended.
        """
        with self._database.transaction(Scope.identity()) as connection:
            row = connection.execute(
                "DELETE FROM sessions WHERE session_hash = %s RETURNING participant_id",
                (_hash(secret),),
            ).fetchone()
        return None if row is None else str(row["participant_id"])


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"tallystick/session/v1\n" + secret.encode()).digest()
