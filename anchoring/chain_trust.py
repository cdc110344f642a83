"""What ties evidence to a chain: the trust file's registry and blocks, or a node of the user's."""

from __future__ import annotations

from anchoring.errors import NotAnchored, VerificationFailed
from anchoring.ethproof import AnchorEvidence
from anchoring.rpc import Rpc, chain_id, get_block, read_data, read_quantity
from anchoring.trust import Trust


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
