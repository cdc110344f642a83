"""Proof bundles on disk: NAME.event, NAME.tlog-proof, NAME.anchor, and the trust inputs.

``policy.txt``, ``keys`` and ``trust`` may lie beside a proof for convenience. They are then the
word of whoever gave the bundle; a careful reader brings their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.ethproof import AnchorEvidence
from anchoring.merkle import HashReader, leaf_hash
from anchoring.merkle_proof import prove_inclusion, verify_inclusion
from anchoring.tlog_proof import TlogProof

PROOF_SUFFIX = ".tlog-proof"
EVENT_SUFFIX = ".event"
ANCHOR_SUFFIX = ".anchor"
POLICY_NAME = "policy.txt"
KEYS_NAME = "keys"
TRUST_NAME = "trust"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bytes of one proof: the log entry, its proof, and the chain evidence if there is any."""

    event: bytes
    proof: bytes
    anchor: bytes | None = None


def build_bundle(
    entry: bytes,
    index: int,
    checkpoint: bytes,
    reader: HashReader,
    anchor: AnchorEvidence | None = None,
) -> Bundle:
    """Build and verify a bundle for the entry at ``index`` under a signed checkpoint.

    Raises VerificationFailed when the storage's hashes do not lead from the entry to the
    checkpoint's root, or the evidence is for another checkpoint: a wrong proof is never given
    out.
    """
    head, _ = parse_checkpoint(checkpoint)
    hashes = prove_inclusion(index, head.size, reader)
    verify_inclusion(leaf_hash(entry), index, head.size, hashes, head.root)
    if anchor is not None and (anchor.size, anchor.root) != (head.size, head.root):
        raise VerificationFailed("anchor", "the evidence is for another checkpoint")
    proof = TlogProof(index, tuple(hashes), checkpoint).encode()
    return Bundle(entry, proof, None if anchor is None else anchor.encode())


def write_bundle(folder: Path, name: str, bundle: Bundle) -> Path:
    """Write the bundle's files into ``folder``; returns the path of the proof."""
    if not name or Path(name).name != name:
        raise MalformedInput(f"{name!r} cannot name a bundle")
    folder.mkdir(parents=True, exist_ok=True)
    proof = folder / (name + PROOF_SUFFIX)
    (folder / (name + EVENT_SUFFIX)).write_bytes(bundle.event)
    proof.write_bytes(bundle.proof)
    if bundle.anchor is not None:
        (folder / (name + ANCHOR_SUFFIX)).write_bytes(bundle.anchor)
    return proof


def write_trust_inputs(folder: Path, policy: bytes, keys: bytes, trust: bytes | None) -> None:
    """Write ``policy.txt``, ``keys`` and, where a block is trusted, ``trust``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POLICY_NAME).write_bytes(policy)
    (folder / KEYS_NAME).write_bytes(keys)
    if trust is not None:
        (folder / TRUST_NAME).write_bytes(trust)


def beside(proof: Path, suffix: str) -> Path:
    """Return the path of the bundle's other file, by suffix."""
    name = proof.name.removesuffix(PROOF_SUFFIX)
    return proof.with_name(name + suffix)


def read_file(path: Path, what: str) -> bytes:
    """Return a file's bytes; raises MalformedInput naming ``what`` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"cannot read {what} {path}: {error.strerror}") from error


def read_bundle(proof: Path, event: Path | None = None, anchor: Path | None = None) -> Bundle:
    """Read a bundle; files not named are looked for beside the proof.

    The evidence may be absent unless it is named. Raises MalformedInput.
    """
    proof_bytes = read_file(proof, "the proof")
    event_bytes = read_file(event or beside(proof, EVENT_SUFFIX), "the event")
    anchor_path = anchor or beside(proof, ANCHOR_SUFFIX)
    if anchor is None and not anchor_path.exists():
        return Bundle(event_bytes, proof_bytes)
    return Bundle(event_bytes, proof_bytes, read_file(anchor_path, "the anchor"))
