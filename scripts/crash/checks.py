"""What must hold when everything has come to rest; each breach is a ``Violation`` with its kind."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from anchoring.checkpoint import parse_checkpoint
from anchoring.log_check import check_log
from anchoring.policy import parse_policy
from anchoring.registry import read_anchored
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from backend.audit.anchorer import evidence_path
from backend.eventstore.replay import replay_and_compare
from backend.platform.bootstrap import event_registry, open_core, projection_set
from backend.platform.processes.worker import settler
from backend.settlement.chain.adapter import SETTLED_TOPIC
from scripts.crash.traffic import Ledger
from scripts.crash.world import CASH, TICKER, UNITS, World

Row = dict[str, Any]
Connection = psycopg.Connection[Row]

LOST = "lost"
DOUBLED = "doubled"
CONSERVATION = "conservation"
REPLAY = "replay"
LOG = "log"
ANCHORS = "anchors"
NONCE = "nonce"
UNKNOWN_TRANSACTION = "unknown-transaction"
DANGLING = "dangling"
ENDED = "ended-by-itself"

_BOOKED = """
SELECT stream_id, convert_from(entry, 'UTF8')::jsonb #>> '{event,payload,trade_id}' AS trade_id,
       count(*) AS times
FROM events WHERE type = 'account.trade_booked' GROUP BY 1, 2
"""
_ENDED = """
SELECT type, stream_id, count(*) AS times FROM events
WHERE type IN ('settlement.finalised', 'instruction.settled') GROUP BY 1, 2
"""
_NONCES = """
SELECT sender, nonce, array_agg(DISTINCT trade_id) AS trades FROM settlement_transactions
GROUP BY 1, 2 HAVING count(DISTINCT trade_id) > 1
"""
_HOLES = """
SELECT tenant_id, stream_id FROM events GROUP BY 1, 2
HAVING max(stream_version) <> count(*) OR min(stream_version) <> 1
"""


@dataclass(frozen=True)
class Violation:
    """A broken invariant: its kind and a sentence with the ids."""

    kind: str
    text: str


@dataclass(frozen=True)
class Findings:
    """What one look found, and how much it looked at."""

    violations: tuple[Violation, ...]
    settlements: int
    events: int
    anchors: int

    def kinds(self) -> set[str]:
        return {each.kind for each in self.violations}


class Examiner:
    """Looks at database, chain and files of one world. ``outside`` are transactions of ours."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self.outside: set[str] = set()
        self._scanned = 0
        self._sent: dict[str, str] = {}

    def look(self) -> Findings:
        """Every invariant; the platform must be at rest."""
        found: list[Violation] = []
        with psycopg.connect(self._world.database.admin, row_factory=dict_row) as db:
            checks: tuple[Callable[[Connection], Iterable[Violation]], ...] = (
                self._orders, self._settlements, self._books, self._conservation, self._nonces,
                self._transactions, self._streams, self._rest, self._anchors,
            )  # fmt: skip
            for check in checks:
                found += check(db)
            settlements, events, anchors = (
                _count(db, table)
                for table in ("settlements WHERE state = 'FINAL'", "events", "anchors")
            )
        found += self._log()
        found += self._replay()
        return Findings(tuple(found), settlements, events, anchors)

    def _orders(self, db: Connection) -> Iterable[Violation]:
        """Every acknowledged order exists once and is filled; no other order exists."""
        rows = {row["order_id"]: row for row in db.execute("SELECT * FROM orders").fetchall()}
        for client_order_id, order_id in self._ledger.orders.items():
            row = rows.pop(order_id, None)
            if row is None:
                yield Violation(LOST, f"order {order_id} ({client_order_id}) is gone")
            elif row["status"] != "filled":
                yield Violation(LOST, f"order {order_id} is {row['status']}, not filled")
        for order_id in rows:
            yield Violation(DOUBLED, f"order {order_id} was never acknowledged to a client")

    def _settlements(self, db: Connection) -> Iterable[Violation]:
        """Trades, settlements and the chain's own logs are the same set."""
        trades = {row["trade_id"] for row in db.execute("SELECT trade_id FROM trades").fetchall()}
        rows = db.execute("SELECT trade_id, state, number, cause FROM settlements").fetchall()
        on_chain = Counter(self._settled_numbers())
        for trade_id in trades - {row["trade_id"] for row in rows}:
            yield Violation(LOST, f"trade {trade_id} has no settlement")
        for row in rows:
            times = on_chain.pop(row["number"], 0)
            if times > 1:
                yield Violation(DOUBLED, f"trade {row['trade_id']} settled {times} times on chain")
            if times and row["state"] != "FINAL":
                text = f"trade {row['trade_id']} is settled on chain and {row['state']} here"
                yield Violation(LOST, f"{text} ({row['cause']})")
            if not times:
                text = f"trade {row['trade_id']} is {row['state']} and not on the chain"
                yield Violation(LOST, f"{text} ({row['cause']})")
        for number in on_chain:
            yield Violation(DOUBLED, f"the chain settled number {number}, which is no trade's")
        for row in db.execute(_ENDED).fetchall():
            if row["times"] != 1:
                yield Violation(
                    DOUBLED, f"{row['type']} {row['times']} times in {row['stream_id']}"
                )

    def _books(self, db: Connection) -> Iterable[Violation]:
        """Each FINAL settlement is booked once on each side, and nothing else is."""
        booked = Counter({(r["stream_id"], r["trade_id"]): r["times"] for r in db.execute(_BOOKED)})
        for (stream, trade), times in booked.items():
            if times != 1:
                yield Violation(DOUBLED, f"trade {trade} is booked {times} times in {stream}")
        rows = db.execute(
            "SELECT trades.trade_id, buyer_account_id, seller_account_id FROM trades"
            " JOIN settlements USING (trade_id) WHERE state = 'FINAL'"
        ).fetchall()
        wanted = {
            (f"account-{row[side]}", row["trade_id"])
            for row in rows
            for side in ("buyer_account_id", "seller_account_id")
        }
        for stream, trade in wanted - booked.keys():
            yield Violation(LOST, f"trade {trade} is final and not booked in {stream}")
        for stream, trade in booked.keys() - wanted:
            yield Violation(DOUBLED, f"trade {trade} is booked in {stream} without being final")

    def _conservation(self, db: Connection) -> Iterable[Violation]:
        """Per wallet chain equals books; per token the sum is what was minted."""
        world = self._world
        contracts = (world.deployment.securities[TICKER], world.deployment.cash["USD"])
        totals = [Decimal(0), Decimal(0)]
        for who in world.participants:
            held = who.api.get(f"/portfolios/{who.portfolio_id}/holdings")["items"]
            account = who.api.get(f"/accounts/{who.account_id}")
            books = (sum((Decimal(row["units"]) for row in held), Decimal(0)), account["balance"])
            for index, contract in enumerate(contracts):
                chain = Decimal(self._balance(contract.address, who.address))
                chain /= 10**contract.decimals
                totals[index] += chain
                if chain != Decimal(books[index]):
                    text = f"{who.name} has {books[index]} in the books, {chain} on chain"
                    yield Violation(CONSERVATION, f"{text} of {('units', 'cash')[index]}")
            if Decimal(account["reserved"]) != 0:
                text = f"{who.name} still has {account['reserved']} reserved"
                yield Violation(CONSERVATION, text)
        people = len(world.participants)
        for name, total, start in (("units", totals[0], UNITS), ("cash", totals[1], CASH)):
            if total != start * people:
                yield Violation(CONSERVATION, f"{total} {name} in all, {start * people} minted")

    def _nonces(self, db: Connection) -> Iterable[Violation]:
        """A nonce is for one settlement, and every nonce that was given is spent."""
        for row in db.execute(_NONCES).fetchall():
            text = f"nonce {row['nonce']} of {row['sender']} was given to {row['trades']}"
            yield Violation(NONCE, text)
        for row in db.execute("SELECT sender, next_nonce FROM chain_nonces").fetchall():
            spent = int(self._ask("eth_getTransactionCount", row["sender"], "latest"), 16)
            if spent != row["next_nonce"]:
                text = f"{row['sender']} has spent {spent} nonces, {row['next_nonce']} were given"
                yield Violation(NONCE, text)

    def _transactions(self, db: Connection) -> Iterable[Violation]:
        """Nothing of the settler's is on the chain that the log did not hold first."""
        rows = db.execute("SELECT transaction_hash FROM settlement_transactions").fetchall()
        known = {row["transaction_hash"].lower() for row in rows} | self.outside
        self._scan(str(settler(self._world.home).address).lower())
        for transaction_hash in self._sent.keys() - known:
            text = f"the settler sent {transaction_hash}, which no event names"
            yield Violation(UNKNOWN_TRANSACTION, text)

    def _streams(self, db: Connection) -> Iterable[Violation]:
        """Stream versions and log positions have no holes; the outbox is empty."""
        for row in db.execute(_HOLES).fetchall():
            yield Violation(LOG, f"the versions of {row['stream_id']} have a hole")
        feed = db.execute(
            "SELECT count(*) AS n, coalesce(max(position) + 1, 0) AS size FROM feed"
        ).fetchone()
        events = _count(db, "events")
        if feed is None or not feed["n"] == feed["size"] == events:
            yield Violation(LOG, f"{events} events, but the feed is {feed}")

    def _rest(self, db: Connection) -> Iterable[Violation]:
        """No work, no lease on work, nothing in the outbox, no open transaction."""
        questions = {
            "settlements on the work list": "settlement_work",
            "events in the outbox": "unsequenced",
            "prepared transactions": "pg_prepared_xacts",
            "sessions that stand in a transaction": "pg_stat_activity"
            " WHERE state = 'idle in transaction' AND state_change < now() - interval '5 seconds'",
            "book orders that rest": "book_orders WHERE leaves > 0",
        }
        for what, where in questions.items():
            count = _count(db, where)
            if count:
                yield Violation(DANGLING, f"{count} {what}")

    def _anchors(self, db: Connection) -> Iterable[Violation]:
        """The registry's sizes only grow; each final anchor is one of them, with its evidence."""
        home, rpc = self._world.home, HttpRpc(self._world.chain.node.url)
        contract = self._world.deployment.anchor_registry
        if contract is None:
            return
        logs = read_anchored(rpc, bytes.fromhex(contract.address[2:]), 0)
        sizes = [log.size for log in logs]
        if sizes != sorted(set(sizes)):
            yield Violation(ANCHORS, f"anchored sizes do not grow: {sizes}")
        roots = {log.size: log.root.hex() for log in logs}
        for row in db.execute("SELECT * FROM anchors WHERE state = 'FINAL'").fetchall():
            size, digest = row["size"], row["evidence_sha256"]
            if roots.get(size) != row["root"]:
                yield Violation(ANCHORS, f"the final anchor of {size} is not on the chain")
            path = evidence_path(home.anchors, size, digest)
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield Violation(ANCHORS, f"the evidence of anchor {size} is not there")

    def _log(self) -> Iterable[Violation]:
        """``tally verify-log``, with every checkpoint ever seen and every anchor as a head."""
        folder = self._world.home.log
        store = DirectoryStore(folder)
        seen = [parse_checkpoint(data)[0] for data in self._world.watcher.seen]
        sizes = [each.size for each in seen]
        if sizes != sorted(sizes):
            yield Violation(LOG, "the published checkpoint became smaller")
        policy = parse_policy((folder / "policy.txt").read_bytes())
        kept = {size: store.kept_checkpoint(size) or b"" for size in store.kept_sizes()}
        heads = [(each.size, each.root) for each in seen]
        report = check_log(store, policy, (folder / "keys").read_bytes(), kept, heads)
        if report.problem is not None:
            problem = report.problem
            yield Violation(LOG, f"{problem.check}: {problem.where}: {problem.message}")

    def _replay(self) -> Iterable[Violation]:
        """Every read model built again from the log equals the live one."""
        world = self._world
        conninfo = world.database.conninfo
        with open_core(world.settings, "crash", conninfo, reader=True) as core:
            registry, projections = event_registry(), projection_set(core.home)
            report = replay_and_compare(core.database, registry, projections)
        for each in report.differences:
            yield Violation(REPLAY, f"{each.table}, only {each.side}: {each.row[:300]}")

    def _settled_numbers(self) -> list[int]:
        address = self._world.deployment.settlement.address
        query = {"address": address, "topics": [SETTLED_TOPIC], "fromBlock": "0x0"}
        logs = self._ask("eth_getLogs", {**query, "toBlock": "latest"})
        return [int(log["topics"][1], 16) for log in logs]

    def _scan(self, sender: str) -> None:
        """Remember what ``sender`` has in the blocks that came since the last look."""
        head = self._world.chain.head()
        for number in range(self._scanned, head + 1):
            block = self._ask("eth_getBlockByNumber", hex(number), True)
            for transaction in block["transactions"]:
                if transaction["from"].lower() == sender:
                    self._sent[transaction["hash"].lower()] = json.dumps(transaction["nonce"])
        self._scanned = head + 1

    def _balance(self, token: str, wallet: str) -> int:
        data = "0x70a08231" + "00" * 12 + wallet[2:].lower()  # balanceOf(address)
        return int(self._ask("eth_call", {"to": token, "data": data}, "latest"), 16)

    def _ask(self, method: str, *parameters: object) -> Any:
        return self._world.chain.call(method, *parameters)


def _count(db: Connection, rows: str) -> int:
    """How many; ``rows`` is a table and perhaps a condition, written in this module."""
    row = db.execute(f"SELECT count(*) AS n FROM {rows}".encode()).fetchone()  # noqa: S608
    return int(row["n"]) if row else 0
