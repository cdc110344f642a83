"""The development wallet's process: the demonstration's trader keys, on a loopback address."""

import threading

import msgspec

from backend.platform.demo.chain import RECORD
from backend.platform.demo.wallet import DevelopmentWallet, application
from backend.platform.errors import ConfigurationInvalid
from backend.platform.home import Home
from backend.platform.loopback import is_loopback
from backend.platform.processes.serving import serve_until
from backend.platform.settings import DEVELOPMENT_CHAIN, Settings
from backend.settlement.chain.deploy import Deployment
from backend.settlement.trade import Domain


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve until ``stop``. Raises ConfigurationInvalid where such a wallet must not be."""
    secret = settings.development_wallet_secret
    if secret is None:
        raise ConfigurationInvalid("The wallet needs TALLYSTICK_DEVELOPMENT_WALLET_SECRET.")
    if not is_loopback(settings.host):
        raise ConfigurationInvalid("The development wallet listens on a loopback address only.")
    home = Home(settings.home)
    wallet = DevelopmentWallet(home.demo / "wallets", _domain(home))
    app = application(wallet, secret.get_secret_value())
    serve_until(stop, app, settings)


def _domain(home: Home) -> Domain:
    """The only contract to sign for. Raises ConfigurationInvalid."""
    try:
        data = (home.root / RECORD).read_bytes()
    except OSError as error:
        raise ConfigurationInvalid("Nothing is deployed here yet.") from error
    deployment = msgspec.json.decode(data, type=Deployment)
    if deployment.chain_id != DEVELOPMENT_CHAIN:
        raise ConfigurationInvalid(f"The development wallet is for chain {DEVELOPMENT_CHAIN} only.")
    return Domain(deployment.chain_id, deployment.settlement.address)
