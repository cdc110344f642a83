"""The verifier of proof bundles: reads everything, trusts only what the user names.

Six sub-verdicts, each on its own, so that one failure does not hide another:

* ``entry``: the event is canonical, of the log's origin;
* ``signature``: signed by an event key that the log's ``keys`` file lists for this index;
* ``inclusion``: the entry stands at its index of the checkpoint's tree;
* ``checkpoint``: signed by the log;
* ``witnesses``: cosigned as the policy asks;
* ``anchor``: the registry on chain held exactly this checkpoint at a block that is trusted.

Two profiles. ``tallystick``: canonical encodings, no ``extra``, no extension line, and every
signature line known, valid and there once, so any changed byte of the three files is refused.
``c2sp``: foreign proofs as the C2SP specifications say; unknown lines are ignored and counted,
and the event is bytes without a meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from anchoring.bundle import Bundle
from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.cosignature import verifiers_for
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
from anchoring.ethproof import AnchorEvidence, parse_anchor, verify_anchor
from anchoring.keys import EventKey, parse_event_keys
from anchoring.merkle import leaf_hash
from anchoring.merkle_proof import verify_inclusion
from anchoring.note import Note, OpenedNote, open_note
from anchoring.policy import Policy
from anchoring.report import CHECKS, Report, Status, Verdict
from anchoring.rpc import Rpc, chain_id, get_block, read_data, read_quantity
from anchoring.tlog_proof import TlogProof, parse_tlog_proof
from anchoring.trust import Trust


class Profile(StrEnum):
    """How strictly a bundle is read."""

    TALLYSTICK = "tallystick"
    C2SP = "c2sp"


@dataclass(frozen=True, slots=True)
class TrustInputs:
    """What the user takes as given.

    ``keys`` are the bytes of a ``keys`` file (checked against the log keys of the policy).
    ``trust`` names the registry and blocks; ``rpc`` a node that the user trusts for blocks.
    """

    policy: Policy
    keys: bytes | None = None
    trust: Trust | None = None
    rpc: Rpc | None = None


def verify_bundle(
    bundle: Bundle, inputs: TrustInputs, profile: Profile = Profile.TALLYSTICK
) -> Report:
    """Check a bundle completely; never raises for what the bundle's bytes hold."""
    return _Verification(bundle, inputs, profile).run()


