"""A saga that never looks for its own ``Settled`` log, and so takes its own trade for another's."""

from backend.settlement.chain.adapter import Web3SettlementChain


def apply():
    Web3SettlementChain.find_settled = lambda self, trade, from_block: None
