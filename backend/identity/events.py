"""What happened to participants and wallets. Names are of legal entities, never of persons."""

from backend.kernel.events import Event


class ParticipantRegistered(Event, frozen=True, kw_only=True):
    """A participant (legal entity) joined, with a tenant of its own."""

    type = "participant.registered"

    participant_id: str
    name: str
    kind: str


class WalletBound(Event, frozen=True, kw_only=True):
    """The participant proved control of an address by signing the binding statement."""

    type = "wallet.bound"

    participant_id: str
    address: str
    chain_id: int
    statement: str
    signature: str


class ApiTokenIssued(Event, frozen=True, kw_only=True):
    """A credential was issued; only the fingerprint of its hash is recorded."""

    type = "api_token.issued"

    participant_id: str
    label: str
    roles: tuple[str, ...]
    fingerprint: str


EVENTS = (ParticipantRegistered, WalletBound, ApiTokenIssued)
