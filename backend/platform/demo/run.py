"""Raises the curtain: servers, contracts, data, processes; then the play; then stays up."""

import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack

import httpx

from backend.eventstore.clock import BusinessClock
from backend.eventstore.scope import Scope
from backend.identity.service import IdentityService
from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.bootstrap import Core, open_core
from backend.platform.demo import development, evidence, script, witnesses
from backend.platform.demo.cast import Cast
from backend.platform.demo.chain import DevelopmentChain
from backend.platform.demo.client import wait_for
from backend.platform.demo.data import TOKENISED, ReferenceData
from backend.platform.demo.script import Play
from backend.platform.demo.staying import Staying
from backend.platform.demo.telling import Telling
from backend.platform.edge.development import PARTICIPANTS, read_cast
from backend.platform.settings import Settings
from backend.platform.stage import Stage, open_stage
from backend.platform.supervisor import Supervisor
from backend.settlement.chain.deploy import SecuritySpec

PROCESSES = ("sequencer", "worker", "anchorer")
NAMES = ("Alder Capital", "Birch Partners")


class PortTaken(DomainError):
    """Another program listens on the port."""

    code = ErrorCode.CONFIGURATION_INVALID


def run(settings: Settings, telling: Telling, once: bool, stop: threading.Event) -> None:
    """Do the main job; unless ``once``, stay up until ``stop``.

    Raises the typed error of the step that failed; ``telling.step_name`` names it.
    """
    _require_port(settings)
    genesis = int(script.at(script.FIRST_DAY, script.MORNING).timestamp())
    with ExitStack() as stack:
        with telling.step("Start PostgreSQL and the chain, bring the schema up to date"):
            stage = stack.enter_context(open_stage(settings, genesis))
            core = stack.enter_context(open_core(settings, "operator", stage.conninfo))
            known = _log_size(core)
            telling.say(f"found {known:,} events of earlier runs" if known else "a new, empty log")
        play = _set(stack, settings, telling, stage, core)
        _play(play)
        evidence.give(play, core, known)
        if once:
            telling.leave(core.home.demo)
            return
        telling.finish(settings.base_url, core.home.demo, _sign_in_names(core))
        staying = Staying(play, core)
        while not stop.wait(0.5):
            staying.look()
        telling.note("Stopping …")


def _set(stack: ExitStack, settings: Settings, telling: Telling, stage: Stage, core: Core) -> Play:
    """Contracts, data, processes, participants: found again where they are there already."""
    chain = DevelopmentChain(stage.node, core.home, settings.chain_id)
    clock = BusinessClock(core.database)
    surroundings = {**stage.environment(settings), **witnesses.environment(settings, core.home)}
    supervisor = Supervisor(surroundings, core.home.process_logs)
    stack.callback(supervisor.stop)
    vouching = witnesses.start(supervisor, settings, core.home, NAMES)
    with telling.step("Deploy the contracts, adopt the registry"):
        if not _log_has_clock(core):
            clock.advance_to(script.at(script.FIRST_DAY, script.MORNING))
        reference = ReferenceData(core)
        securities = reference.register()
        specs = tuple(
            SecuritySpec(ticker, securities[ticker].name, securities[ticker].isin)
            for ticker in TOKENISED
        )
        deployment = chain.deploy(specs, ("USD",), settings.log_origin)
        chain.adopt(core, deployment)
        reference.tokenise(securities, deployment)
        chain.finalize()
        telling.say(f"Settlement {deployment.settlement.address}")
        registry = deployment.anchor_registry
        telling.say(f"AnchorRegistry {registry.address if registry else ''}")
    with telling.step("Load real prices and rates from installed packages"):
        for each in reference.load(securities, lambda *_: None):
            state = "imported" if each.new else "already in"
            telling.say(f"{each.rows:>7,} rows {state}, sha256 {each.sha256[:16]}…")
    with telling.step("Start the processes, each with its own key"):
        _start_processes(supervisor, settings, telling, stage, core, vouching)
    with telling.step("Open two participants, bind their wallets, fund them"):
        cast = Cast(core.home.demo, _api_url(settings), settings.chain_id)
        operator = cast.operator(IdentityService(core.store, settings.log_origin))
        (alder, new), (birch, _) = (cast.trader(operator, name) for name in NAMES)
        for trader in (alder, birch):
            telling.say(f"{trader.name}: wallet {trader.address}, keystore kept on its own side")
        cast.announce((alder, birch))
        play = Play(
            telling, operator, (alder, birch), securities, deployment, chain.deployer(), chain,
            clock, supervisor.check,
        )  # fmt: skip
        if new or not alder.api.get(f"/accounts/{alder.account_id}/ledger")["items"]:
            _endow(play)
    return play


