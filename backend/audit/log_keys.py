"""Which keys sign the log's checkpoints now, and which a policy has to list.

The log says it (``log_key.announced``, ``log_key.retired``). A retired key stays in the policy
as long as the algorithm it is of still signs, so that what it signed can be verified; where an
algorithm is given up or newly taken, the checkpoints that are kept for proofs are brought in line,
for a strict reader wants a line of every algorithm the policy lists, and no unknown line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anchoring.checkpoint import parse_checkpoint
from anchoring.note import (
    ALG_ED25519,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    parse_vkey,
)
from backend.eventstore.database import Database
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope

_CHUNK = 500
# What proofs are made under: anchored sizes, and those that may still become one.
_KEPT = """
SELECT size, note FROM checkpoints WHERE size > %s AND (
  size > (SELECT coalesce(max(size), 0) FROM anchors WHERE state = 'FINAL')
  OR EXISTS (SELECT 1 FROM anchors WHERE anchors.size = checkpoints.size))
ORDER BY size LIMIT %s FOR UPDATE OF checkpoints
"""


@dataclass(frozen=True)
class LogKeys:
    """The keys of one log: who signs, whom a policy lists, and whose lines may be there."""

    signers: tuple[NoteSigner, ...]
    listed: tuple[VerifierKey, ...]
    known: tuple[VerifierKey, ...]

    def signers_differ(self, other: "LogKeys") -> bool:
        """Whether other keys sign than ``other`` says."""
        return [each.vkey for each in self.signers] != [each.vkey for each in other.signers]

    @property
    def plain_signers(self) -> tuple[NoteSigner, ...]:
        """Those that can sign any note: an ML-DSA-44 line is over a checkpoint only."""
        return tuple(each for each in self.signers if each.vkey.algorithm == ALG_ED25519)


def read_log_keys(connection: Connection, held: Sequence[NoteSigner]) -> LogKeys:
    """What the log says of its keys, with the signers that are ``held`` here.

    A log that announced none yet is signed by the first key held.
    """
    rows = connection.execute(
        "SELECT vkey, last_size FROM log_keys ORDER BY announced_as DESC"
    ).fetchall()
    known = [parse_vkey(row["vkey"]) for row in rows] or [held[0].vkey]
    active = {row["vkey"] for row in rows if row["last_size"] is None} or {str(held[0].vkey)}
    signers = tuple(each for each in held if str(each.vkey) in active)
    algorithms = {key.algorithm for key in known if str(key) in active}
    listed = tuple(key for key in known if key.algorithm in algorithms)
    return LogKeys(signers, listed, tuple(known))


def bring_in_line(database: Database, lease: Lease, keys: LogKeys) -> int:
    """Give kept checkpoints the lines that the policy asks for; returns how many changed.

    Every one of them was signed by this log before: nothing new is vouched for. Raises LeaseLost.
    """
    changed, position = 0, -1
    while True:
        with database.transaction(Scope.sequencer()) as connection:
            lease.hold(connection)
            rows = connection.execute(_KEPT, (position, _CHUNK)).fetchall()
            for row in rows:
                note = bytes(row["note"])
                wanted = with_lines(note, keys)
                if wanted != note:
                    changed += 1
                    connection.execute(
                        "UPDATE checkpoints SET note = %s WHERE size = %s", (wanted, row["size"])
                    )
        if len(rows) < _CHUNK:
            return changed
        position = rows[-1]["size"]


def with_lines(note: bytes, keys: LogKeys) -> bytes:
    """``note`` without lines of keys that the policy no longer lists, and with those it lacks."""
    parsed = parse_checkpoint(note)[1]
    gone = {_identity(key) for key in keys.known} - {_identity(key) for key in keys.listed}
    kept = [each for each in parsed.signatures if (each.name, each.key_id) not in gone]
    there = {(each.name, each.key_id) for each in kept}
    present = {key.algorithm for key in keys.listed if _identity(key) in there}
    missing = [each for each in keys.signers if each.vkey.algorithm not in present]
    added = [_line(each, parsed.text.encode()) for each in missing]
    if not added and len(kept) == len(parsed.signatures):
        return note
    return Note(parsed.text, (*kept, *added)).encode()


def _identity(key: VerifierKey) -> tuple[str, bytes]:
    return key.name, key.key_id


def _line(signer: NoteSigner, text: bytes) -> NoteSignature:
    return NoteSignature(signer.vkey.name, signer.vkey.key_id, signer.sign(text))
