"""Who is killed when, and what the chain does meanwhile: scripted for a test, or by chance."""

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount

from backend.kernel.errors import DomainError
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.platform.processes.worker import SETTLER_KEYSTORE
from backend.settlement.wallet import load_keystore
from scripts.crash.processes import Ended
from scripts.crash.proxy import Order, Spoil
from scripts.crash.servers import FINALITY
from scripts.crash.tally import Tally
from scripts.crash.world import World

TRADING, SETTLING = "trading", "settling"
SEND = "eth_sendRawTransaction"
HANG_SECONDS = 12.0
"""Longer than the platform's own timeout for a node's answer, which is ten seconds."""
DEEPEST = FINALITY - 3

# Where each kind of process may be told to kill itself, by what the platform is busy with.
POINTS: dict[str, dict[str, tuple[str, ...]]] = {
    TRADING: {
        "api": (
            "order.accepted.decided", "order.accepted.inserted", "order.accepted.committed",
            "instruction.signed.inserted", "instruction.signed.committed",
        ),
        "worker": (
            "trade.executed.decided", "trade.executed.inserted", "trade.executed.committed",
            "order.filled.inserted", "matching.committed", "settlement.instructed.inserted",
            "settlement.instructed.committed", "settlement.instructing.committed",
            "settlement.side_signed.inserted", "settlement.signatures_completed.inserted",
            "settlement.signatures_completed.committed", "settlement.matching.committed",
        ),
    },
    SETTLING: {
        "api": (),
        "worker": (
            "settlement.submitted.decided", "settlement.submitted.inserted",
            "settlement.submitted.committed", "settlement.broadcast", "settlement.claimed",
            "settlement.looked", "settlement.included.decided", "settlement.included.inserted",
            "settlement.included.committed", "settlement.safe.committed",
            "settlement.finalised.decided", "settlement.finalised.inserted",
            "settlement.finalised.committed", "instruction.settled.inserted",
            "account.trade_booked.decided", "account.trade_booked.inserted",
            "account.trade_booked.committed", "settlement.books.committed",
            "settlement.reorged.committed", "settlement.transaction_replaced.committed",
            "settlement.transaction_dead.committed",
        ),
    },
}  # fmt: skip
ALWAYS: dict[str, tuple[str, ...]] = {
    "sequencer": (
        "sequencer.moved", "sequencer.signed", "sequencer.committed", "publication.tiles_half",
        "publication.tiles_written", "publication.locked", "publication.published",
    ),
    "worker": (
        "index.computed", "index.committed.decided", "index.committed.inserted",
        "index.committed.committed",
    ),
    "anchorer": (
        "anchor.submitted.decided", "anchor.submitted.inserted", "anchor.submitted.committed",
        "anchor.broadcast", "anchor.included.decided", "anchor.included.committed",
        "anchor.evidence", "anchor.finalised.inserted", "anchor.finalised.committed",
        "anchor.reorged.committed",
    ),
}  # fmt: skip
# How often each trouble comes by chance, and when.
WEIGHTS = {
    "kill worker": 6, "kill sequencer": 3, "kill anchorer": 3, "kill api": 3, "kill postgres": 1,
    "kill postgres-session": 1, "kill anvil": 1, "reorganise": 2, "drop": 2, "replace": 2,
    "stick": 1, "accept-then-drop": 2, "server-error": 2, "accept-then-hang": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """One scripted trouble: its name as in ``WEIGHTS``, or "arm KIND" with a fault point."""

    trouble: str
    during: str | None = None
    point: str | None = None


class Troubles:
    """Acts on a world from a thread of its own between ``begin`` and ``end``."""

    def __init__(
        self,
        tally: Tally,
        rng: random.Random,
        pauses: tuple[float, float],
        script: Sequence[Scene] = (),
        by_chance: bool = True,
    ) -> None:
        self.tally = tally
        self._rng = rng
        self._pauses = pauses
        self._script = deque(script)
        self._by_chance = by_chance
        self._phase: str | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.world: World | None = None
        self.outside: set[str] = set()
        self.ended_by_itself: list[Ended] = []
        self.failure: BaseException | None = None

    @property
    def played(self) -> bool:
        """Whether the script is through, and every process that was armed died of it."""
        return not self._script and not self._world.company.armed()

    def begin(self, phase: str) -> None:
        """Enter a phase; troubles come from now on."""
        self._phase = phase
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="troubles", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """No more troubles, and the node answers as it should. Raises what went wrong in them."""
        self._stop.set()
        self._phase = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._world.chain.proxy.forget()
        if self.failure is not None:
            raise self.failure

    def ended(self, process: Ended) -> None:
        """A process is gone: count it, or remember it as one that had no reason to go."""
        with self._lock:
            if process.killed or process.point is not None:
                self.tally.kills[process.kind] += 1
            if process.point is not None:
                self.tally.points[process.point] += 1
            if not process.is_expected:
                self.ended_by_itself.append(process)

    def point_for(self, kind: str) -> str | None:
        """The fault point a process of this kind is restarted with."""
        phase = self._phase
        if not self._by_chance or phase is None or self._rng.random() < 0.25:
            return None
        known = (*POINTS[phase].get(kind, ()), *ALWAYS.get(kind, ()))
        if not known:
            return None
        return f"{self._rng.choice(known)}:{self._rng.choice((1, 1, 2, 3, 5))}"

    @property
    def _world(self) -> World:
        if self.world is None:
            raise RuntimeError("the troubles have no world yet")
        return self.world

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._rng.uniform(*self._pauses)):
                self._once()
        except BaseException as error:  # noqa: BLE001 - raised again by ``end``
            self.failure = error

    def _once(self) -> None:
        scene = self._next_scene()
        if scene is None:
            return
        acts: dict[str, Callable[[], bool]] = {
            "kill postgres": self._kill_postgres,
            "kill postgres-session": self._kill_session,
            "kill anvil": self._kill_anvil,
            "reorganise": self._reorganise,
            "drop": self._drop,
            "replace": self._replace,
            "stick": self._stick,
        }
        act = acts.get(scene.trouble)
        done = True
        if act is not None:
            done = act()
        elif scene.trouble.startswith("kill "):
            done = self._kill(scene.trouble.split()[1])
        elif scene.point is not None:
            self._world.company.rearm(scene.trouble.split()[1], scene.point)
        else:
            self._spoil(Spoil(scene.trouble))
        if not done and not self._by_chance:
            self._script.append(scene)  # nothing was there to act on: later

    def _next_scene(self) -> Scene | None:
        armed = {name.split("-")[0] for name in self._world.company.armed()}
        for scene in self._script:
            waits = scene.trouble.split()[-1] in armed  # it still has a point to come to
            if scene.during in (None, self._phase) and not waits:
                self._script.remove(scene)
                return scene
        if not self._by_chance:
            return None
        return Scene(self._rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])

    def _kill(self, kind: str) -> bool:
        names = [name for name in self._world.company.names() if name.split("-")[0] == kind]
        return self._world.company.kill(self._rng.choice(names))

    def _kill_postgres(self) -> bool:
        self._world.company.pause()
        try:
            self._world.database.kill()
        finally:
            self._world.company.go_on()
        self.tally.kills["postgres"] += 1
        return True

    def _kill_session(self) -> bool:
        done = self._world.database.kill_backend(self._rng.choice)
        self.tally.kills["postgres session"] += done
        return done

    def _kill_anvil(self) -> bool:
        self.tally.blocks_lost += self._world.chain.kill()
        self.tally.kills["anvil"] += 1
        return True

    def _reorganise(self) -> bool:
        depth = self._rng.randint(1, DEEPEST)
        done = self._world.chain.reorganise(depth)
        if done:
            self.tally.reorganisations[f"depth {depth}"] += 1
        return done

    def _drop(self) -> bool:
        """A transaction leaves the node's pool without a word."""
        pending = self._world.chain.pending()
        if not pending:
            return False
        chosen = self._rng.choice(pending)["hash"]
        return self._attempt("dropped", "anvil_dropTransaction", chosen)

    def _replace(self) -> bool:
        """The platform's key is used outside: the same nonce, for nothing, at a better price."""
        known = {str(account.address).lower(): account for account in self._accounts()}
        pending = [each for each in self._world.chain.pending() if each["from"].lower() in known]
        if not pending:
            return False
        chosen = self._rng.choice(pending)
        account = known[chosen["from"].lower()]
        price = 2 * int(chosen["maxFeePerGas"], 16)
        signed = Account.sign_transaction(
            {
                "type": 2, "chainId": int(chosen["chainId"], 16), "to": account.address, "value": 0,
                "nonce": int(chosen["nonce"], 16), "gas": 21_000, "maxFeePerGas": price,
                "maxPriorityFeePerGas": price,
            },
            account.key,
        )  # fmt: skip
        self.outside.add(signed.hash.to_0x_hex().lower())
        return self._attempt("replaced outside", SEND, signed.raw_transaction.to_0x_hex())

    def _stick(self) -> bool:
        """Gas becomes sixteen times dearer: what waits must be sent again for more."""
        block = self._world.chain.call("eth_getBlockByNumber", "latest", False)
        dear = 16 * int(block["baseFeePerGas"], 16)
        if dear > 100 * 10**9:
            return False
        return self._attempt("fees risen", "anvil_setNextBlockBaseFeePerGas", hex(dear))

    def _attempt(self, name: str, method: str, *parameters: object) -> bool:
        """Count it where the node went along: what waited may have been mined meanwhile."""
        try:
            self._world.chain.call(method, *parameters)
        except DomainError:
            return False
        self.tally.troubles[name] += 1
        return True

    def _spoil(self, spoil: Spoil) -> None:
        seconds = HANG_SECONDS if spoil is Spoil.ACCEPT_THEN_HANG else 0.0
        method = "" if spoil is Spoil.SERVER_ERROR else SEND
        self._world.chain.proxy.spoil(Order(spoil, method, seconds))

    def _accounts(self) -> list[LocalAccount]:
        home = self._world.home
        return [
            load_keystore(home.keys / name, home.passphrase())
            for name in (SETTLER_KEYSTORE, ANCHORER_KEYSTORE)
        ]
