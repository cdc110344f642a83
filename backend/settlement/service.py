"""Use cases of a party: see its instruction, and consent to it with its wallet's signature."""

from collections.abc import Sequence
from typing import Any

import msgspec

from backend.eventstore.aggregate import Loaded
from backend.eventstore.store import UnitOfWork
from backend.kernel.errors import NotFound
from backend.settlement.aggregates import INSTRUCTION
from backend.settlement.domain import instruction
from backend.settlement.domain.instruction import Instruction, Sign
from backend.settlement.domain.terms import from_terms
from backend.settlement.errors import SettlementStateInvalid, SignatureInvalid
from backend.settlement.sentence import TokenLabel, plain_sentence
from backend.settlement.signatures import verify_trade_signature
from backend.settlement.trade import Domain
from backend.settlement.typed_data import TradeHashes, hashes, typed_data_json


class Consent(msgspec.Struct, frozen=True):
    """What a party is asked to sign: for people the sentence, for wallets the typed data."""

    sentence: str
    hashes: TradeHashes
    typed_data: dict[str, Any]
    tokens: list[dict[str, Any]]


class SettlementService:
    """``other_domains``: further contracts of ours, to name a signature made for one of them."""

    def __init__(self, other_domains: Sequence[Domain] = ()) -> None:
        self._other_domains = tuple(other_domains)

    def instruction(self, uow: UnitOfWork, instruction_id: str) -> Instruction:
        """The caller's own instruction. Raises NotFound."""
        return _existing(self._load(uow, instruction_id))

    def consent(self, uow: UnitOfWork, instruction_id: str) -> Consent:
        """What there is to sign. Raises NotFound, SettlementStateInvalid (no terms)."""
        state = self.instruction(uow, instruction_id)
        if state.terms is None or state.asset_token is None or state.cash_token is None:
            raise SettlementStateInvalid("The instruction has no terms to sign.")
        trade, domain = from_terms(state.terms)
        asset, cash = state.asset_token, state.cash_token
        labels = {
            trade.asset.lower(): TokenLabel(asset.symbol, asset.decimals),
            trade.cash.lower(): TokenLabel(cash.symbol, cash.decimals, money=True),
        }
        tokens = [
            {
                "address": address,
                "symbol": label.symbol,
                "decimals": label.decimals,
                "money": label.money,
            }
            for address, label in zip((trade.asset, trade.cash), labels.values(), strict=True)
        ]
        sentence = plain_sentence(trade, domain, state.wallet, labels)
        return Consent(sentence, hashes(trade, domain), typed_data_json(trade, domain), tokens)

    def sign(self, uow: UnitOfWork, instruction_id: str, signature: str) -> Instruction:
        """Record the party's consent; a repeated one changes nothing.

        ``signature`` is 0x hex of 64 or 65 bytes. Raises NotFound, SignatureInvalid,
        SignatureWrongSigner, SignatureWrongDomain, AlreadySettled, DeadlineExpired,
        SettlementStateInvalid.
        """
        loaded = self._load(uow, instruction_id)
        state = _existing(loaded)
        instruction.require_open(state)
        if state.terms is None:
            raise SettlementStateInvalid("The instruction has no terms to sign.")
        trade, domain = from_terms(state.terms)
        canonical = verify_trade_signature(
            trade, domain, _bytes(signature), state.wallet, self._other_domains
        )
        command = Sign(signer=state.wallet, signature="0x" + canonical.hex(), at=uow.now)
        uow.append(loaded, instruction.sign(state, command))
        return _existing(loaded)

    @staticmethod
    def _load(uow: UnitOfWork, instruction_id: str) -> Loaded[Instruction]:
        return uow.load(INSTRUCTION, instruction_id)


def _existing(loaded: Loaded[Instruction]) -> Instruction:
    if loaded.state is None:
        raise NotFound("There is no such instruction.")
    return loaded.state


def _bytes(signature: str) -> bytes:
    try:
        if not signature.startswith("0x"):
            raise ValueError("no 0x")
        return bytes.fromhex(signature[2:])
    except ValueError as error:
        raise SignatureInvalid("The signature is not 0x and hex digits.") from error
