"""Where the log stands: what waits for the chain, what anchors cost, and the platform's own audit.

All times are real ones, of the database's clock: business time may be another, and stand still.
"""

from datetime import datetime

from backend.audit.anchor_reads import oldest_age, spent_in_a_day
from backend.audit.watchdog import LOG, WATCHDOG
from backend.eventstore.scope import Connection
from backend.identity.ids import VENUE_TENANT
from backend.web.models import EdgeModel

_STATUS = """
SELECT (SELECT deferred FROM anchoring_status WHERE log = 'log') AS deferred,
  coalesce((SELECT lagging FROM anchoring_status WHERE log = 'log'), false) AS lagging,
  (SELECT coalesce(sum(fee), 0) FROM anchor_fees) AS fees
"""
_ROUND = "SELECT size, findings, checked_at FROM watchdog_status"
# The newest word about each check; one that was cleared is over. Whose stream it is about is not
# for everybody: ids of tenants and of what is theirs are UUIDs, and the event has them in full.
_FINDINGS = """
SELECT told.check, regexp_replace(told.where, %(uuid)s, '…', 'gi') AS where,
  regexp_replace(told.message, %(uuid)s, '…', 'gi') AS message, feed.sequenced_at AS found_at
FROM (
  SELECT DISTINCT ON (payload ->> 'check') type, stream_version, payload ->> 'check' AS check,
    payload ->> 'where' AS where, payload ->> 'message' AS message
  FROM events, LATERAL (
    SELECT convert_from(entry, 'UTF8')::jsonb #> '{event,payload}' AS payload) AS parsed
  WHERE tenant_id = %(venue)s AND stream_id = %(stream)s
  ORDER BY payload ->> 'check', stream_version DESC) AS told
LEFT JOIN feed ON feed.tenant_id = %(venue)s AND feed.stream_id = %(stream)s
  AND feed.stream_version = told.stream_version
WHERE told.type = 'audit.found' ORDER BY told.stream_version
"""
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class AnchoringOut(EdgeModel):
    """How far the chain is behind the log, and what its anchors cost (in wei).

    ``oldest_unanchored_seconds`` is for how long the oldest event without a final anchor has
    waited: null when none waits; events about anchors and the index themselves wait for nothing.
    ``lagging`` says that this is longer than the operator's limit. ``deferred`` says which limit
    of cost the next anchor waits for: ``fee-cap``, ``daily-budget``, or null.
    """

    unanchored_entries: int
    oldest_unanchored_seconds: int | None
    lagging: bool
    deferred: str | None
    fees_24h_wei: str
    fees_total_wei: str


class FindingOut(EdgeModel):
    """Something that the platform's own audit found wrong and that is not over.

    ``where`` and ``message`` name no tenant and nothing of one: ids that are UUIDs are left out.
    ``found_at`` is null for the moment until the finding has its place in the log.
    """

    check: str
    where: str
    message: str
    found_at: datetime | None


class AuditOut(EdgeModel):
    """The last round of the platform's own audit: the first ``size`` entries hold.

    ``size`` is 0 when the round found the published log wrong, or could not look at it.
    """

    size: int
    findings: list[FindingOut]
    checked_at: datetime


def read_anchoring(connection: Connection, size: int, anchored: int) -> AnchoringOut:
    """What of the log's ``size`` entries waits beyond the first ``anchored``, and the cost."""
    row = connection.execute(_STATUS).fetchone() or {}
    age = oldest_age(connection, anchored)
    return AnchoringOut(
        unanchored_entries=max(size - anchored, 0),
        oldest_unanchored_seconds=None if age is None else max(int(age), 0),
        lagging=row["lagging"],
        deferred=row["deferred"],
        fees_24h_wei=str(spent_in_a_day(connection)),
        fees_total_wei=str(int(row["fees"])),
    )


def read_audit(connection: Connection) -> AuditOut | None:
    """The last round of the watchdog; None before the first one has ended."""
    last = connection.execute(_ROUND).fetchone()
    if last is None:
        return None
    return AuditOut(
        size=last["size"],
        findings=_findings(connection) if last["findings"] else [],
        checked_at=last["checked_at"],
    )


def _findings(connection: Connection) -> list[FindingOut]:
    values = {"venue": VENUE_TENANT, "stream": WATCHDOG.stream_id(LOG), "uuid": _UUID}
    rows = connection.execute(_FINDINGS, values)
    return [FindingOut(**row) for row in rows]
