"""A signed checkpoint and keys file, as they are published, opened with the keys of a policy."""

from __future__ import annotations

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.cosignature import split_timestamp
from anchoring.head_check import check_log_signed, check_quorum, open_event_keys
from anchoring.head_check import open_checkpoint as open_note_of
from anchoring.keys import EventKeys
from anchoring.note import ALG_ED25519, OpenedNote
from anchoring.policy import Policy

__all__ = ["check_quorum", "last_cosigned", "open_checkpoint", "open_keys"]


def open_checkpoint(data: bytes, policy: Policy) -> tuple[Checkpoint, OpenedNote]:
    """Return the checkpoint if a log key of the policy signed it, and every known line is valid.

    Raises MalformedInput and VerificationFailed; whether the quorum is reached is another
    question, see :func:`check_quorum`.
    """
    checkpoint, note = parse_checkpoint(data)
    opened = open_note_of(checkpoint, note, policy)
    check_log_signed(opened, checkpoint, policy, is_strict=False)
    return checkpoint, opened


def open_keys(data: bytes, checkpoint: Checkpoint, policy: Policy) -> EventKeys:
    """Return the event keys if a log key of the policy signed the file for this log.

    Raises MalformedInput and VerificationFailed.
    """
    return open_event_keys(data, checkpoint, policy)


def last_cosigned(opened: OpenedNote, policy: Policy) -> int | None:
    """Return when a witness signed last (seconds since 1970), None when none did."""
    own = {key.key for key in policy.logs}
    times = [
        split_timestamp(line.signature)[0]
        for key, line in opened.verified
        if key.key not in own and key.algorithm != ALG_ED25519
    ]
    return max(times, default=None)
