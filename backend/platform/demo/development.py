"""The demonstration's development mode: whether there is one, and its wallet's process."""

import secrets

from backend.platform import jsonrpc
from backend.platform.anvil.process import HOST, free_port
from backend.platform.edge.development import ANVIL
from backend.platform.loopback import is_loopback, is_loopback_url
from backend.platform.settings import DEVELOPMENT_CHAIN, Settings
from backend.platform.stage import Stage
from backend.platform.supervisor import Supervisor

URL, SECRET, ADDRESS = (
    f"TALLYSTICK_{name}" for name in ("DEVELOPMENT_WALLET_URL", "DEVELOPMENT_WALLET_SECRET", "HOST")
)


def is_allowed(settings: Settings, stage: Stage) -> bool:
    """On a loopback address, over Anvil with the development chain's id, and nowhere else."""
    is_here = is_loopback(settings.host) and is_loopback_url(settings.base_url)
    if not is_here or settings.chain_id != DEVELOPMENT_CHAIN:
        return False
    version = str(jsonrpc.call(stage.chain_url, "web3_clientVersion"))
    return version.lower().startswith(ANVIL)


def start_wallet(supervisor: Supervisor, settings: Settings, stage: Stage) -> dict[str, str]:
    """Start the wallet where it is allowed; what the API needs in its environment to find it."""
    if not is_allowed(settings, stage):
        return {}
    secret, port = secrets.token_urlsafe(32), free_port()
    supervisor.start("wallet", ["--port", str(port)], {SECRET: secret, ADDRESS: HOST})
    return {URL: f"http://{HOST}:{port}", SECRET: secret}
