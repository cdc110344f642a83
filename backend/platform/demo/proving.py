"""Bundles on disk, each verified as a stranger would, and one tampered with."""

from pathlib import Path

from anchoring.bundle import (
    ANCHOR_SUFFIX,
    EVENT_SUFFIX,
    Bundle,
    read_bundle,
    write_bundle,
)
from anchoring.policy import parse_policy
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


def write(folder: Path, name: str, event: bytes, proof: bytes, anchor: bytes | None) -> Path:
    """Write one bundle, replacing an older one of the name."""
    return write_bundle(folder, name, Bundle(event, proof, anchor))


def verify_all(folder: Path, proofs: list[Path]) -> int:
    """Verify every bundle with the files on disk. Raises ProofRefused for the first that fails."""
    inputs = read_inputs(folder)
    for proof in proofs:
        report = verify_bundle(read_bundle(proof), inputs)
        if report.exit_code != VERIFIED:
            raise ProofRefused(f"{proof.name} is {report.overall}, not verified.")
    return len(proofs)


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
