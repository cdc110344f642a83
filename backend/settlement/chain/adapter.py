"""The settlement contract on one chain, over web3: reading, signing, broadcasting, finding.

Whether a trade settled is never asked by transaction hash: hashes change with fee bumps, a
receipt may lag its block, and a reorganisation may put the same bytes elsewhere. It is asked
by the trade's own ``Settled`` log in a canonical block, with both transfers beside it.
"""

from typing import Any

from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import BlockIdentifier

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.settlement.chain.node import Node, checksum, node_errors
from backend.settlement.chain.signer import TransactionSigner
from backend.settlement.errors import NodeRefused
from backend.settlement.iso20022 import Reason
from backend.settlement.ports import (
    Block,
    ChainInclusion,
    Fees,
    Heads,
    Reverted,
    SignedTransaction,
)
from backend.settlement.trade import Domain, SignedTrade, Trade, same_address
from backend.settlement.typed_data import domain_separator

SETTLED_TOPIC = "0x" + keccak(text="Settled(uint256)").hex()
TRANSFER_TOPIC = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
TRANSACTION_GAS_CAP = 16_777_216  # EIP-7825
_GAS_MARGIN = (13, 10)  # a fifth more was seen to be too little when balances change in between
# What nodes say when they have, or mined, the same or a better transaction already.
_HARMLESS = (
    "already known",
    "already imported",
    "alreadyknown",
    "known transaction",
    "nonce too low",
    "replacement transaction underpriced",
)


