"""The worker: subscriptions in log order, settlements to their end, the index, due erasures."""

import os
import random
import socket
import threading

from anchoring.rpc import HttpRpc
from backend.audit.indexer import Indexer, indexer_lease
from backend.identity.contacts import Contacts
from backend.identity.erasures import DueErasures
from backend.kernel.clock import SystemClock
from backend.platform.bootstrap import Core, Venue, chain_url
from backend.platform.home import Home
from backend.platform.processes.parallel import run_loops
from backend.platform.settings import Settings
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.chain.signer import LocalSigner, RemoteSigner, TransactionSigner
from backend.settlement.steps import WorkerPolicy
from backend.settlement.wallet import load_keystore
from backend.settlement.worker import SettlementWorker

SETTLER_KEYSTORE = "settler.json"
IDLE_SECONDS = 0.05


def settler(home: Home, settings: Settings | None = None) -> TransactionSigner:
    """The key that submits settlements: its keystore, or a signing service that holds it.

    Raises KeyUnavailable, NodeUnavailable.
    """
    if settings is not None and settings.settler_signer_url is not None:
        rpc = HttpRpc(settings.settler_signer_url.get_secret_value())
        return RemoteSigner(rpc, settings.settler_signer_address)
    return LocalSigner(load_keystore(home.keys / SETTLER_KEYSTORE, home.passphrase()))


def run(core: Core, stop: threading.Event) -> None:
    """Work until ``stop``. Raises ChainMismatch when the node serves another chain."""
    venue = Venue(core)
    node = Node(chain_url(core.settings), venue.domain.chain_id)
    chain = Web3SettlementChain(node, venue.domain.contract, settler(core.home, core.settings))
    owner = f"{socket.gethostname()}:{os.getpid()}"
    policy = WorkerPolicy(
        lease=core.settings.worker_lease,
        poll=core.settings.finality_interval / 2,
        idle_poll=0.5,
        bump_after=core.settings.bump_after,
    )
    settlements = SettlementWorker(core.store, chain, venue.breakers, owner, random.random, policy)

    def react() -> bool:
        handled = [runner.step() for runner in venue.runners]  # each gets its turn
        return any(handled)

    interval = core.settings.index_seconds
    indexer = Indexer(core.store, indexer_lease(core.database, interval), interval)
    steps = {
        "subscriptions": react, "settlement": settlements.run_once, "index": indexer.step,
        "erasures": DueErasures(Contacts(core.store, SystemClock())).step,
    }  # fmt: skip
    try:
        run_loops(steps, stop, IDLE_SECONDS, core.home.pulse)
    finally:
        indexer.release()
