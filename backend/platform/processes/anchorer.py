"""The anchorer's process: the only one with the key that may append to the registry."""

import threading
from datetime import timedelta

from anchoring.chain_signer import ChainSigner, LocalChainSigner, RemoteChainSigner
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from backend.audit.anchorer import Anchorer
from backend.audit.chain import NodeAnchorChain
from backend.audit.fees import Limits
from backend.audit.journal import Journal
from backend.audit.lag import LagWatch
from backend.audit.ports import WitnessGate
from backend.audit.witnessing import last_cosigned_size, quorum_reached
from backend.eventstore.errors import LeaseLost
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Connection, Scope
from backend.platform.bootstrap import Core, chain_url
from backend.platform.home import Home
from backend.platform.processes.loop import Loop
from backend.platform.settings import Settings
from backend.settlement.wallet import load_keystore

ANCHORER_KEYSTORE = "anchorer.json"
LEASE_SECONDS = 15.0
_WORKED = ("submitted", "included", "final", "reorganised", "replaced", "failed")


class Witnesses:
    """The witnesses of the log's policy, as the anchorer has to heed them."""

    def __init__(self, required: bool) -> None:
        self._required = required

    def last_cosigned_size(self, connection: Connection) -> int:
        return last_cosigned_size(connection)

    def may_anchor(self, connection: Connection, size: int) -> bool:
        return not self._required or quorum_reached(connection, size)


def anchoring_signer(home: Home, settings: Settings) -> ChainSigner:
    """The registry's writer: its keystore, or a signing service that holds the key.

    Raises KeyUnavailable, SignerRefused, RpcError.
    """
    if settings.anchorer_signer_url is not None:
        rpc = HttpRpc(settings.anchorer_signer_url.get_secret_value())
        return RemoteChainSigner(rpc, settings.anchorer_signer_address)
    return LocalChainSigner(load_keystore(home.keys / ANCHORER_KEYSTORE, home.passphrase()))


def run(core: Core, stop: threading.Event) -> None:
    """Anchor until ``stop``.

    Raises ChainRewound or ChainMismatch at the start and whenever the chain turns out not to
    hold what is final: nothing is anchored then until someone adopts a registry explicitly.
    """
    lease = Lease(
        core.database, "anchorer", holder_name(), timedelta(seconds=LEASE_SECONDS), Scope.venue()
    )
    anchorer = _anchorer(core, lease)
    lag = LagWatch(Journal(core.store, lease), core.settings.anchor_lag_limit)
    checked = False

    def step() -> bool:
        nonlocal checked
        if not lease.acquire():
            raise LeaseLost("Another anchorer leads; standing by.")
        lag.step()
        if not checked:
            anchorer.check()
            checked = True
        return anchorer.step().split(" ")[0] in _WORKED

    try:
        idle = core.settings.finality_interval / 2
        Loop("anchorer", stop, idle, core.home.pulse("anchorer")).run(step)
    finally:
        if lease.fence is not None:
            lease.release()


def _anchorer(core: Core, lease: Lease) -> Anchorer:
    adopted, settings = core.adopted(), core.settings
    chain = NodeAnchorChain(
        HttpRpc(chain_url(settings)),
        adopted.chain_id,
        adopted.registry,
        anchoring_signer(core.home, settings),
    )
    witnesses: WitnessGate | None = None
    if settings.witness_policy is not None:
        witnesses = Witnesses(settings.witness_required)
    return Anchorer(
        core.store,
        chain,
        DirectoryStore(core.home.log),
        core.home.anchors,
        timedelta(seconds=settings.anchor_max_age),
        lease=lease,
        limits=Limits(settings.anchor_max_fee_per_gas, settings.anchor_daily_budget),
        witnesses=witnesses,
    )
