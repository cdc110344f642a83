"""The verifier of proof bundles: reads everything, trusts only what the user names.

Sub-verdicts, each on its own, so that one failure does not hide another:

* ``entry``: every event is canonical, of the log's origin;
* ``signature``: signed by an event key that the log's ``keys`` file lists for its index;
* ``inclusion``: the entries stand at their indices of the checkpoint's tree;
* ``checkpoint``: signed by the log;
* ``witnesses``: cosigned as the policy asks;
* ``anchor``: the registry on chain held exactly this checkpoint at a block that is trusted;
* ``completeness`` (stream proofs): the events are all of their stream;
* ``personal`` (events with personal data): which values are shown, and which were erased.

Two profiles. ``tallystick``: canonical encodings, no ``extra``, no extension line, and every
signature line known, valid and there once, so any changed byte of the bundle is refused.
``c2sp``: foreign proofs as the C2SP specifications say; unknown lines are ignored and counted,
and the event is bytes without a meaning.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from anchoring.bundle_files import AnyBundle, Bundle
from anchoring.chain_trust import confirm_evidence
from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.commitment import ERASURE_EVENT, PERSONAL_MEMBER, parse_erasure, personal_fields
from anchoring.disclosure import VerifiedErasure, judge_personal, parse_disclosure
from anchoring.envelope import ParsedEntry, parse_entry, verify_entry
from anchoring.errors import (
    AnchoringError,
    MalformedInput,
    NotAnchored,
    PolicyNotMet,
    RpcError,
    UnknownKey,
    VerificationFailed,
)
from anchoring.ethproof import parse_anchor, verify_anchor
from anchoring.events_file import parse_events
from anchoring.head_check import (
    check_log_signed,
    check_quorum,
    cosigners,
    open_checkpoint,
    open_event_keys,
)
from anchoring.merkle import leaf_hashes
from anchoring.note import Note, OpenedNote
from anchoring.proof_kinds import Claim, ProofKind, proof_kind, read_claim, read_entry_claim
from anchoring.report import CHECKS, EXTRA_CHECKS, Report, Status, Verdict
from anchoring.stream_proof import parse_stream_proof, verify_stream
from anchoring.verifier_inputs import Asked, Profile, TrustInputs

__all__ = ["Asked", "Profile", "TrustInputs", "choose_profile", "verify_bundle"]

_ANY_STREAM = Asked()


def verify_bundle(
    bundle: AnyBundle,
    inputs: TrustInputs,
    profile: Profile = Profile.TALLYSTICK,
    asked: Asked | None = None,
) -> Report:
    """Check a bundle completely; never raises for what the bundle's bytes hold.

    ``asked`` names the stream that a stream proof must be of.
    """
    return _Verification(bundle, inputs, profile, asked or _ANY_STREAM).run()


def choose_profile(bundle: AnyBundle, keys: bytes | None) -> Profile:
    """Return the profile to use when the user names none.

    Strict whenever event keys are given, the event has our form, or the proof is of a kind that
    only we have, so that no change of a byte can choose the lenient reading for a reader who
    holds the keys.
    """
    if keys is not None or not isinstance(bundle, Bundle):
        return Profile.TALLYSTICK
    try:
        parse_entry(bundle.event)
    except MalformedInput:
        return Profile.C2SP
    return Profile.TALLYSTICK


class _Skipped(AnchoringError):
    """A check could not run because what it needs was refused before."""


_STATUS_OF: tuple[tuple[type[AnchoringError], Status], ...] = (
    (MalformedInput, Status.MALFORMED),
    (VerificationFailed, Status.FAILED),
    (UnknownKey, Status.FAILED),
    (PolicyNotMet, Status.NOT_MET),
    (NotAnchored, Status.NOT_ANCHORED),
    (RpcError, Status.NOT_ANCHORED),
    (_Skipped, Status.NOT_CHECKED),
)


@dataclass
class _Verification:
    """One run: what earlier checks established is kept for the later ones."""

    bundle: AnyBundle
    inputs: TrustInputs
    profile: Profile
    asked: Asked = _ANY_STREAM
    facts: dict[str, str | int | None] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    entries: list[ParsedEntry] | None = None
    claim: Claim | None = None
    note: Note | None = None
    checkpoint: Checkpoint | None = None
    opened: OpenedNote | None = None

    def run(self) -> Report:
        steps: dict[str, Callable[[], str]] = {
            "inclusion": self._check_inclusion,
            "checkpoint": self._check_checkpoint,
            "witnesses": self._check_witnesses,
            "entry": self._check_entry,
            "signature": self._check_signature,
            "anchor": self._check_anchor,
        }
        found = {check: self._judge(check, step) for check, step in steps.items()}
        if self._stream is not None:
            found["completeness"] = self._judge("completeness", self._check_completeness)
        if self._has_personal():
            found["personal"] = self._judge("personal", self._check_personal)
        ignored = len(self.opened.unknown) if self.opened else 0
        ordered = (found[check] for check in (*CHECKS, *EXTRA_CHECKS) if check in found)
        return Report(tuple(ordered), self.facts, ignored)

    def _judge(self, check: str, step: Callable[[], str]) -> Verdict:
        try:
            return Verdict(check, Status.OK, step())
        except AnchoringError as error:
            for kind, status in _STATUS_OF:
                if isinstance(error, kind):
                    return Verdict(check, status, str(error))
            raise

    @property
    def is_strict(self) -> bool:
        return self.profile is Profile.TALLYSTICK

    @property
    def is_single(self) -> bool:
        return isinstance(self.bundle, Bundle)

    @property
    def _stream(self) -> bytes | None:
        return None if isinstance(self.bundle, Bundle) else self.bundle.stream

    def _check_inclusion(self) -> str:
        claim = self._read_claim()
        checkpoint, note = parse_checkpoint(claim.checkpoint)
        if self.is_strict and (claim.has_extra or checkpoint.extensions):
            raise MalformedInput("our proofs have no extra line and no extension lines")
        self.claim, self.checkpoint, self.note = claim, checkpoint, note
        self.facts |= {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
        }
        self.leaves = leaf_hashes(self._read_entries())
        count, first, last = len(claim.indices), claim.indices[0], claim.indices[-1]
        if len(self.leaves) != count:
            raise MalformedInput(f"{len(self.leaves)} entries lie beside a proof of {count}")
        if self.is_single:
            self.facts |= {"index": first, "leaf_hash": self.leaves[0].hex()}
        else:
            self.facts |= {"entries": count, "first_index": first, "last_index": last}
        claim.check(self.leaves, checkpoint)
        if self.is_single:
            return f"entry {first} of {checkpoint.size}"
        return f"{count} entries, {first} to {last}, of {checkpoint.size}"

    def _read_claim(self) -> Claim:
        if self.is_single:
            return read_entry_claim(self.bundle.proof)
        kind = proof_kind(self.bundle.proof)
        if kind is ProofKind.ENTRY:
            raise MalformedInput("many entries cannot have the proof of one")
        if self._stream is not None and kind is not ProofKind.BATCH:
            raise MalformedInput("a stream's entries are proven by a batch proof")
        return read_claim(self.bundle.proof)

    def _read_entries(self) -> list[bytes]:
        if not self.raw:
            if isinstance(self.bundle, Bundle):
                self.raw = [self.bundle.event]
            else:
                self.raw = parse_events(self.bundle.events)
        return self.raw

    def _check_checkpoint(self) -> str:
        checkpoint, note = self._require_checkpoint()
        self.opened = open_checkpoint(checkpoint, note, self.inputs.policy)
        check_log_signed(self.opened, checkpoint, self.inputs.policy, self.is_strict)
        return f"signed by {checkpoint.origin}"

    def _check_witnesses(self) -> str:
        if self.opened is None:
            raise _Skipped("the checkpoint's signatures did not verify")
        names = cosigners(self.opened, self.inputs.policy)
        self.facts["witnesses"] = ", ".join(names)
        check_quorum(self.opened, self.inputs.policy)
        if self.inputs.policy.quorum is None:
            return f"the policy asks for none; {len(names)} signed"
        return f"quorum reached by {', '.join(names)}"

    def _check_entry(self) -> str:
        if not self.is_strict:
            raise _Skipped("a foreign entry: its bytes are not interpreted")
        raw = self._read_entries()
        entries: list[ParsedEntry] = []
        self._for_each(len(raw), lambda number: entries.append(parse_entry(raw[number])))
        self.entries = entries
        if self.is_single:
            self._note_envelope(entries[0])
        self._for_each(len(entries), lambda number: self._require_origin(entries[number]))
        if not self.is_single:
            return f"{len(entries)} entries"
        envelope = entries[0].envelope
        return f"{envelope.type}, {envelope.stream_id} version {envelope.stream_version}"

    def _note_envelope(self, entry: ParsedEntry) -> None:
        envelope = entry.envelope
        self.facts |= {
            "event_id": envelope.event_id,
            "type": envelope.type,
            "stream": f"{envelope.stream_id}@{envelope.stream_version}",
            "recorded_at": envelope.recorded_at,
        }

    def _require_origin(self, entry: ParsedEntry) -> None:
        if self.checkpoint is not None and entry.envelope.origin != self.checkpoint.origin:
            raise VerificationFailed("entry", "the event is of another log")

    def _for_each(self, count: int, step: Callable[[int], object]) -> None:
        """Run ``step`` for each entry; of many, the first that is refused is named."""
        for number in range(count):
            try:
                step(number)
            except AnchoringError as error:
                if self.is_single:
                    raise
                raise _named(error, self._place(number)) from error

    def _place(self, number: int) -> str:
        if self.claim is not None and number < len(self.claim.indices):
            return f"entry {self.claim.indices[number]}"
        return f"entry number {number + 1} of the file"

    def _check_signature(self) -> str:
        if not self.is_strict:
            raise _Skipped("a foreign entry: it has no signature that we know")
        entries, claim = self.entries, self.claim
        if entries is None or claim is None:
            raise _Skipped("the entry or the proof is malformed")
        if len(entries) != len(claim.indices):
            raise _Skipped("the entries are not as many as the proof's indices")
        checkpoint, _ = self._require_checkpoint()
        keys = open_event_keys(self.inputs.keys, checkpoint, self.inputs.policy)
        used: dict[str, None] = {}

        def check(number: int) -> None:
            key = keys.lookup(entries[number].envelope.key_id, claim.indices[number])
            verify_entry(entries[number], key.verifier)
            used[key.key_id] = None

        self._for_each(len(entries), check)
        by = f"by event key {', '.join(used)}"
        return by if self.is_single else f"{len(entries)} signatures {by}"

    def _check_anchor(self) -> str:
        if self.bundle.anchor is None:
            raise NotAnchored("there is no chain evidence")
        evidence = parse_anchor(self.bundle.anchor)
        checkpoint, _ = self._require_checkpoint()
        if (evidence.size, evidence.root) != (checkpoint.size, checkpoint.root):
            raise VerificationFailed("anchor", "the evidence is for another checkpoint")
        state = verify_anchor(evidence)
        source = confirm_evidence(evidence, state.code_hash, self.inputs.trust, self.inputs.rpc)
        self.facts |= {
            "chain_id": evidence.chain_id,
            "registry": "0x" + evidence.registry.hex(),
            "block_number": evidence.block_number,
            "block_hash": "0x" + evidence.block_hash.hex(),
            "anchored_at": state.time,
        }
        return f"block {evidence.block_number} of chain {evidence.chain_id}, trusted by {source}"

    def _require_checkpoint(self) -> tuple[Checkpoint, Note]:
        if self.checkpoint is None or self.note is None:
            raise _Skipped("the proof is malformed")
        return self.checkpoint, self.note

    def _check_completeness(self) -> str:
        if not self.is_strict:
            raise MalformedInput("a stream proof has a meaning in the profile tallystick only")
        proof = parse_stream_proof(self._stream or b"")
        self.asked.check(proof.tenant_id, proof.stream_id)
        if self.entries is None or self.claim is None or not self.leaves:
            raise _Skipped("the entries or their proof are malformed")
        shown = verify_stream(proof, self.entries, self.leaves, self.claim.indices)
        self.facts |= {
            "tenant": shown.tenant_id,
            "stream": shown.stream_id,
            "count": shown.count,
            "index_size": shown.size,
            "index_position": shown.position,
        }
        return str(shown)

    def _has_personal(self) -> bool:
        if self.bundle.personal is not None or self.bundle.erasures:
            return True
        return any(PERSONAL_MEMBER in entry.envelope.payload for entry in self.entries or ())

    def _check_personal(self) -> str:
        if not self.is_strict:
            raise _Skipped("a foreign entry: its bytes are not interpreted")
        if self.entries is None or self.claim is None:
            raise _Skipped("the entry or the proof is malformed")
        data = self.bundle.personal
        disclosure = {} if data is None else parse_disclosure(data)
        fields = [personal_fields(entry) for entry in self.entries]
        beside = [self._verify_erasure(erasure) for erasure in self.bundle.erasures]
        within = [
            VerifiedErasure(parse_erasure(entry), index)
            for index, entry in zip(self.claim.indices, self.entries, strict=False)
            if entry.envelope.type == ERASURE_EVENT
        ]
        places = () if self.is_single else self.claim.indices
        return "; ".join(judge_personal(fields, disclosure, beside, within, places)) or "no fields"

    def _verify_erasure(self, bundle: Bundle) -> VerifiedErasure:
        """Check an erasure's own bundle as this one; only its anchor may be missing."""
        alone = dataclasses.replace(bundle, personal=None, erasures=())
        run = _Verification(alone, self.inputs, self.profile)
        _require_all(run.run(), "the erasure's ")
        checkpoint, _ = self._require_checkpoint()
        if not run.entries or run.claim is None or run.checkpoint is None:
            raise _Skipped("the erasure is malformed")
        if run.checkpoint.origin != checkpoint.origin:
            raise VerificationFailed("personal", "the erasure is of another log")
        return VerifiedErasure(parse_erasure(run.entries[0]), run.claim.indices[0])


def _named(error: AnchoringError, place: str) -> AnchoringError:
    message = f"{place}: {error}"
    if isinstance(error, VerificationFailed):
        return VerificationFailed(error.check, message)
    return type(error)(message)


def _require_all(report: Report, whose: str) -> None:
    """Raise for the gravest verdict of ``report``; a missing anchor is none."""
    graves: tuple[tuple[Status, Callable[[str], AnchoringError]], ...] = (
        (Status.MALFORMED, MalformedInput),
        (Status.FAILED, lambda message: VerificationFailed("personal", message)),
        (Status.NOT_MET, PolicyNotMet),
    )
    for status, raised in graves:
        for verdict in report.verdicts:
            if verdict.status is status:
                raise raised(f"{whose}{verdict.check}: {verdict.detail}")