class Web3SettlementChain:
    """``SettlementChain`` over a node. ``deployed_at`` is the block of the contract's creation."""

    def __init__(
        self, node: Node, contract: str, signer: TransactionSigner, *, deployed_at: int = 0
    ) -> None:
        self._node = node
        self._signer = signer
        self._deployed_at = deployed_at
        self._domain = Domain(node.chain_id, checksum(contract))
        self._contract = node.contract("Settlement", contract)

    @property
    def domain(self) -> Domain:
        return self._domain

    @property
    def sender(self) -> str:
        return self._signer.address

    def verify(self) -> None:
        """At start: the chain, the contract and its domain are those configured.

        Raises ChainMismatch, NodeUnavailable.
        """
        self._node.require_chain()
        if not self._node.has_code(self._domain.contract):
            raise ChainMismatch("No contract at this address.", contract=self._domain.contract)
        with node_errors("DOMAIN_SEPARATOR"):
            separator = bytes(self._contract.functions.DOMAIN_SEPARATOR().call())
        if separator != domain_separator(self._domain):
            raise ChainMismatch(
                "The contract there has another signing domain.", contract=self._domain.contract
            )

    def heads(self) -> Heads:
        self._node.require_chain()
        latest = self._required("latest")
        finalized = self._node.block("finalized") or self._required("earliest")
        return Heads(latest, self._node.block("safe") or finalized, finalized)

    def check(self, signed: SignedTrade) -> Reason:
        with node_errors("check"):
            return Reason(self._contract.functions.check(*_arguments(signed)).call())

    def is_used(self, number: int, at: Block) -> bool:
        with node_errors("isUsed"):
            call = self._contract.functions.isUsed(number)
            return bool(call.call(block_identifier=at.number))

    def fees(self, signed: SignedTrade) -> Fees:
        call = self._contract.functions.settle(*_arguments(signed))
        with node_errors("eth_estimateGas"):
            estimate = int(call.estimate_gas({"from": checksum(self.sender)}))
        with node_errors("eth_maxPriorityFeePerGas"):
            tip = int(self._node.web3.eth.max_priority_fee)
            base = int(self._node.web3.eth.get_block("latest")["baseFeePerGas"])
        gas = min(estimate * _GAS_MARGIN[0] // _GAS_MARGIN[1], TRANSACTION_GAS_CAP)
        # Twice the base fee stays includable through six full blocks in a row (EIP-1559).
        return Fees(gas, 2 * base + tip, tip)

    def transaction_count(self, at: Block | None = None) -> int:
        block: BlockIdentifier = "latest" if at is None else at.number
        with node_errors("eth_getTransactionCount"):
            sender = checksum(self.sender)
            return int(self._node.web3.eth.get_transaction_count(sender, block))

    def sign(self, signed: SignedTrade, nonce: int, fees: Fees) -> SignedTransaction:
        data = self._contract.encode_abi("settle", args=_arguments(signed))
        raw, transaction_hash = self._signer.sign(
            {
                "type": 2,
                "chainId": self._domain.chain_id,
                "to": self._domain.contract,
                "value": 0,
                "data": data,
                "nonce": nonce,
                "gas": fees.gas_limit,
                "maxFeePerGas": fees.max_fee_per_gas,
                "maxPriorityFeePerGas": fees.max_priority_fee_per_gas,
            }
        )
        return SignedTransaction(self.sender, nonce, transaction_hash, raw, fees)

    def broadcast(self, raw: str) -> None:
        try:
            with node_errors("eth_sendRawTransaction"):
                self._node.web3.eth.send_raw_transaction(HexBytes(raw))
        except NodeRefused as error:
            reason = str(error.context.get("reason", "")).lower()
            if not any(each in reason for each in _HARMLESS):
                raise

    def find_settled(self, trade: Trade, from_block: int) -> ChainInclusion | None:
        latest = self._required("latest")
        topics = [SETTLED_TOPIC, f"0x{trade.number:064x}"]
        start = max(from_block, self._deployed_at)
        if start > latest.number:
            start = self._deployed_at
        for log in self._node.logs(self._domain.contract, topics, start, latest.number):
            found = self._inclusion(trade, log)
            if found is not None:
                return found
        return None

    def find_reverted(self, hashes: tuple[str, ...]) -> Reverted | None:
        for each in hashes:
            receipt = self._node.receipt(each)
            if receipt is not None and receipt["status"] == 0:
                return Reverted(each, int(receipt["blockNumber"]))
        return None

    def is_canonical(self, block_number: int, block_hash: str) -> bool:
        block = self._node.block(block_number)
        return block is not None and block.hash == block_hash

    def _inclusion(self, trade: Trade, log: Any) -> ChainInclusion | None:
        transaction_hash = "0x" + bytes(log["transactionHash"]).hex()
        receipt = self._node.receipt(transaction_hash)
        block = self._node.block(log["blockNumber"])
        if receipt is None or block is None or log.get("removed"):
            return None
        log_block = "0x" + bytes(log["blockHash"]).hex()
        if {log_block, "0x" + bytes(receipt["blockHash"]).hex()} != {block.hash}:
            return None  # the node is between two views of the chain; asked again later
        legs = (
            (trade.asset, trade.seller, trade.buyer, trade.asset_amount),
            (trade.cash, trade.buyer, trade.seller, trade.cash_amount),
        )
        if not all(any(is_transfer(each, *leg) for each in receipt["logs"]) for leg in legs):
            return None  # the number was used, but not by this trade
        return ChainInclusion(
            transaction_hash, block, int(log["logIndex"]), int(receipt["gasUsed"])
        )

    def _required(self, tag: BlockIdentifier) -> Block:
        block = self._node.block(tag)
        if block is None:
            raise NodeUnavailable("The node has no such block.", block=str(tag))
        return block


def is_transfer(log: Any, token: str, source: str, target: str, amount: int) -> bool:
    """Whether a receipt's log is ERC-20's Transfer of exactly ``amount`` between these two."""
    topics = ["0x" + bytes(each).hex() for each in log["topics"]]
    wanted = [TRANSFER_TOPIC, _topic(source), _topic(target)]
    return (
        same_address(log["address"], token)
        and topics == wanted
        and int.from_bytes(bytes(log["data"]), "big") == amount
    )


def _topic(address: str) -> str:
    return "0x" + "00" * 12 + address[2:].lower()


def _arguments(signed: SignedTrade) -> tuple[Any, bytes, bytes]:
    number, seller, buyer, asset, cash, *rest = signed.trade.as_abi()
    parties = (checksum(seller), checksum(buyer), checksum(asset), checksum(cash))
    return (
        (number, *parties, *rest),
        bytes.fromhex(signed.seller_signature[2:]),
        bytes.fromhex(signed.buyer_signature[2:]),
    )
