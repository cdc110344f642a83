"""The anchorer's process: the only one with the key that may append to the registry."""

import threading
from datetime import timedelta

from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from backend.audit.anchorer import Anchorer
from backend.audit.chain import NodeAnchorChain
from backend.eventstore.errors import LeaseLost
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Scope
from backend.platform.bootstrap import Core, chain_url
from backend.platform.processes.loop import Loop
from backend.settlement.wallet import load_keystore

ANCHORER_KEYSTORE = "anchorer.json"
LEASE_SECONDS = 15.0


def run(core: Core, stop: threading.Event) -> None:
    """Anchor until ``stop``.

    Raises ChainRewound or ChainMismatch at the start and whenever the chain turns out not to
    hold what is final: nothing is anchored then until someone adopts a registry explicitly.
    """
    adopted = core.adopted()
    account = load_keystore(core.home.keys / ANCHORER_KEYSTORE, core.home.passphrase())
    chain = NodeAnchorChain(
        HttpRpc(chain_url(core.settings)), adopted.chain_id, adopted.registry, account
    )
    holder = holder_name()
    ttl = timedelta(seconds=LEASE_SECONDS)
    lease = Lease(core.database, "anchorer", holder, ttl, Scope.venue())
    anchorer = Anchorer(
        core.store,
        chain,
        DirectoryStore(core.home.log),
        core.home.anchors,
        timedelta(seconds=core.settings.anchor_max_age),
        lease=lease,
    )
    checked = False

    def step() -> bool:
        nonlocal checked
        if not lease.acquire():
            raise LeaseLost("Another anchorer leads; standing by.")
        if not checked:
            anchorer.check()
            checked = True
        done = anchorer.step()
        return done.split(" ")[0] in ("submitted", "included", "final", "reorganised")

    try:
        idle = core.settings.finality_interval / 2
        Loop("anchorer", stop, idle, core.home.pulse("anchorer")).run(step)
    finally:
        if lease.fence is not None:
            lease.release()
