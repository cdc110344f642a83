"""What settlement needs from outside: the chain, wallets, tokens, breakers and the books."""

from typing import Protocol

import msgspec

from backend.eventstore.store import UnitOfWork
from backend.settlement.domain.terms import Token
from backend.settlement.events import InstructionFailed, InstructionSettled
from backend.settlement.iso20022 import Reason
from backend.settlement.trade import Domain, SignedTrade, Trade


class Block(msgspec.Struct, frozen=True):
    """A block by number, hash (0x hex) and Unix time."""

    number: int
    hash: str
    time: int


class Heads(msgspec.Struct, frozen=True):
    """The chain's three views of itself: newest, justified, final."""

    latest: Block
    safe: Block
    finalized: Block


class Fees(msgspec.Struct, frozen=True):
    """EIP-1559 fees in wei per gas, and the gas limit."""

    gas_limit: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


class SignedTransaction(msgspec.Struct, frozen=True):
    """Bytes that any node may broadcast, with what they contain."""

    sender: str
    nonce: int
    hash: str
    raw: str
    fees: Fees


class ChainInclusion(msgspec.Struct, frozen=True):
    """Where on the canonical chain the trade's ``Settled`` log and both transfers stand."""

    transaction_hash: str
    block: Block
    log_index: int
    gas_used: int


class Reverted(msgspec.Struct, frozen=True):
    """One of our transactions was executed and undone by the chain."""

    transaction_hash: str
    block_number: int


class SettlementChain(Protocol):
    """One settlement contract on one chain, and the key that submits to it.

    Every method that asks the node raises NodeUnavailable when it does not answer, and
    ChainMismatch when it serves another chain.
    """

    @property
    def domain(self) -> Domain:
        """The chain id and contract that trades are signed for."""
        ...

    @property
    def sender(self) -> str:
        """The address whose key submits."""
        ...

    def heads(self) -> Heads:
        """Latest, safe and finalized block."""
        ...

    def check(self, signed: SignedTrade) -> Reason:
        """Why the contract would refuse the trade now; empty when it would not."""
        ...

    def is_used(self, number: int, at: Block) -> bool:
        """Whether the trade's number was used up to this block."""
        ...

    def fees(self, signed: SignedTrade) -> Fees:
        """A gas limit and fees good for now. Raises TransactionReverted when it would revert."""
        ...

    def transaction_count(self, at: Block | None = None) -> int:
        """How many nonces of ``sender`` are spent, at ``at`` or at the latest block."""
        ...

    def sign(self, signed: SignedTrade, nonce: int, fees: Fees) -> SignedTransaction:
        """The signed call. Asks no node; raises KeyUnavailable."""
        ...

    def broadcast(self, raw: str) -> None:
        """Hand the bytes to the node; that it knows or mined them already is fine."""
        ...

    def find_settled(self, trade: Trade, from_block: int) -> ChainInclusion | None:
        """This trade's own settlement on the canonical chain, by its log and both transfers."""
        ...

    def find_reverted(self, hashes: tuple[str, ...]) -> Reverted | None:
        """The canonical receipt among ``hashes`` that says the call was undone."""
        ...

    def is_canonical(self, block_number: int, block_hash: str) -> bool:
        """Whether this block still stands on the chain."""
        ...


class Wallets(Protocol):
    """Which wallet an account delivers from and receives into."""

    def address_of(self, uow: UnitOfWork, tenant_id: str, account_id: str) -> str | None:
        """The bound address, or None."""
        ...


class Tokens(Protocol):
    """Which token stands for a security or a currency."""

    def asset(self, uow: UnitOfWork, security_id: str) -> Token | None: ...

    def cash(self, uow: UnitOfWork, currency: str) -> Token | None: ...


class Breakers(Protocol):
    """Compliance's circuit breakers, asked before every submission."""

    def is_halted(self, uow: UnitOfWork, security_id: str) -> bool:
        """Whether the venue or this security is halted."""
        ...


class Books(Protocol):
    """The books that follow settlement; each call is one side, in the venue's transaction."""

    def book(self, uow: UnitOfWork, tenant_id: str, settled: InstructionSettled) -> None:
        """Book the trade: cash, units and lots move. Repeating it changes nothing."""
        ...

    def release(self, uow: UnitOfWork, tenant_id: str, failed: InstructionFailed) -> None:
        """Give back what the order had reserved. Repeating it changes nothing."""
        ...