def _endow(play: Play) -> None:
    """Money and securities for both, and a limit for the one that buys."""
    script.fund(play)
    alder = play.traders[0]
    limit = {
        "tenant_id": alder.participant_id,
        "max_units": script.MAX_UNITS,
        "reason": "concentration",
    }
    play.operator.put("/limits", limit)
    play.telling.say(f"position limit of {alder.name}: {script.MAX_UNITS} units a security")


def _start_processes(
    supervisor: Supervisor,
    settings: Settings,
    telling: Telling,
    stage: Stage,
    core: Core,
    vouching: Sequence[witnesses.Vouching],
) -> None:
    """The witnesses, which start while data is loaded, are there before whoever asks them."""
    listening = witnesses.introduce(supervisor, core.home, vouching)
    for name in PROCESSES:
        supervisor.start(name)
    wallet = development.start_wallet(supervisor, settings, stage)
    supervisor.start("serve", ["--port", str(settings.port)], wallet)
    _await_ready(settings, supervisor)
    telling.say(", ".join(f"{name} {pid}" for name, pid in supervisor.pids().items()))
    if listening:
        telling.say(f"witnesses: {', '.join(listening)}; the policy asks for both")


def _play(play: Play) -> None:
    security = play.securities["AAPL"]
    day = script.next_trade_date(play)
    if day is None:
        with play.telling.step("No further trade"):
            play.telling.say("the packaged prices end before another trade could settle")
        return
    seller, buyer = script.parties(play, security.security_id)
    play.advance(script.at(day, script.AFTER_CLOSE))
    order = script.order_for(play, seller, security, day)
    with play.telling.step("Trip the circuit breaker, and reset it"):
        script.trip_and_reset(play, seller, order)
    with play.telling.step("Orders that compliance refuses"):
        script.refusals(play, seller, buyer, order)
    with play.telling.step(f"Trade {script.UNITS} AAPL at the close of {day}"):
        trade = script.trade(play, seller, buyer, {**order, "client_order_id": f"demo-{day}"})
        play.telling.say(
            f"matched {trade['quantity']} at {trade['price']} {trade['currency']}: {seller.name}"
            f" sells, {buyer.name} buys, settles {trade['settlement_date']}"
        )
    with play.telling.step("Both parties sign the same trade with their wallets"):
        script.sign_both(play, seller, buyer, trade["trade_id"])
    with play.telling.step(f"Settle on {trade['settlement_date']}: one transaction, both legs"):
        play.advance(script.settlement_morning(day))
        script.settle(play, trade["trade_id"])
    with play.telling.step("The books follow"):
        wait_for("the books", lambda: _booked(play, trade["trade_id"]), meanwhile=play.tick)
        on = play.clock.now().date()
        script.show_books(play, security, on)
        script.show_nav(play, script.week_before(day), on)


def _sign_in_names(core: Core) -> list[str]:
    """Whom the dashboard offers to sign in as; nobody where development mode is off."""
    return [each.name for each in read_cast(core.home.demo / PARTICIPANTS)]


def _booked(play: Play, trade_id: str) -> bool | None:
    for trader in play.traders:
        rows = trader.api.pages("/events", stream_id=f"account-{trader.account_id}", limit=200)
        booked = [each["payload"].get("trade_id") for each in rows]
        if trade_id not in booked:
            return None
    return True


def _log_size(core: Core) -> int:
    with core.database.transaction(Scope.auditor()) as connection:
        row = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
    return int((row["size"] if row else None) or 0)


def _log_has_clock(core: Core) -> bool:
    with core.database.transaction(Scope.auditor()) as connection:
        row = connection.execute(
            "SELECT offset_microseconds AS offset FROM business_clock"
        ).fetchone()
    return bool(row and row["offset"])


def _await_ready(settings: Settings, supervisor: Supervisor) -> None:
    def ready() -> bool | None:
        try:
            answer = httpx.get(f"{_api_url(settings)}/readyz", timeout=2.0)
        except httpx.HTTPError:
            return None
        return True if answer.status_code == 200 else None

    wait_for("the API to be ready", ready, meanwhile=supervisor.check)


def _api_url(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}"


def _require_port(settings: Settings) -> None:
    """Raises PortTaken now rather than after the set-up."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise PortTaken(
                f"Port {settings.port} is taken; choose another one: make run PORT=8001."
            ) from None
