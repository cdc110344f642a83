"""The signatures on a checkpoint and on a ``keys`` file, as a policy asks for them."""

from __future__ import annotations

from anchoring.checkpoint import Checkpoint
from anchoring.cosignature import verifiers_for
from anchoring.errors import PolicyNotMet, UnknownKey, VerificationFailed
from anchoring.keys import EventKeys, parse_event_keys
from anchoring.note import Note, OpenedNote, open_note
from anchoring.policy import Policy


def open_checkpoint(checkpoint: Checkpoint, note: Note, policy: Policy) -> OpenedNote:
    """Verify the checkpoint's lines; returns them sorted by who signed.

    Raises VerificationFailed when the policy knows no such log, no known key signed, or a line
    of a known key is invalid.
    """
    log_keys = policy.log_keys(checkpoint.origin)
    if not log_keys:
        raise VerificationFailed("checkpoint", "the policy knows no log of this origin")
    own = {key.key for key in policy.logs}
    witnesses = [key for key in policy.witnesses.values() if key.key not in own]
    return open_note(note, verifiers_for([*log_keys, *witnesses]))


def check_log_signed(
    opened: OpenedNote, checkpoint: Checkpoint, policy: Policy, is_strict: bool
) -> None:
    """Raise VerificationFailed("checkpoint") unless the log signed.

    ``is_strict`` also refuses unknown and repeated lines, and a line of the log's that is missing.
    """
    log_keys = policy.log_keys(checkpoint.origin)
    signed = [key for key in log_keys if opened.signed_by(key)]
    if not signed:
        raise VerificationFailed("checkpoint", "no log key of the policy signed it")
    if not is_strict:
        return
    if opened.unknown:
        name = opened.unknown[0].name
        raise VerificationFailed("checkpoint", f"the signature line of {name} is unknown")
    if opened.repeated:
        raise VerificationFailed("checkpoint", "a signature line is there twice")
    if {key.algorithm for key in signed} != {key.algorithm for key in log_keys}:
        raise VerificationFailed("checkpoint", "a signature of the log's is missing")


def cosigners(opened: OpenedNote, policy: Policy) -> list[str]:
    """Return the names of the policy's witnesses that signed, in order."""
    names = policy.cosigned(key for key, _ in opened.verified)
    return sorted(name.decode("utf-8", "replace") for name in names)


def check_quorum(opened: OpenedNote, policy: Policy) -> None:
    """Raise PolicyNotMet unless the witnesses that signed reach the policy's quorum."""
    if not policy.is_met(key for key, _ in opened.verified):
        names = ", ".join(cosigners(opened, policy))
        raise PolicyNotMet(f"the quorum is not reached: {names or 'no witness'}")


def open_event_keys(data: bytes | None, checkpoint: Checkpoint, policy: Policy) -> EventKeys:
    """Return the event keys of the checkpoint's log from its ``keys`` file.

    Raises UnknownKey without a file, MalformedInput, and VerificationFailed when the file is of
    another log or the log did not sign it.
    """
    if data is None:
        raise UnknownKey("no keys file is given")
    keys, note = parse_event_keys(data)
    if keys.origin != checkpoint.origin:
        raise VerificationFailed("signature", "the keys file is of another log")
    open_note(note, verifiers_for(policy.log_keys(keys.origin)))
    return keys
