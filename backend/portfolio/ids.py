"""Ids of the books that follow from something else."""

from uuid import NAMESPACE_URL, uuid5

from backend.portfolio.events import Evidence


def deposit_id(evidence: Evidence) -> str:
    """The deposit that an on-chain transfer is: recording it again finds it again (UUIDv5)."""
    name = f"tallystick:deposit:{evidence.chain_id}:{evidence.tx_hash}:{evidence.log_index}"
    return str(uuid5(NAMESPACE_URL, name))