def choose_profile(bundle: Bundle, keys: bytes | None) -> Profile:
    """Return the profile to use when the user names none.

    Strict whenever event keys are given or the event has our form, so that no change of a byte
    can choose the lenient reading for a reader who holds the keys.
    """
    if keys is not None:
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

    bundle: Bundle
    inputs: TrustInputs
    profile: Profile
    facts: dict[str, str | int | None] = field(default_factory=dict)
    entry: ParsedEntry | None = None
    proof: TlogProof | None = None
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
        ignored = len(self.opened.unknown) if self.opened else 0
        return Report(tuple(found[check] for check in CHECKS), self.facts, ignored)

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

    def _check_inclusion(self) -> str:
        proof = parse_tlog_proof(self.bundle.proof)
        checkpoint, note = parse_checkpoint(proof.checkpoint)
        if self.is_strict and (proof.extra is not None or checkpoint.extensions):
            raise MalformedInput("our proofs have no extra line and no extension lines")
        self.proof, self.checkpoint, self.note = proof, checkpoint, note
        leaf = leaf_hash(self.bundle.event)
        self.facts |= {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "index": proof.index,
            "leaf_hash": leaf.hex(),
        }
        verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
        return f"entry {proof.index} of {checkpoint.size}"

    def _check_checkpoint(self) -> str:
        checkpoint, note = self._require_checkpoint()
        policy = self.inputs.policy
        log_keys = policy.log_keys(checkpoint.origin)
        if not log_keys:
            raise VerificationFailed("checkpoint", "the policy knows no log of this origin")
        witnesses = list(policy.witnesses.values())
        own = {key.key for key in policy.logs}
        opened = open_note(
            note, verifiers_for([*log_keys, *(key for key in witnesses if key.key not in own)])
        )
        self.opened = opened
        signed = [key for key in log_keys if opened.signed_by(key)]
        if not signed:
            raise VerificationFailed("checkpoint", "no log key of the policy signed it")
        if self.is_strict:
            self._require_all_lines(opened)
            if {key.algorithm for key in signed} != {key.algorithm for key in log_keys}:
                raise VerificationFailed("checkpoint", "a signature of the log's is missing")
        return f"signed by {checkpoint.origin}"

    @staticmethod
    def _require_all_lines(opened: OpenedNote) -> None:
        if opened.unknown:
            name = opened.unknown[0].name
            raise VerificationFailed("checkpoint", f"the signature line of {name} is unknown")
        if opened.repeated:
            raise VerificationFailed("checkpoint", "a signature line is there twice")

    def _check_witnesses(self) -> str:
        if self.opened is None:
            raise _Skipped("the checkpoint's signatures did not verify")
        policy = self.inputs.policy
        signed = [key for key, _ in self.opened.verified]
        names = sorted(name.decode("utf-8", "replace") for name in policy.cosigned(signed))
        self.facts["witnesses"] = ", ".join(names)
        if not policy.is_met(signed):
            raise PolicyNotMet(f"the quorum is not reached: {', '.join(names) or 'no witness'}")
        if policy.quorum is None:
            return f"the policy asks for none; {len(names)} signed"
        return f"quorum reached by {', '.join(names)}"

    def _check_entry(self) -> str:
        if not self.is_strict:
            raise _Skipped("a foreign entry: its bytes are not interpreted")
        self.entry = parse_entry(self.bundle.event)
        envelope = self.entry.envelope
        self.facts |= {
            "event_id": envelope.event_id,
            "type": envelope.type,
            "stream": f"{envelope.stream_id}@{envelope.stream_version}",
            "recorded_at": envelope.recorded_at,
        }
        if self.checkpoint is not None and envelope.origin != self.checkpoint.origin:
            raise VerificationFailed("entry", "the event is of another log")
        return f"{envelope.type}, {envelope.stream_id} version {envelope.stream_version}"

    def _check_signature(self) -> str:
        if not self.is_strict:
            raise _Skipped("a foreign entry: it has no signature that we know")
        if self.entry is None or self.proof is None:
            raise _Skipped("the entry or the proof is malformed")
        key = self._find_event_key(self.entry.envelope.key_id, self.proof.index)
        verify_entry(self.entry, key.verifier)
        return f"by event key {key.key_id}"

    def _find_event_key(self, key_id: str, index: int) -> EventKey:
        checkpoint, _ = self._require_checkpoint()
        if self.inputs.keys is None:
            raise UnknownKey("no keys file is given")
        keys, note = parse_event_keys(self.inputs.keys)
        if keys.origin != checkpoint.origin:
            raise VerificationFailed("signature", "the keys file is of another log")
        open_note(note, verifiers_for(self.inputs.policy.log_keys(keys.origin)))
        return keys.lookup(key_id, index)

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


def confirm_evidence(
    evidence: AnchorEvidence, code_hash: bytes, trust: Trust | None, rpc: Rpc | None
) -> str:
    """Tie evidence that holds in itself to a trusted registry and block; returns by what.

    Raises NotAnchored when nothing trusted speaks of the block, VerificationFailed("anchor")
    when something trusted contradicts it.
    """
    if trust is None:
        raise NotAnchored("no trusted registry: give a trust file")
    if evidence.chain_id != trust.chain_id:
        raise VerificationFailed("anchor", f"the evidence is of chain {evidence.chain_id}")
    if evidence.registry != trust.registry:
        raise VerificationFailed("anchor", "the evidence is of another registry")
    if trust.code_hash is not None and trust.code_hash != code_hash:
        raise VerificationFailed("anchor", "the registry has other code than the trusted one")
    sources: list[str] = []
    trusted = trust.blocks.get(evidence.block_number)
    if trusted is not None:
        if trusted != evidence.block_hash:
            raise VerificationFailed("anchor", "the block has another hash than the trusted one")
        sources.append("the trust file")
    if rpc is not None:
        _confirm_by_rpc(evidence, rpc)
        sources.append("the chain node")
    if not sources:
        raise NotAnchored(f"block {evidence.block_number} is not among the trusted blocks")
    return " and ".join(sources)


def _confirm_by_rpc(evidence: AnchorEvidence, rpc: Rpc) -> None:
    if chain_id(rpc) != evidence.chain_id:
        raise VerificationFailed("anchor", "the chain node serves another chain")
    block = get_block(rpc, evidence.block_number)
    if read_data(block.get("hash"), "block hash", 32) != evidence.block_hash:
        raise VerificationFailed("anchor", "the chain has another block at this number")
    final = read_quantity(get_block(rpc, "finalized").get("number"), "finalized block number")
    if final < evidence.block_number:
        raise NotAnchored(f"block {evidence.block_number} is not final yet (final: {final})")
