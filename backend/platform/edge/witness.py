"""This platform as a witness for the logs of others: ``/witness/add-checkpoint`` (tlog-witness)."""

from fastapi import APIRouter

from anchoring.cosignature import Ed25519Cosigner
from anchoring.errors import AnchoringError
from anchoring.witness import Witness
from anchoring.witness_keys import unix_now
from anchoring.witness_server import witness_routes
from anchoring.witness_store import SqliteHeadStore
from backend.platform.errors import ConfigurationInvalid
from backend.platform.home import Home
from backend.platform.settings import Settings
from backend.platform.witness_policy import read_policy

PREFIX = "/witness"
STATE = "witness.sqlite"


def routers(settings: Settings, home: Home) -> list[APIRouter]:
    """The routes below ``/witness``; none where no log is witnessed.

    Raises ConfigurationInvalid for a list of logs or a name that cannot be used.
    """
    found = witness_of(settings, home)
    if found is None:
        return []
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    for route in witness_routes(found):
        router.add_route(PREFIX + route.path, route.endpoint, sorted(route.methods or ()))
    return [router]


def witness_of(settings: Settings, home: Home) -> Witness | None:
    """The witness that the settings describe, with ``witness.key`` and its state in the home."""
    if settings.witness_logs is None:
        return None
    policy = read_policy(settings.witness_logs, "TALLYSTICK_WITNESS_LOGS")
    if not policy.logs:
        raise ConfigurationInvalid("TALLYSTICK_WITNESS_LOGS lists no log.")
    name = settings.witness_name or f"{settings.log_origin}/witness"
    try:
        cosigner = Ed25519Cosigner(name, home.witness_signer(), unix_now)
        return Witness(policy.logs, [cosigner], SqliteHeadStore(home.root / "witness" / STATE))
    except AnchoringError as error:
        raise ConfigurationInvalid(f"The witness cannot be set up: {error}") from error
