"""Proof bundles: entries, their inclusion under an anchored checkpoint, the chain's evidence."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from anchoring.bundle import Bundle, EventsBundle, build_batch, build_bundle, build_range
from anchoring.errors import MalformedInput
from anchoring.events_file import MAX_ENTRIES
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.note import NoteSigner, parse_vkey
from anchoring.policy import Policy, check_log_key, encode_policy
from anchoring.trust import Trust
from backend.audit.errors import ProofNotReady
from backend.audit.personal_files import PersonalEvidence
from backend.audit.proof_source import ProofSource, no_wrong_proof, require_count, require_room
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Scope
from backend.kernel.errors import NotFound, ValueInvalid

_EVENT = """
SELECT events.entry, feed.position FROM events
LEFT JOIN feed USING (tenant_id, stream_id, stream_version) WHERE events.event_id = %s
"""
_EVENTS = """
SELECT events.event_id, events.entry, feed.position FROM events
LEFT JOIN feed USING (tenant_id, stream_id, stream_version)
WHERE events.event_id = ANY(%s::uuid[]) ORDER BY feed.position
"""
_RANGE = """
SELECT feed.position, events.entry
FROM feed LEFT JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.position >= %s AND feed.position < %s ORDER BY feed.position
"""
_CHUNK = 1_000

Progress = Callable[[int], None]
"""Told how many entries were read so far."""


def untold(_read: int) -> None:
    """No progress to tell."""


class EventProof(msgspec.Struct, frozen=True):
    """A bundle and where it stands: ``anchored`` tells whether the chain evidence is in it."""

    event_id: str
    position: int
    size: int
    anchored: bool
    bundle: Bundle


class EventsProof(msgspec.Struct, frozen=True):
    """A bundle of many entries, at ``positions``, under the checkpoint of ``size``."""

    positions: tuple[int, ...]
    size: int
    anchored: bool
    bundle: EventsBundle


class ProofService:
    """Makes proofs from the published tiles. Reads only; any number of processes."""

    def __init__(self, database: Database, source: ProofSource, personal: PersonalEvidence) -> None:
        self._database = database
        self._source = source
        self._personal = personal

    def prove(self, scope: Scope, event_id: str, disclose: bool = False) -> EventProof:
        """The proof of one event that ``scope`` may see.

        ``disclose`` puts the personal values beside it that the scope's tenant holds.

        Raises NotFound, ProofNotReady while the event is not in a published checkpoint, and
        LogInconsistent when tiles, entry or evidence were changed: no wrong proof is given out.
        """
        with self._database.transaction(scope) as connection:
            row = connection.execute(_EVENT, (event_id,)).fetchone()
            if row is None:
                raise NotFound("There is no such event.", event_id=event_id)
            if row["position"] is None:
                raise ProofNotReady("The event is not in the log yet.", event_id=event_id)
            position = int(row["position"])
            standing = self._source.standing(connection, position)
        personal = self._personal.of(scope, [row["entry"]], disclose)
        with no_wrong_proof(event_id=event_id):
            bundle = build_bundle(
                row["entry"],
                position,
                standing.note,
                self._source.reader(standing),
                standing.anchor(),
                personal,
            )
        return EventProof(event_id, position, standing.size, standing.anchored, bundle)

    def prove_many(self, scope: Scope, event_ids: Sequence[str]) -> EventsProof:
        """One proof of several events, in the order of the log; each may be named once.

        Raises ValueInvalid for a repeated id, ProofTooLarge, and what ``prove`` raises.
        """
        require_count(len(event_ids))
        if not event_ids or len(set(event_ids)) != len(event_ids):
            raise ValueInvalid("Name at least one event, and each once.")
        with self._database.transaction(scope) as connection:
            rows = connection.execute(_EVENTS, (list(event_ids),)).fetchall()
            missing = set(event_ids) - {str(row["event_id"]) for row in rows}
            if missing:
                raise NotFound("There is no such event.", event_id=min(missing))
            waiting = [str(row["event_id"]) for row in rows if row["position"] is None]
            if waiting:
                raise ProofNotReady("The event is not in the log yet.", event_id=min(waiting))
            positions = [int(row["position"]) for row in rows]
            standing = self._source.standing(connection, positions[-1])
        entries = [row["entry"] for row in rows]
        require_room(entries)
        personal = self._personal.of(scope, entries)
        reader = self._source.reader(standing)
        with no_wrong_proof(positions=positions):
            bundle = build_batch(
                entries, positions, standing.note, reader, standing.anchor(), personal
            )
        return EventsProof(tuple(positions), standing.size, standing.anchored, bundle)

    def prove_range(
        self,
        scope: Scope,
        start: int,
        end: int,
        limit: int = MAX_ENTRIES,
        progress: Progress = untold,
    ) -> EventsProof:
        """One proof of the entries from ``start`` to before ``end``; for who may see all of them.

        Raises ValueInvalid for an empty range, ProofTooLarge, ProofNotReady beyond what is
        published, LogInconsistent.
        """
        if not 0 <= start < end:
            raise ValueInvalid("A range has a start, and an end after it.", start=start, end=end)
        require_count(end - start, limit)
        entries: list[bytes] = []
        with self._database.transaction(scope) as connection:
            standing = self._source.standing(connection, end - 1)
            with connection.cursor(name="range", binary=True) as cursor:
                cursor.itersize = _CHUNK
                cursor.execute(_RANGE, (start, end))
                for row in cursor:
                    if row["position"] != start + len(entries) or row["entry"] is None:
                        break
                    entries.append(row["entry"])
                    if len(entries) % _CHUNK == 0:
                        progress(len(entries))
        if len(entries) != end - start:
            raise LogInconsistent("The feed has a hole.", position=start + len(entries))
        require_room(entries)
        personal = self._personal.of(scope, entries)
        reader = self._source.reader(standing)
        with no_wrong_proof(start=start, end=end):
            bundle = build_range(entries, start, standing.note, reader, standing.anchor(), personal)
        return EventsProof(tuple(range(start, end)), standing.size, standing.anchored, bundle)


def policy_text(*log_vkeys: str, witnesses: Policy | None = None) -> bytes:
    """The policy of this log: its keys, and the witnesses and quorum of ``witnesses`` if any.

    Raises MalformedInput when a witness has a key of the log.
    """
    policy = witnesses or Policy()
    logs = [check_log_key(parse_vkey(text)) for text in log_vkeys]
    own = {key.key for key in logs}
    if any(key.key in own for key in policy.witnesses.values()):
        raise MalformedInput("a key of the log cannot be its witness")
    return encode_policy(replace(policy, logs=logs))


def signed_keys(database: Database, origin: str, signers: Sequence[NoteSigner]) -> bytes:
    """The ``keys`` file: every announced event key and its validity, signed by the log's keys."""
    with database.transaction(Scope.sequencer()) as connection:
        rows = connection.execute(
            "SELECT public_key, first_position, last_position FROM event_keys"
            " ORDER BY first_position, key_id"
        ).fetchall()
    keys = tuple(
        EventKey(bytes.fromhex(row["public_key"]), row["first_position"], row["last_position"])
        for row in rows
    )
    return write_event_keys(EventKeys(origin, keys), signers)


def trust_in(database: Database, chain_id: int, registry: str) -> Trust:
    """The trust file of someone who takes this platform's word for a registry's final blocks.

    For demonstrations: a careful reader compares the hashes with a node of their own. Anchors in
    another registry need a trust file of their own.
    """
    with database.transaction(Scope.auditor()) as connection:
        rows = connection.execute(
            "SELECT evidence_block, evidence_block_hash FROM anchors"
            " WHERE state = 'FINAL' AND chain_id = %s AND lower(registry) = lower(%s)",
            (chain_id, registry),
        ).fetchall()
    blocks = {
        int(row["evidence_block"]): bytes.fromhex(row["evidence_block_hash"].removeprefix("0x"))
        for row in rows
    }
    return Trust(chain_id, bytes.fromhex(registry.removeprefix("0x")), blocks)
