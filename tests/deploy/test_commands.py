"""``tally migrate`` and ``tally deploy`` as the compose file calls them, through its entry point.

A real PostgreSQL that asks the processes' login for its password, and a real Anvil. What a
container engine would add (images, networks, volumes) is not here.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from backend.platform.anvil import Anvil, ChainOptions
from backend.platform.anvil.process import free_port
from backend.platform.postgres import EmbeddedPostgres

pytestmark = [pytest.mark.db, pytest.mark.chain]

ROOT = Path(__file__).resolve().parents[2]
ENTRYPOINT = ROOT / "deploy" / "entrypoint.sh"
PROCESSES = ("sequencer", "worker", "anchorer")
PASSWORD = "a-login-password-of-one-line"
PASSPHRASE = "a passphrase for the keystores"
# For this database and login only: other tests of the session log in as they always do.
SCRAM = "local tallystick tallystick scram-sha-256\n"


class Site:
    """One server, one chain, one home, and the entry point as a container would call it."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, chain: Anvil) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.server, self.chain = server, chain
        self.admin = server.address(dbname="tallystick")
        self.login = server.address("tallystick", "tallystick")
        self.password_file = self._file(folder, "login_password", PASSWORD)
        self.passphrase_file = self._file(folder, "key_passphrase", PASSPHRASE)

    @staticmethod
    def _file(folder: Path, name: str, content: str) -> Path:
        path = folder / name
        path.write_text(content + "\n")
        return path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}
        given = {"TALLYSTICK_HOME": str(self.home), "CHAIN_RPC_URL": self.chain.url}
        return {**kept, **given, **more}

    def secrets(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.login.url(),
            "PGPASSWORD_FILE": str(self.password_file),
            "KEY_PASSPHRASE_FILE": str(self.passphrase_file),
        }

    def tally(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ENTRYPOINT, *arguments],
            cwd=ROOT,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def migrate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.tally("migrate", "--json", *arguments, DATABASE_URL=self.admin.url())

    def as_process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.tally(*arguments, **self.secrets())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{arguments[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [ENTRYPOINT, *arguments],
                cwd=ROOT,
                env=self.environment(**self.secrets(), **environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("deploy")


@pytest.fixture(scope="module")
def site(folder: Path, postgres_server: EmbeddedPostgres) -> Iterator[Site]:
    with psycopg.connect(postgres_server.address().conninfo(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE tallystick")  # as POSTGRES_DB makes it: the superuser's
        row = admin.execute("SHOW hba_file").fetchone()
        assert row is not None
        rules = Path(row[0])
        before = rules.read_text()
        rules.write_text(SCRAM + before)
        admin.execute("SELECT pg_reload_conf()")
        try:
            with Anvil(folder, ChainOptions(), disposable=True) as chain:
                yield Site(folder, postgres_server, chain)
        finally:
            rules.write_text(before)
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("DROP DATABASE tallystick WITH (FORCE)")
            admin.execute("ALTER ROLE tallystick PASSWORD NULL")


@pytest.fixture(scope="module")
def migrated(site: Site) -> Site:
    done = site.migrate("--login-password-file", str(site.password_file))
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def deployed(migrated: Site) -> dict[str, str]:
    done = migrated.as_process("deploy", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_migrating_twice_changes_nothing(migrated: Site) -> None:
    again = migrated.migrate("--login-password-file", str(migrated.password_file))
    assert again.returncode == 0
    assert set(json.loads(again.stdout)) == {"revision"}


def test_the_login_needs_the_password_it_was_given(migrated: Site) -> None:
    conninfo = migrated.login.conninfo()
    with psycopg.connect(conninfo, password=PASSWORD) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("tallystick",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM events")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo, password="another-password-of-one-line")


def test_the_password_is_kept_as_a_scram_verifier(migrated: Site) -> None:
    with psycopg.connect(migrated.admin.conninfo()) as connection:
        row = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'tallystick'"
        ).fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")
    assert PASSWORD not in row[0]


@pytest.mark.parametrize("content", ["", "short", "two lines of it\nand another one"])
def test_a_password_that_will_not_do_is_refused_and_not_repeated(site, folder, content) -> None:
    path = folder / "wrong"
    path.write_text(content)
    done = site.migrate("--login-password-file", str(path))
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "configuration-invalid"
    assert not content or content not in done.stdout + done.stderr


def test_a_password_file_that_is_not_there_is_a_typed_error(site, folder) -> None:
    done = site.migrate("--login-password-file", str(folder / "none"))
    assert json.loads(done.stdout)["error"]["code"] == "configuration-invalid"


def test_the_processes_login_may_not_migrate(migrated: Site) -> None:
    done = migrated.as_process("migrate", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "configuration-invalid"


def test_deploying_gives_addresses_and_a_token_only_its_owner_reads(
    deployed: dict[str, str], site: Site
) -> None:
    assert deployed["chain_id"] == "31337"
    for name in ("settlement", "registry"):
        assert len(site.chain.call("eth_getCode", deployed[name], "latest")) > 1_000
    token = Path(deployed["operator_token"])
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().startswith("tally_")


def test_deploying_again_finds_everything(deployed: dict[str, str], site: Site) -> None:
    token = Path(deployed["operator_token"]).read_text()
    again = site.as_process("deploy", "--json")
    assert json.loads(again.stdout) == deployed
    assert Path(deployed["operator_token"]).read_text() == token


def test_the_keystores_are_encrypted_with_the_passphrase_of_the_file(deployed, site) -> None:
    assert not (site.home / "keys" / "passphrase.secret").exists()
    done = site.tally(
        "deploy", "--json", DATABASE_URL=site.login.url(), PGPASSWORD_FILE=str(site.password_file)
    )
    assert json.loads(done.stdout)["error"]["code"] == "key-unavailable"
    assert not (site.home / "keys" / "passphrase.secret").exists(), "the event key comes first"


def test_the_health_check_of_the_processes_is_content(deployed, site) -> None:
    done = site.as_process("doctor", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["chain"] == "ok"
    without_chain = site.tally(
        "doctor", "--json", CHAIN_RPC_URL="", DATABASE_URL=site.login.url(),
        PGPASSWORD_FILE=str(site.password_file),
    )  # fmt: skip
    assert without_chain.returncode == 0
    assert "chain" not in json.loads(without_chain.stdout)


def test_and_notices_a_database_that_lets_it_not_in(deployed, site) -> None:
    done = site.tally("doctor", "--json", DATABASE_URL=site.login.url(), PGPASSWORD="wrong")
    assert done.returncode == 1


# ------------------------------------------------------------------------------- the processes


@pytest.fixture
def running(deployed: dict[str, str], site: Site) -> Iterator[str]:
    """The four services of the compose file; gives the API's address. Ended by their pids."""
    port = free_port()
    children = [site.start(name) for name in PROCESSES]
    children.append(site.start("serve", TALLYSTICK_PORT=str(port)))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        for child in children:
            child.terminate()
        codes = [child.wait(60) for child in children]
        assert codes == [0, 0, 0, 0]


def eventually(ask: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first answer that is not empty; a server that does not answer yet is waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if answer := ask():
                return answer
        time.sleep(0.1)
    raise AssertionError("Nothing came in time.")


def test_the_processes_start_from_what_the_jobs_left_and_anchor_the_log(
    running: str, deployed: dict[str, str], site: Site
) -> None:
    eventually(lambda: httpx.get(f"{running}/readyz").status_code == 200)
    token = Path(deployed["operator_token"]).read_text().strip()
    api = httpx.Client(
        base_url=f"{running}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    with api:
        securities = api.get("/securities").json()["items"]
        assert {each["ticker"] for each in securities} >= {"AAPL", "MSFT", "IBM"}
        size = api.post("/anchors", json={}).json()["size"]

        def anchored() -> bool:
            site.chain.call("anvil_mine", "0x1")
            return bool(api.get("/log").json()["anchored_size"] >= size)

        assert size > 0
        assert eventually(anchored)
    for name in PROCESSES:
        assert site.tally("alive", name).returncode == 0, name


# --------------------------------------------------------------------------- the chain's check


def node_check(url: str) -> int:
    node = shutil.which("node")
    assert node is not None
    script = ROOT / "deploy" / "chain-health.mjs"
    return subprocess.run([node, script, url], capture_output=True, check=False).returncode


def test_the_chains_health_check_asks_for_a_block_number(site: Site) -> None:
    assert node_check(site.chain.url) == 0
    assert node_check("http://127.0.0.1:9") == 1


def test_an_answer_without_a_block_number_is_not_health() -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert node_check(f"http://127.0.0.1:{server.server_port}") == 1
    finally:
        server.shutdown()
        server.server_close()
