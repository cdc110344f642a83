"""One node over HTTP, with its failures translated: unavailable, refused, reverted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from eth_typing import BlockNumber, ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import (
    BadResponseFormat,
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
)
from web3.types import BlockData, BlockIdentifier, TxReceipt

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.settlement.chain.artifacts import artifact
from backend.settlement.errors import NodeRefused, TransactionReverted
from backend.settlement.ports import Block


@contextmanager
def node_errors(what: str) -> Iterator[None]:
    """Translate what web3 and HTTP raise into our typed errors; ``what`` names the request."""
    try:
        yield
    except ContractLogicError as error:
        raise TransactionReverted(
            "The contract refuses the call.", request=what, data=str(error.data)[:266]
        ) from error
    except (requests.RequestException, OSError, BadResponseFormat) as error:
        raise NodeUnavailable("The chain's node does not answer.", request=what) from error
    except Web3Exception as error:
        raise NodeRefused(
            "The chain's node refuses the request.", request=what, reason=str(error)[:300]
        ) from error
    except ValueError as error:  # a body that is no JSON: a proxy's page in place of the node
        raise NodeUnavailable("The chain's node gives no JSON.", request=what) from error


class Node:
    """Reads of one chain. Checks the chain id before it trusts an answer of a step."""

    def __init__(self, url: str, chain_id: int, *, timeout: float = 10.0) -> None:
        provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None
        )
        self.web3 = Web3(provider)
        self.chain_id = chain_id

    def require_chain(self) -> None:
        """Raises ChainMismatch when the node serves another chain, NodeUnavailable."""
        with node_errors("eth_chainId"):
            served = int(self.web3.eth.chain_id)
        if served != self.chain_id:
            raise ChainMismatch(
                "The node serves another chain.", expected=self.chain_id, served=served
            )

    def block(self, which: BlockIdentifier) -> Block | None:
        """The block, or None when the chain has none such."""
        try:
            with node_errors("eth_getBlockByNumber"):
                return to_block(self.web3.eth.get_block(which))
        except NodeRefused as error:
            if isinstance(error.__cause__, BlockNotFound):
                return None
            raise

    def receipt(self, transaction_hash: str) -> TxReceipt | None:
        """The receipt, or None while the transaction is in no block."""
        try:
            with node_errors("eth_getTransactionReceipt"):
                return self.web3.eth.get_transaction_receipt(HexStr(transaction_hash))
        except NodeRefused as error:
            if isinstance(error.__cause__, TransactionNotFound):
                return None
            raise

    def contract(self, name: str, address: str) -> Contract:
        """Our contract ``name`` at ``address``."""
        return self.web3.eth.contract(
            address=checksum(address), abi=artifact(name).abi, decode_tuples=False
        )

    def has_code(self, address: str) -> bool:
        """Whether a contract stands at ``address``."""
        with node_errors("eth_getCode"):
            return len(self.web3.eth.get_code(checksum(address))) > 0

    def logs(self, address: str, topics: list[str], from_block: int, to_block: int) -> list[Any]:
        """Logs of ``address`` with these topics, in chain order."""
        with node_errors("eth_getLogs"):
            return list(
                self.web3.eth.get_logs(
                    {
                        "address": checksum(address),
                        "topics": [HexStr(each) for each in topics],
                        "fromBlock": BlockNumber(from_block),
                        "toBlock": BlockNumber(to_block),
                    }
                )
            )


def checksum(address: str) -> ChecksumAddress:
    """The EIP-55 spelling."""
    return to_checksum_address(address)


def to_block(data: BlockData) -> Block:
    """web3's block as ours."""
    return Block(int(data["number"]), "0x" + bytes(data["hash"]).hex(), int(data["timestamp"]))
