"""What the cases are made of, and the judge: the verdicts that ``tally verify`` comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anchoring.bundle import AnyBundle, Bundle, EventsBundle
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.envelope import EVENT_CONTEXT, encode_event
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.merkle import leaf_hash
from anchoring.note import NoteSigner
from anchoring.policy import parse_policy
from anchoring.proof_kinds import ProofKind, proof_kind
from anchoring.report import Report
from anchoring.tlog_proof import TlogProof
from anchoring.trust import parse_trust
from anchoring.verifier import Profile, TrustInputs, choose_profile, verify_bundle
from tests.anchoring.support import EVENT_SIGNER, LOG_SIGNER, ORIGIN, WITNESS, envelope

FILES = ("event", "proof", "anchor", "policy", "keys", "trust")
Files = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Case:
    """``files`` replace those of the base; None takes one away."""

    name: str
    base: str
    files: Files = field(default_factory=dict)
    profile: str | None = None


def judge(files: Files, profile: str | None = None) -> dict[str, Any]:
    """What ``tally verify`` makes of these files: its verdicts, or why it refuses to start."""
    try:
        policy = parse_policy(_required(files, "policy"))
        bundle = read_bundle(files)
        keys = files.get("keys")
        used = Profile(profile) if profile else choose_profile(bundle, keys)
        if used is Profile.TALLYSTICK and keys is None:
            raise MalformedInput("no keys file: give --keys")
        trust_bytes = files.get("trust")
        trust = None if trust_bytes is None else parse_trust(trust_bytes)
    except AnchoringError as error:
        return {"refused": str(error)}
    return document(verify_bundle(bundle, TrustInputs(policy, keys, trust), used))


def document(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {
        "exit_code": report.exit_code,
        "overall": report.overall,
        "verdicts": {
            verdict.check: [verdict.status.value, verdict.detail] for verdict in report.verdicts
        },
    }
    if report.ignored_signatures:
        found["ignored"] = report.ignored_signatures
    if report.exit_code == 0:
        found["facts"] = {name: str(value) for name, value in report.facts.items()}
    return found


def read_bundle(files: Files) -> AnyBundle:
    """The bundle that the files make, as the command line puts it together from a folder."""
    stream, anchor, personal = files.get("stream"), files.get("anchor"), files.get("personal")
    entries = _required(files, "events" if wants_events(files) else "event")
    proof = _required(files, "proof")
    erasures = tuple(
        Bundle(_required(files, f"{name}.event"), _required(files, f"{name}.tlog-proof"))
        for name in ("erasure", "erasure-2")
        if files.get(f"{name}.event") or files.get(f"{name}.tlog-proof")
    )
    if wants_events(files):
        return EventsBundle(entries, proof, anchor, stream, personal, erasures)
    return Bundle(entries, proof, anchor, personal, erasures)


def wants_events(files: Files) -> bool:
    """Whether several entries are proven; a proof of no known kind is what lies beside it."""
    try:
        kind = proof_kind(files.get("proof") or b"")
    except MalformedInput:
        has_events = files.get("events") is not None and not files.get("event")
        return files.get("stream") is not None or has_events
    return files.get("stream") is not None or kind is not ProofKind.ENTRY


def _required(files: Files, name: str) -> bytes:
    data = files.get(name)
    if data is None:
        raise MalformedInput(f"no {name} file: give --{name}")
    return data


def one_leaf(
    entry: bytes, signers: tuple[NoteSigner, ...] = (LOG_SIGNER, WITNESS), **changes: Any
) -> bytes:
    """The proof of ``entry`` in a log of one entry, honestly signed."""
    checkpoint = Checkpoint(
        changes.get("origin", ORIGIN), 1, leaf_hash(entry), changes.get("extensions", ())
    )
    signed = sign_checkpoint(checkpoint, list(signers))
    return TlogProof(0, (), signed, changes.get("extra")).encode()


def raw_entry(event: bytes) -> bytes:
    """An entry around any bytes, with a signature that holds for them."""
    signature = EVENT_SIGNER.sign(EVENT_CONTEXT + event).hex()
    return b'{"event":' + event + b',"signature":"' + signature.encode() + b'"}'


def event_text(**changes: Any) -> bytes:
    """The JSON of an event whose members are replaced (None stays null, ... takes one away)."""
    document = json.loads(encode_event(envelope(1)))
    document |= changes
    kept = {name: value for name, value in document.items() if value is not ...}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
