"""The anchorer's view of a node: fees, nonces, its own log, final blocks; and its key."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from anchoring.chain_signer import ChainSigner
from anchoring.errors import RpcError, SignerRefused
from anchoring.registry import RegistryHead, encode_append, read_anchored, read_head
from anchoring.rpc import Rpc, chain_id, get_block, read_data, read_object, read_quantity
from backend.audit.errors import ChainRewound
from backend.audit.fees import Market, Offer
from backend.kernel.errors import ChainMismatch, KeyUnavailable, NodeUnavailable

T = TypeVar("T")

GAS_LIMIT = 250_000
"""Above the dearest proof (64 hashes); what is not used is not paid."""


class SignedAnchor(msgspec.Struct, frozen=True):
    """Bytes any node may broadcast."""

    nonce: int
    hash: str
    raw: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


class Paid(msgspec.Struct, frozen=True):
    """What a mined transaction cost; the price is in wei per gas."""

    gas_used: int
    effective_gas_price: int


class Inclusion(msgspec.Struct, frozen=True):
    """Where the registry's log for a size stands on the canonical chain."""

    transaction_hash: str
    block_number: int
    block_hash: str
    paid: Paid


class NodeAnchorChain:
    """An EVM node behind a JSON-RPC callable."""

    def __init__(self, rpc: Rpc, chain: int, registry: str, signer: ChainSigner) -> None:
        self.rpc = rpc
        self.registry = bytes.fromhex(registry.removeprefix("0x"))
        self._chain = chain
        self._signer = signer

    @property
    def sender(self) -> str:
        """The account that appends: the registry's writer."""
        return self._signer.address

    def check_chain(self) -> None:
        """Raise ChainMismatch unless the node serves the chain of the registry."""
        found = self._ask(lambda: chain_id(self.rpc))
        if found != self._chain:
            raise ChainMismatch("The node serves another chain.", found=found, needed=self._chain)

    def head(self) -> RegistryHead:
        """The registry's head at the latest block.

        Raises ChainRewound where the chain has the right id but no registry: it was reset.
        """
        self.check_chain()
        if not self._ask(self._code):
            raise ChainRewound(
                "There is no registry at its address: the chain was reset or is another one."
                " Restore the chain's state, or go on in another registry by"
                " `tally registry adopt`.",
                registry="0x" + self.registry.hex(),
            )
        return self._ask(lambda: read_head(self.rpc, self.registry))

    def next_nonce(self) -> int:
        """How many transactions of the sender the chain holds."""
        return self._ask(
            lambda: read_quantity(
                self.rpc("eth_getTransactionCount", [self.sender, "latest"]), "nonce"
            )
        )

    def final_nonce(self) -> int:
        """How many transactions of the sender are known to be final.

        0 where the node does not keep the state of its final block (Anvil after a restart):
        then nothing is known to be spent, and what waits is sent again.
        """
        try:
            count = self.rpc("eth_getTransactionCount", [self.sender, "finalized"])
        except RpcError:
            return 0
        return self._ask(lambda: read_quantity(count, "nonce"))

    def market(self) -> Market:
        """What the newest block asks for, and the tip the node advises."""
        base = self._ask(
            lambda: read_quantity(get_block(self.rpc, "latest")["baseFeePerGas"], "base fee")
        )
        tip = self._ask(lambda: read_quantity(self.rpc("eth_maxPriorityFeePerGas", []), "tip"))
        return Market(base, tip)

    def sign(
        self, size: int, root: bytes, proof: list[bytes], nonce: int, offer: Offer
    ) -> SignedAnchor:
        """The signed call of ``append``; asks no node.

        Raises NodeUnavailable when a signing service does not answer, KeyUnavailable when it
        signed something else.
        """
        transaction = {
            "type": 2,
            "chainId": self._chain,
            "to": "0x" + self.registry.hex(),
            "data": "0x" + encode_append(size, root, proof).hex(),
            "value": 0,
            "nonce": nonce,
            "gas": GAS_LIMIT,
            "maxFeePerGas": offer.max_fee_per_gas,
            "maxPriorityFeePerGas": offer.max_priority_fee_per_gas,
        }
        try:
            raw, transaction_hash = self._ask(lambda: self._signer.sign(transaction))
        except SignerRefused as error:
            raise KeyUnavailable(f"The signing service cannot be used: {error}") from error
        return SignedAnchor(
            nonce, transaction_hash, raw, offer.max_fee_per_gas, offer.max_priority_fee_per_gas
        )

    def broadcast(self, raw: str) -> None:
        """Hand the bytes over; a node that has them already, or mined them, refuses: fine."""
        try:
            self.rpc("eth_sendRawTransaction", [raw])
        except RpcError as error:
            known = ("already known", "already imported", "nonce too low", "already in")
            if not any(word in str(error).lower() for word in known):
                raise NodeUnavailable(f"The node did not take the anchor: {error}") from error

    def find(self, size: int, root: bytes, from_block: int) -> Inclusion | None:
        """The registry's own log for this size and root on the canonical chain."""
        logs = self._ask(lambda: read_anchored(self.rpc, self.registry, from_block))
        for log in logs:
            if (log.size, log.root) == (size, root):
                tx = "0x" + log.transaction_hash.hex()
                paid = self.paid(tx)
                if paid is None:  # the block left the chain between the two questions
                    return None
                return Inclusion(tx, log.block_number, "0x" + log.block_hash.hex(), paid)
        return None

    def paid(self, transaction_hash: str) -> Paid | None:
        """What a mined transaction cost; None while it is in no block."""
        answer = self._ask(lambda: self.rpc("eth_getTransactionReceipt", [transaction_hash]))
        if answer is None:
            return None

        def read() -> Paid:
            receipt = read_object(answer, "receipt")
            gas = read_quantity(receipt.get("gasUsed"), "gas used")
            return Paid(gas, read_quantity(receipt.get("effectiveGasPrice"), "gas price"))

        return self._ask(read)

    def block_hash(self, number: int) -> str | None:
        """The hash of the canonical block at this height; None above the tip."""
        try:
            block = get_block(self.rpc, number)
        except RpcError as error:
            if "has no block" in str(error):
                return None
            raise NodeUnavailable(str(error)) from error
        return "0x" + read_data(block.get("hash"), "block hash", 32).hex()

    def finalized(self) -> int:
        """The number of the newest final block."""
        return self._ask(
            lambda: read_quantity(get_block(self.rpc, "finalized").get("number"), "block number")
        )

    def _code(self) -> bytes:
        answer = self.rpc("eth_getCode", ["0x" + self.registry.hex(), "latest"])
        return read_data(answer, "registry code")

    @staticmethod
    def _ask(question: Callable[[], T]) -> T:
        try:
            return question()
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error
