"""The chain node: a development chain of our own, or the one at ``CHAIN_RPC_URL``."""

from backend.platform.anvil.binary import find_anvil
from backend.platform.anvil.external import ExternalNode
from backend.platform.anvil.node import Anvil, ChainOptions

__all__ = ["Anvil", "ChainOptions", "ExternalNode", "find_anvil"]
