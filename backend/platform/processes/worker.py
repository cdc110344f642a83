"""The worker's process: subscriptions in log order, and settlements driven to their end."""

import os
import random
import socket
import threading

from backend.platform.bootstrap import Core, Venue, chain_url
from backend.platform.home import Home
from backend.platform.processes.parallel import run_loops
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.chain.signer import LocalSigner
from backend.settlement.steps import WorkerPolicy
from backend.settlement.wallet import load_keystore
from backend.settlement.worker import SettlementWorker

SETTLER_KEYSTORE = "settler.json"
IDLE_SECONDS = 0.05


def settler(home: Home) -> LocalSigner:
    """The key that submits settlements, from its keystore. Raises KeyUnavailable."""
    return LocalSigner(load_keystore(home.keys / SETTLER_KEYSTORE, home.passphrase()))


def run(core: Core, stop: threading.Event) -> None:
    """Work until ``stop``. Raises ChainMismatch when the node serves another chain."""
    venue = Venue(core)
    node = Node(chain_url(core.settings), venue.domain.chain_id)
    chain = Web3SettlementChain(node, venue.domain.contract, settler(core.home))
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

    steps = {"subscriptions": react, "settlement": settlements.run_once}
    run_loops(steps, stop, IDLE_SECONDS, core.home.pulse)
