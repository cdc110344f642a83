"""The demonstration after its play: a person trades by hand, in two browser sessions, to FINAL.

Everything goes over HTTP as the dashboard does it: sign-in by name, the cookie, the development
wallet. Nothing is typed in a terminal.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from anchoring.policy import parse_policy
from backend.platform.anvil.process import free_port
from backend.web.auth import SESSION_COOKIE

pytestmark = [pytest.mark.db, pytest.mark.chain]

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class Demo:
    """A running demonstration."""

    url: str
    home: Path
    process: subprocess.Popen[str]
    output: Path

    def said(self) -> str:
        return self.output.read_text("utf-8")


class Browser:
    """A browser without a window: a cookie, and the headers a browser adds by itself."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Sec-Fetch-Site": "same-origin"})

    def get(self, path: str, **query: Any) -> Any:
        return self._read(self.http.get(f"/api/v1{path}", params=query))

    def post(self, path: str, body: Any) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._read(self.http.post(f"/api/v1{path}", json=body, headers=headers))

    def sign_in(self, name: str) -> dict[str, Any]:
        cast = self.get("/config")["development"]["participants"]
        chosen = next(each for each in cast if each["name"] == name)
        answer = self.http.post(
            "/api/v1/development/sessions", json={"participant_id": chosen["participant_id"]}
        )
        # A browser sends a Secure cookie to http://localhost; httpx does not.
        secret = answer.headers["set-cookie"].split(";")[0].removeprefix(f"{SESSION_COOKIE}=")
        self.http.cookies.clear()
        self.http.headers["Cookie"] = f"{SESSION_COOKIE}={secret}"
        found: dict[str, Any] = self._read(answer)
        return found

    def wallet(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self.post("/development/rpc", body)
        assert answer["error"] is None, answer
        return answer["result"]

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        assert response.status_code < 300, response.text
        return response.json()


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    home = Path(tempfile.mkdtemp(prefix="tally-stays-"))
    home.chmod(0o711)
    found = begin(home)
    try:
        until(lambda: "Dashboard:" in found.said() or found.process.poll() is not None, 200)
        assert found.process.poll() is None, found.said()
        yield found
    finally:
        found.process.send_signal(signal.SIGTERM)
        found.process.wait(60)
        left = witnesses_of(home)
        shutil.rmtree(home, ignore_errors=True)
        assert left == []


def begin(home: Path, **environment: str) -> Demo:
    port, output = free_port(), home / "output.txt"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TALLYSTICK_")}
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend", "demo", "--port", str(port)],
            cwd=CHECKOUT,
            env={**kept, "TALLYSTICK_HOME": str(home), "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    return Demo(f"http://localhost:{port}", home, process, output)


def witnesses_of(home: Path) -> list[psutil.Process]:
    """The witness processes, of any demonstration, whose keys lie in this home."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        command = each.info["cmdline"] or []
        if "witness" in command and any(str(home) in part for part in command):
            found.append(each)
    return found


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError("waited in vain")


def order(who: Browser, session: dict[str, Any], side: str) -> dict[str, Any]:
    (portfolio,) = who.get("/portfolios")["items"]
    account = who.get(f"/portfolios/{portfolio['portfolio_id']}/accounts")[0]
    security = who.get("/securities", ticker="AAPL")["items"][0]
    today = who.get("/status")["now"][:10]
    price = who.get(f"/securities/{security['security_id']}/price", on=today, max_age_days=10)
    return {
        "account_id": account["account_id"],
        "security_id": security["security_id"],
        "side": side,
        "quantity": "7",
        "limit_price": price["close"],
        "client_order_id": uuid.uuid4().hex,
    }


def test_it_names_the_dashboard_first_and_whom_to_sign_in_as(demo: Demo) -> None:
    end = demo.said()[demo.said().index("Done.") :]
    assert end.index(f"Dashboard: {demo.url}") < end.index("/docs")
    for name in ("Alder Capital", "Birch Partners", "Tallystick Venue"):
        assert name in end


def test_a_trade_by_hand_comes_to_its_end_without_a_terminal(demo: Demo) -> None:
    alder, birch, venue = (Browser(demo.url) for _ in range(3))
    sessions = [
        who.sign_in(name)
        for who, name in (
            (alder, "Alder Capital"), (birch, "Birch Partners"), (venue, "Tallystick Venue"),
        )
    ]  # fmt: skip
    assert sessions[2]["roles"] == ["auditor", "operator"]
    before = alder.get("/status")["now"]
    bought = alder.post("/orders", order(alder, sessions[0], "buy"))
    birch.post("/orders", order(birch, sessions[1], "sell"))
    until(lambda: alder.get(f"/orders/{bought['order_id']}")["status"].upper() == "FILLED")
    (fill,) = alder.get("/trades", order_id=bought["order_id"])["items"]
    paths = []
    for who, session in ((alder, sessions[0]), (birch, sessions[1])):
        found = until(lambda who=who: instruction_of(who, fill["trade_id"]))
        path = f"/instructions/{found['instruction_id']}"
        consent = who.get(path)["consent"]
        (account,) = who.wallet("eth_accounts")
        assert account == session["wallets"][0]["address"]
        signature = who.wallet("eth_signTypedData_v4", account, consent["typed_data"])
        who.post(f"{path}/signature", {"signature": signature})
        paths.append(path)

    def ended() -> Any:
        found = venue.get(f"/settlements/{fill['trade_id']}")
        return found if found["timeline"]["outcome"] != "under_way" else None

    settled = until(ended, 120)
    assert settled["state"] == "FINAL", settled
    assert {each["state"] for each in settled["timeline"]["steps"]} == {"done"}
    assert "settlement date of trade" in demo.said()
    assert alder.get("/status")["now"] > before
    mine = alder.get(f"{paths[0]}/timeline")["timeline"]
    assert [each["state"] for each in mine["steps"]] == ["done"] * 8
    own = {each["name"]: each["event_id"] for each in mine["steps"]}
    assert own["signed_seller"] is None  # the other side's consent is not one's own event
    for name in ("instructed", "signed_buyer", "matched", "submitted", "included", "final"):
        assert until(lambda name=name: provable(alder, own[name])), name
    until(lambda: Decimal(units(alder)) == 107)


def instruction_of(who: Browser, trade_id: str) -> dict[str, Any] | None:
    rows = who.get("/instructions")["items"]
    return next((each for each in rows if each["trade_id"] == trade_id), None)


def provable(who: Browser, event_id: str) -> bool:
    return who.http.get(f"/api/v1/events/{event_id}/proof").status_code == 200


def units(who: Browser) -> str:
    (portfolio,) = who.get("/portfolios")["items"]
    held = who.get(f"/portfolios/{portfolio['portfolio_id']}/holdings")["items"]
    return str(sum(Decimal(each["units"]) for each in held))


def test_two_witnesses_of_the_traders_cosign_what_bundles_prove(demo: Demo) -> None:
    running = witnesses_of(demo.home)
    assert len(running) == 2
    for trader in ("alder", "birch"):
        folder = demo.home / "demo" / trader
        assert (folder / "witness.key").stat().st_mode & 0o077 == 0
        assert (folder / "witness.sqlite").exists()
    for each in running:
        told = " ".join(each.environ())
        assert "DATABASE_URL" not in told
        assert "TALLYSTICK" not in told
    assert "alder-capital http://127.0.0.1:" in demo.said()
    proof = sorted((demo.home / "demo").glob("*-settlement.finalised.tlog-proof"))[-1]
    checked = subprocess.run(
        [sys.executable, "-m", "backend", "verify", str(proof), "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    verdicts = json.loads(checked.stdout)["verdicts"]
    assert verdicts["witnesses"] == {
        **verdicts["witnesses"],
        "status": "ok",
        "detail": "quorum reached by alder-capital, birch-partners",
    }
    policy = parse_policy((demo.home / "log" / "policy.txt").read_bytes())
    for key in policy.witnesses.values():
        head = httpx.get(f"{policy.urls[str(key)]}/livez")
        assert head.status_code == 200


def test_the_interface_process_has_no_key_of_a_trader(demo: Demo) -> None:
    """The secret of the wallet is in the environment of two processes, and of no other."""
    holders = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            environment = (each / "environ").read_bytes()
            command = (each / "cmdline").read_bytes()
        except OSError:
            continue
        if str(demo.home).encode() in environment and b"WALLET_SECRET" in environment:
            holders.append(command.split(b"\0")[3].decode())
    assert sorted(holders) == ["serve", "wallet"]


def test_a_killed_demonstration_leaves_no_witness() -> None:
    home = Path(tempfile.mkdtemp(prefix="tally-killed-"))
    home.chmod(0o711)
    found = begin(home)
    try:
        until(lambda: "policy asks for both" in found.said() or found.process.poll(), 120)
        assert len(witnesses_of(home)) == 2, found.said()
        found.process.kill()
        found.process.wait(10)
        until(lambda: not witnesses_of(home), 30)
    finally:
        found.process.kill()
        found.process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def test_an_operators_own_policy_is_left_alone(tmp_path: Path) -> None:
    """The traders' witnesses would be no part of it, so none are started."""
    home = Path(tempfile.mkdtemp(prefix="tally-own-"))
    home.chmod(0o711)
    policy = tmp_path / "policy.txt"
    policy.write_text("quorum none\n")
    found = begin(home, TALLYSTICK_WITNESS_POLICY=str(policy))
    try:
        until(lambda: "Open two participants" in found.said() or found.process.poll(), 120)
        assert witnesses_of(home) == []
        assert "witness-" not in found.said()
        published = parse_policy((home / "log" / "policy.txt").read_bytes())
        assert (published.witnesses, published.quorum) == ({}, None)
        assert not (home / "demo" / "alder").exists()
    finally:
        found.process.send_signal(signal.SIGTERM)
        found.process.wait(60)
        shutil.rmtree(home, ignore_errors=True)
