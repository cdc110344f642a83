"""An auditor's cosignature: who checked a whole log adds a line to its checkpoint.

A plain witness vouches only that the log was extended. The line made here is the same in form
(c2sp.org/tlog-cosignature, Ed25519) but by a key that is used for nothing else, so it says what
its owner promises to do before it signs: hash every entry, check every signature and stream, and
compute the index of streams again at every commitment. Whoever trusts the auditor lists that key
in a policy, and a proof of completeness is then as good as the auditor.
"""

from __future__ import annotations

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import VerificationFailed
from anchoring.log_report import INDEX_CHECK, LogReport
from anchoring.note import Note, NoteSignature, NoteSigner


def cosign_checked(signed: bytes, report: LogReport, cosigner: NoteSigner) -> bytes:
    """Return the checkpoint ``signed`` with the cosigner's line, the last one of that key.

    Raises VerificationFailed unless ``report`` is of this checkpoint, found no problem, and at
    least one commitment to the index was recomputed.
    """
    checkpoint, note = parse_checkpoint(signed)
    if report.problem is not None:
        raise VerificationFailed(report.problem.check, "a log with a problem is not cosigned")
    checked = (report.origin, report.size, report.root)
    if checked != (checkpoint.origin, checkpoint.size, checkpoint.root.hex()):
        raise VerificationFailed("checkpoint", "another checkpoint was checked")
    if not report.indexes:
        raise VerificationFailed(
            INDEX_CHECK, "the log has no commitment to its index: there is nothing to vouch for"
        )
    key = cosigner.vkey
    others = [
        line for line in note.signatures if (line.name, line.key_id) != (key.name, key.key_id)
    ]
    line = NoteSignature(key.name, key.key_id, cosigner.sign(note.text.encode()))
    return Note(note.text, (*others, line)).encode()
