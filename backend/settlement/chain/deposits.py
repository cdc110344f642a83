"""Proof of a deposit: a final issuance (mint) of a token into a wallet, on our chain.

Only a mint brings something new. A transfer between wallets, a settlement's own legs, or a
wallet's transfer to itself would let the books grow by what is in them already.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

import msgspec
from eth_utils.address import to_checksum_address

from backend.kernel.errors import AmountInvalid
from backend.kernel.money import Money, Quantity, minor_unit
from backend.portfolio.errors import DepositUnproven
from backend.portfolio.events import Evidence
from backend.portfolio.ports import ShownTransfer
from backend.settlement.chain.adapter import TRANSFER_TOPIC
from backend.settlement.chain.node import Node
from backend.settlement.ports import Block
from backend.settlement.trade import from_token_units, same_address


class FinalTransfer(msgspec.Struct, frozen=True):
    """A Transfer log in a final block; a mint is a transfer from the zero address."""

    token: str
    recipient: str
    amount: int
    block_time: int


class RegisteredToken(msgspec.Struct, frozen=True):
    """What a token stands for: exactly one of security and currency is given."""

    decimals: int
    security_id: str | None = None
    currency: str | None = None


class TokenRegister(Protocol):
    """Knows tokens by address."""

    def registered(self, chain_id: int, token: str) -> RegisteredToken | None:
        """What the token at ``token`` stands for, None when it is not registered."""
        ...


class ChainDeposits:
    """Checks deposit evidence against the chain."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def transfer(self, chain_id: int, tx_hash: str, log_index: int) -> FinalTransfer:
        """The transfer that the log records; ``log_index`` counts in the block (JSON-RPC).

        Raises DepositUnproven (other chain, no such log, not a transfer, nothing moved, not on
        the canonical chain, not final yet), NodeUnavailable, ChainMismatch.
        """
        if chain_id != self._node.chain_id:
            raise DepositUnproven(
                "The deposit is on another chain.", expected=self._node.chain_id, chain_id=chain_id
            )
        self._node.require_chain()
        receipt = self._node.receipt(tx_hash)
        if receipt is None or receipt["status"] != 1:
            raise DepositUnproven("No successful transaction has this hash.", tx_hash=tx_hash)
        block = self._final_block(receipt["blockNumber"], bytes(receipt["blockHash"]), tx_hash)
        for log in receipt["logs"]:
            topics = [bytes(each) for each in log["topics"]]
            if int(log["logIndex"]) != log_index or len(topics) != 3:
                continue
            amount = int.from_bytes(bytes(log["data"]), "big")
            if topics[0].hex() != TRANSFER_TOPIC[2:] or amount == 0:
                continue
            if any(topics[1]):
                raise DepositUnproven(
                    "The transfer is not an issuance: it came from another wallet.",
                    tx_hash=tx_hash,
                    log_index=log_index,
                )
            recipient = to_checksum_address(topics[2][12:])
            return FinalTransfer(str(log["address"]), recipient, amount, block.time)
        raise DepositUnproven("The log is not a transfer.", tx_hash=tx_hash, log_index=log_index)

    def verify(self, chain_id: int, tx_hash: str, log_index: int, token: str, wallet: str) -> int:
        """The amount, in smallest units, that the named log moved of ``token`` into ``wallet``.

        Raises DepositUnproven as ``transfer`` does, and for another token or receiver.
        """
        found = self.transfer(chain_id, tx_hash, log_index)
        if not same_address(found.token, token) or not same_address(found.recipient, wallet):
            raise DepositUnproven(
                "The log is not a transfer of this token into this wallet.", tx_hash=tx_hash
            )
        return found.amount

    def _final_block(self, number: int, block_hash: bytes, tx_hash: str) -> Block:
        finalized = self._node.block("finalized")
        canonical = self._node.block(number)
        if canonical is None or canonical.hash != "0x" + block_hash.hex():
            raise DepositUnproven("The block is not on the canonical chain.", tx_hash=tx_hash)
        if finalized is None or canonical.number > finalized.number:
            raise DepositUnproven("The block is not final yet.", tx_hash=tx_hash, block=number)
        return canonical


class ChainDepositProof:
    """Portfolio's ``DepositProof``: the transfer in the books' units, of registered tokens only."""

    def __init__(self, deposits: ChainDeposits, register: TokenRegister) -> None:
        self._deposits = deposits
        self._register = register

    def shown(self, evidence: Evidence) -> ShownTransfer:
        """What came to which wallet on which day (UTC date of the block).

        Raises DepositUnproven, also for an amount finer than the minor unit or the quantity.
        """
        found = self._deposits.transfer(evidence.chain_id, evidence.tx_hash, evidence.log_index)
        token = self._register.registered(evidence.chain_id, found.token)
        if token is None:
            raise DepositUnproven("The token is not registered.", token=found.token)
        amount = from_token_units(found.amount, token.decimals)
        return ShownTransfer(
            asset=_asset(token, amount),
            recipient=found.recipient,
            on=datetime.fromtimestamp(found.block_time, UTC).date(),
        )


def _asset(token: RegisteredToken, amount: Decimal) -> Money | Quantity:
    try:
        if token.security_id is not None:
            return Quantity(amount, token.security_id)
        if token.currency is not None and amount % minor_unit(token.currency) == 0:
            return Money(amount, token.currency)
    except AmountInvalid as error:
        raise DepositUnproven("The books cannot express the amount.", amount=str(amount)) from error
    raise DepositUnproven("The books cannot express the amount.", amount=str(amount))
