"""Bundles on disk, each verified as a stranger would, and some tampered with."""

from pathlib import Path

from anchoring.batch_proof import parse_batch_proof
from anchoring.bundle import (
    ANCHOR_SUFFIX,
    EVENT_SUFFIX,
    AnyBundle,
    Bundle,
    EventsBundle,
    build_batch,
    read_any_bundle,
    read_bundle,
    write_bundle,
)
from anchoring.checkpoint import parse_checkpoint
from anchoring.events_file import parse_events
from anchoring.policy import parse_policy
from anchoring.report import Report, Status
from anchoring.stream_proof import StreamProof, parse_stream_proof
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from anchoring.trust import parse_trust
from anchoring.verifier import TrustInputs, verify_bundle
from backend.kernel.errors import DomainError, ErrorCode

VERIFIED, FAILED, MALFORMED = 0, 1, 2


class ProofRefused(DomainError):
    """A proof that must verify did not, or one that must not did."""

    code = ErrorCode.LOG_INCONSISTENT


def read_inputs(folder: Path) -> TrustInputs:
    """The trust inputs that lie beside the bundles."""
    return TrustInputs(
        policy=parse_policy((folder / "policy.txt").read_bytes()),
        keys=(folder / "keys").read_bytes(),
        trust=parse_trust((folder / "trust").read_bytes()),
        rpc=None,
    )


def write(folder: Path, name: str, bundle: AnyBundle) -> Path:
    """Write one bundle, replacing an older one of the name; returns what to verify."""
    return write_bundle(folder, name, bundle)


def verify_all(folder: Path, proofs: list[Path]) -> int:
    """Verify every bundle with the files on disk. Raises ProofRefused for the first that fails."""
    inputs = read_inputs(folder)
    for proof in proofs:
        _require_verified(proof.name, verify_bundle(read_any_bundle(proof)[0], inputs))
    return len(proofs)


def verify(folder: Path, proof: Path) -> str:
    """Verify a bundle of many entries; returns what it shows. Raises ProofRefused."""
    report = verify_bundle(read_any_bundle(proof)[0], read_inputs(folder))
    _require_verified(proof.name, report)
    checks = {each.check: each.detail for each in report.verdicts}
    return checks.get("completeness") or checks["inclusion"]


def witnesses(folder: Path, proof: Path) -> str:
    """What a bundle's verification says of witnesses."""
    report = verify_bundle(read_any_bundle(proof)[0], read_inputs(folder))
    return next(each.detail for each in report.verdicts if each.check == "witnesses")


def withhold_last(log: DirectoryStore, folder: Path, stream: Path) -> str:
    """Prove a stream anew without its last event; only its completeness may fail, and must.

    Returns the verdict. Raises ProofRefused when it is accepted, or refused for another reason.
    """
    whole, _ = read_any_bundle(stream)
    if not isinstance(whole, EventsBundle) or whole.stream is None:
        raise ProofRefused(f"{stream.name} is not a stream bundle.")
    report = verify_bundle(_without_last(log, whole, whole.stream), read_inputs(folder))
    refused = [each for each in report.verdicts if each.status is not Status.OK]
    if report.exit_code != FAILED or [each.check for each in refused] != ["completeness"]:
        raise ProofRefused(f"A withheld last event was not refused as such: {report.overall}.")
    return f"{report.overall} (exit {report.exit_code}): {refused[0].detail}"


def _without_last(log: DirectoryStore, whole: EventsBundle, stream: bytes) -> EventsBundle:
    entries = parse_events(whole.events)
    claimed, proof = parse_stream_proof(stream), parse_batch_proof(whole.proof)
    del entries[-2]
    positions = [*proof.indices[:-2], proof.indices[-1]]
    size = parse_checkpoint(proof.checkpoint)[0].size
    shorter = build_batch(entries, positions, proof.checkpoint, TileReader(log, size))
    less = StreamProof(claimed.tenant_id, claimed.stream_id, claimed.count - 1, claimed.path)
    return EventsBundle(shorter.events, shorter.proof, whole.anchor, less.encode())


def _require_verified(name: str, report: Report) -> None:
    if report.exit_code != VERIFIED:
        raise ProofRefused(f"{name} is {report.overall}, not verified.")


def tamper(folder: Path, proof: Path) -> dict[str, str]:
    """Change one byte of each of the three files in turn; each must be refused.

    Returns the verdict by file. Raises ProofRefused when one is accepted.
    """
    inputs = read_inputs(folder)
    whole = read_bundle(proof)
    parts = {EVENT_SUFFIX: whole.event, ".tlog-proof": whole.proof, ANCHOR_SUFFIX: whole.anchor}
    verdicts = {}
    for suffix, data in parts.items():
        if data is None:
            continue
        changed = {**parts, suffix: _flip(data, len(data) // 2)}
        bundle = Bundle(
            changed[EVENT_SUFFIX] or b"", changed[".tlog-proof"] or b"", changed[ANCHOR_SUFFIX]
        )
        report = verify_bundle(bundle, inputs)
        if report.exit_code not in (FAILED, MALFORMED):
            raise ProofRefused(f"A changed {suffix} file was not refused: {report.overall}.")
        verdicts[suffix] = f"{report.overall} (exit {report.exit_code})"
    return verdicts


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
