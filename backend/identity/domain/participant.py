"""A participant and the wallets it controls. Pure."""

import re

import msgspec

from backend.identity.events import ApiTokenIssued, ParticipantRegistered, WalletBound
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.kernel.errors import Conflict, DomainError, ErrorCode, InvariantBroken, ValueInvalid
from backend.kernel.events import Event

KINDS = ("participant", "venue")
ROLES_OF = {
    "participant": ("investor", "trader"),
    "venue": ("investor", "trader", "operator", "auditor"),
}
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class SignatureWrongSigner(DomainError):
    """The statement was signed by another wallet."""

    code = ErrorCode.SIGNATURE_WRONG_SIGNER


class Wallet(msgspec.Struct, frozen=True):
    """An address on a chain, proven by signature."""

    address: str
    chain_id: int


class Participant(msgspec.Struct, frozen=True):
    """A legal entity on the platform."""

    participant_id: str
    name: str
    kind: str
    wallets: tuple[Wallet, ...] = ()


def register(state: Participant | None, participant_id: str, name: str, kind: str) -> list[Event]:
    """A new participant. Raises Conflict when it exists with other data."""
    if kind == "participant" and participant_id in (VENUE_TENANT, VENUE_PARTICIPANT):
        raise Conflict("The id is the venue's own.")
    clean = name.strip()
    if not 1 <= len(clean) <= 100 or not clean.isprintable():
        raise ValueInvalid("A participant needs a printable name of 1 to 100 characters.")
    if kind not in KINDS:
        raise ValueInvalid("The kind of participant is not known.", kind=kind)
    if state is not None:
        if (state.name, state.kind) != (clean, kind):
            raise Conflict("The participant is registered with other data.")
        return []
    return [ParticipantRegistered(participant_id=participant_id, name=clean, kind=kind)]


def wallet_statement(participant_id: str, address: str, chain_id: int, origin: str) -> str:
    """The sentence a wallet signs (EIP-191) to prove control: names all it binds."""
    return (
        f"I bind the wallet {address} on chain {chain_id} to participant {participant_id}"
        f" of {origin}."
    )


def bind_wallet(
    state: Participant | None, wallet: Wallet, statement: str, signature: str, signer: str
) -> list[Event]:
    """Bind a wallet whose control ``signer`` (recovered from the signature) proves."""
    if state is None:
        raise InvariantBroken("A wallet was bound before its participant was registered.")
    if _ADDRESS.fullmatch(wallet.address) is None:
        raise ValueInvalid("The wallet address is not 20 bytes in hex.", value=wallet.address[:64])
    if signer.lower() != wallet.address.lower():
        raise SignatureWrongSigner(
            "The statement was signed by another wallet.", expected=wallet.address, signer=signer
        )
    if wallet in state.wallets:
        return []
    return [
        WalletBound(
            participant_id=state.participant_id,
            address=wallet.address,
            chain_id=wallet.chain_id,
            statement=statement,
            signature=signature,
        )
    ]


def issue_token(
    state: Participant | None, label: str, roles: tuple[str, ...], fingerprint: str
) -> list[Event]:
    """Record a new credential. Raises ValueInvalid for a role its kind of participant has not.

    The venue's own roles (operator, auditor) see every tenant: no participant can be given them.
    """
    if state is None:
        raise InvariantBroken("A token was issued before its participant was registered.")
    refused = [role for role in roles if role not in ROLES_OF[state.kind]]
    if refused or not roles:
        raise ValueInvalid("A token needs roles of its participant.", refused=", ".join(refused))
    return [
        ApiTokenIssued(
            participant_id=state.participant_id, label=label, roles=roles, fingerprint=fingerprint
        )
    ]


def evolve(state: Participant | None, event: Event) -> Participant:
    """Fold one event of a participant's stream."""
    if isinstance(event, ParticipantRegistered):
        return Participant(event.participant_id, event.name, event.kind)
    if state is None:
        raise InvariantBroken("A participant's stream does not begin with its registration.")
    if isinstance(event, WalletBound):
        wallet = Wallet(event.address, event.chain_id)
        return msgspec.structs.replace(state, wallets=(*state.wallets, wallet))
    return state
