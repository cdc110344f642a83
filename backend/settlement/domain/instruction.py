"""A party's settlement instruction (``sese.023``): received, signed, settled or failed."""

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.settlement.errors import (
    AlreadySettled,
    DeadlineExpired,
    SettlementStateInvalid,
    SignatureWrongSigner,
)
from backend.settlement.events import (
    Deal,
    InstructionAdvised,
    InstructionFailed,
    InstructionReceived,
    InstructionSettled,
    InstructionSigned,
    Terms,
    TokenName,
)


class InstructionStatus(StrEnum):
    """Where one party's half stands."""

    RECEIVED = "RECEIVED"
    SIGNED = "SIGNED"
    SETTLED = "SETTLED"
    FAILED = "FAILED"


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """One party's instruction as its tenant sees it. ``terms`` is None if it never had any."""

    instruction_id: str
    status: InstructionStatus
    direction: str
    participant_id: str
    account_id: str
    order_id: str
    deal: Deal
    terms: Terms | None = None
    digest: str = ""
    asset_token: TokenName | None = None
    cash_token: TokenName | None = None
    signer: str | None = None
    signature: str | None = None
    advised: tuple[str, str | None, str] | None = None  # status, reason, settlement state

    @property
    def terminal(self) -> bool:
        return self.status in (InstructionStatus.SETTLED, InstructionStatus.FAILED)

    @property
    def wallet(self) -> str:
        """The address that must sign. Raises SettlementStateInvalid where there are no terms."""
        if self.terms is None:
            raise SettlementStateInvalid("The instruction has no terms to sign.")
        return self.terms.seller if self.direction == "DELI" else self.terms.buyer


class Sign(msgspec.Struct, frozen=True):
    """The party consents. ``signer`` was recovered from ``signature`` (canonical 65 bytes)."""

    signer: str
    signature: str
    at: datetime


def sign(state: Instruction | None, command: Sign) -> list[Event]:
    """Record the party's consent; a second consent of the same wallet changes nothing.

    Raises AlreadySettled, SettlementStateInvalid (failed), DeadlineExpired, SignatureWrongSigner.
    """
    if state is None or state.terms is None:
        raise SettlementStateInvalid("There is no such instruction to sign.")
    require_open(state)
    if command.signer.lower() != state.wallet.lower():
        raise SignatureWrongSigner(
            "The signature is not the party's.", expected=state.wallet, recovered=command.signer
        )
    if state.status is InstructionStatus.SIGNED:
        return []
    if command.at.timestamp() > state.terms.deadline:
        raise DeadlineExpired("The deadline has passed.", deadline=state.terms.deadline)
    return [
        InstructionSigned(
            instruction_id=state.instruction_id,
            trade_id=state.deal.trade_id,
            direction=state.direction,
            signer=command.signer,
            signature=command.signature,
            signed_at=command.at,
        )
    ]


def require_open(state: Instruction) -> None:
    """Raises AlreadySettled or SettlementStateInvalid when the instruction has ended."""
    if state.status is InstructionStatus.SETTLED:
        raise AlreadySettled("The trade is settled already.", instruction_id=state.instruction_id)
    if state.status is InstructionStatus.FAILED:
        raise SettlementStateInvalid(
            "The instruction failed; a new trade is needed.", instruction_id=state.instruction_id
        )


def advise(state: Instruction, advice: InstructionAdvised) -> list[Event]:
    """Tell the party once per change of status, reason or settlement state."""
    if state.terminal or state.advised == _key(advice):
        return []
    return [advice]


def evolve(state: Instruction | None, event: Event) -> Instruction:
    """The instruction after ``event``."""
    match event:
        case InstructionReceived():
            return Instruction(
                instruction_id=event.instruction_id,
                status=InstructionStatus.RECEIVED,
                direction=event.direction,
                participant_id=event.participant_id,
                account_id=event.account_id,
                order_id=event.order_id,
                deal=event.deal,
                terms=event.terms,
                digest=event.digest,
                asset_token=event.asset_token,
                cash_token=event.cash_token,
            )
        case InstructionFailed() if state is None:
            return Instruction(
                instruction_id=event.instruction_id,
                status=InstructionStatus.FAILED,
                direction=event.direction,
                participant_id=event.participant_id,
                account_id=event.account_id,
                order_id=event.order_id,
                deal=event.deal,
            )
    if state is None:
        raise InvariantBroken("An instruction begins with being received.", type=event.type)
    match event:
        case InstructionSigned():
            return msgspec.structs.replace(
                state,
                status=InstructionStatus.SIGNED,
                signer=event.signer,
                signature=event.signature,
            )
        case InstructionAdvised():
            return msgspec.structs.replace(state, advised=_key(event))
        case InstructionSettled():
            return msgspec.structs.replace(state, status=InstructionStatus.SETTLED)
        case InstructionFailed():
            return msgspec.structs.replace(state, status=InstructionStatus.FAILED)
    raise InvariantBroken("This event is not an instruction's.", type=event.type)


def _key(advice: InstructionAdvised) -> tuple[str, str | None, str]:
    return (advice.status, advice.reason, advice.settlement_state)
