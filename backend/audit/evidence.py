"""The offline evidence of a final anchor: built from the chain, on disk before it is named."""

import hashlib
import os
from pathlib import Path

from anchoring.ethproof import build_anchor
from backend.audit.chain import NodeAnchorChain
from backend.audit.domain import Pending
from backend.audit.events import AnchorFinalised
from backend.eventstore.errors import LogInconsistent
from backend.kernel.faults import FAULTS


def evidence_path(folder: Path, size: int, digest: str) -> Path:
    """Where the evidence of an anchor lies, named by size and content."""
    return folder / f"{size}-{digest[:16]}.anchor"


def finalise(
    chain: NodeAnchorChain, folder: Path, pending: Pending, final_block: int
) -> AnchorFinalised:
    """Keep the evidence as of ``final_block``; returns the event that names it.

    Raises LogInconsistent when the registry's final head is not this anchor, and RpcError.
    """
    evidence = build_anchor(chain.rpc, chain.registry, final_block)
    if evidence.size != pending.size or evidence.root.hex() != pending.root:
        raise LogInconsistent("The registry's final head is not our anchor.", size=pending.size)
    data = evidence.encode()
    digest = hashlib.sha256(data).hexdigest()
    _keep(folder, pending.size, digest, data)
    FAULTS.reach("anchor.evidence")
    return AnchorFinalised(
        size=pending.size,
        root=pending.root,
        block_number=pending.block_number or 0,
        block_hash=pending.block_hash or "",
        evidence_block=evidence.block_number,
        evidence_block_hash="0x" + evidence.block_hash.hex(),
        evidence_sha256=digest,
    )


def _keep(folder: Path, size: int, digest: str, data: bytes) -> None:
    """Write before the event that names it, so that a final anchor always has its file.

    Its name holds its hash: an anchorer that woke up late cannot replace another's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = evidence_path(folder, size, digest)
    temporary = path.with_name(path.name + "~")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    for changed in (folder, folder.parent):  # the name too: a power cut must not take it back
        _sync_folder(changed)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
