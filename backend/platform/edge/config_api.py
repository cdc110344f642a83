"""What a dashboard has to know before anybody signs in. Public: nothing here is secret."""

from fastapi import APIRouter

from anchoring.errors import MalformedInput
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from backend.audit.domain import Anchoring
from backend.platform.edge.development import Development
from backend.web.models import EdgeModel

FINALITY = "finalized"
"""The block tag at which a settlement and an anchor count as final."""


class PlayedOut(EdgeModel):
    """A participant of the demonstration: pick it by name to sign in."""

    participant_id: str
    name: str
    roles: list[str]


class DevelopmentOut(EdgeModel):
    """Present only while development mode is on."""

    participants: list[PlayedOut]


class ConfigOut(EdgeModel):
    """One bundle serves every installation; this is what differs between them."""

    version: str
    chain_id: int
    settlement_contract: str
    registry_contract: str
    log_origin: str
    log_key: str | None
    finality: str
    development: DevelopmentOut | None


def router(
    version: str,
    adopted: Anchoring,
    origin: str,
    log: DirectoryStore,
    development: Development | None,
) -> APIRouter:
    """The route of the configuration below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["platform"])

    @routes.get("/config")
    def get_config() -> ConfigOut:
        """What this installation runs on. ``log_key`` is null until the log was first signed."""
        return ConfigOut(
            version=version,
            chain_id=adopted.chain_id,
            settlement_contract=adopted.settlement,
            registry_contract=adopted.registry,
            log_origin=origin,
            log_key=_log_key(log, origin),
            finality=FINALITY,
            development=None if development is None else _played(development),
        )

    return routes


def _played(development: Development) -> DevelopmentOut:
    return DevelopmentOut(
        participants=[
            PlayedOut(participant_id=each.participant_id, name=each.name, roles=list(each.roles))
            for each in development.participants()
        ]
    )


def _log_key(log: DirectoryStore, origin: str) -> str | None:
    """The log's verifier key, as the sequencer wrote it beside the log."""
    policy = log.read("policy.txt")
    if policy is None:
        return None
    try:
        keys = parse_policy(policy).log_keys(origin)
    except MalformedInput:
        return None
    return str(keys[0]) if keys else None
