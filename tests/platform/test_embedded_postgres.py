"""The embedded server: what was written is found again, whoever was killed in between."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.postgres import EmbeddedPostgres
from backend.platform.postgres.postmaster import processes_on
from backend.platform.postgres.site import locate_site, prepare_entry
from tests.conftest import TestDatabase

pytestmark = pytest.mark.db

_CHECKOUT = Path(__file__).resolve().parents[2]

# Another process that uses the database of a home and says so, until its input ends.
_USER = """
import sys
from pathlib import Path
from backend.platform.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.pid, server.adopted, flush=True)
sys.stdin.read()
server.close()
"""


@contextmanager
def _stopped_afterwards(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def started(server_home: Path) -> Iterator[EmbeddedPostgres]:
    with _stopped_afterwards(EmbeddedPostgres(server_home).start()) as server:
        yield server


def _write(server: EmbeddedPostgres, note: str) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
        connection.execute("INSERT INTO notes VALUES (%s)", (note,))


def _notes(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.url()) as connection:
        return [row[0] for row in connection.execute("SELECT note FROM notes ORDER BY note")]


def _quick(home: Path) -> EmbeddedPostgres:
    """A server whose files are not forced to disk, where that is not what is tested."""
    return EmbeddedPostgres(home, disposable=True)


def _is_gone(server: EmbeddedPostgres) -> bool:
    try:
        return not server.data_directory.exists()
    except DatabaseUnavailable:
        return True


def _other_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _USER, str(home)],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_is_what_the_design_asks_for(started: EmbeddedPostgres) -> None:
    with psycopg.connect(started.url()) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]  # type: ignore[index]
            for name in (
                "server_version_num",
                "data_checksums",
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "listen_addresses",
                "server_encoding",
                "max_connections",
            )
        }
        locale = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'template1'"
        ).fetchone()
    assert int(settings.pop("server_version_num")) // 10_000 == 18
    assert settings == {
        "data_checksums": "on",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "max_connections": "100",
    }
    assert locale == ("b", "C.UTF-8")


def test_data_is_found_again_after_a_restart(server_home: Path) -> None:
    with _quick(server_home) as server:
        _write(server, "kept")
        first = server.pid
    assert not psutil.pid_exists(first)
    with _quick(server_home) as server:
        assert _notes(server) == ["kept"]
        assert server.pid != first


def test_data_survives_a_killed_server(server_home: Path) -> None:
    server = EmbeddedPostgres(server_home).start()
    _write(server, "committed")
    os.kill(server.pid, signal.SIGKILL)
    with _stopped_afterwards(EmbeddedPostgres(server_home).start()) as again:
        assert not again.adopted
        assert _notes(again) == ["committed"]
        server.close()
        assert _notes(again) == ["committed"], "the old handle must not stop the new server"


@pytest.mark.timeout(45)
def test_leaving_a_killed_server_does_not_wait_for_it(server_home: Path) -> None:
    """Uncollected, it looks alive to pg_ctl, which would wait a minute for its end."""
    server = EmbeddedPostgres(server_home).start()
    data = server.data_directory
    os.kill(server.pid, signal.SIGKILL)
    while processes_on(data):
        time.sleep(0.02)
    server.close()
    with EmbeddedPostgres(server_home) as again:
        assert not again.adopted


def test_a_server_whose_owner_was_killed_is_adopted(server_home: Path) -> None:
    owner = _other_process(server_home)
    pid, adopted = _first_line(owner)
    assert adopted == "False"
    owner.kill()
    owner.wait()
    with EmbeddedPostgres(server_home) as server:
        assert (server.pid, server.adopted) == (int(pid), True)
    assert not processes_on(server.data_directory)


def test_the_last_user_stops_the_server(server_home: Path) -> None:
    server = EmbeddedPostgres(server_home).start()
    other = _other_process(server_home)
    assert _first_line(other) == [str(server.pid), "True"]
    data = server.data_directory
    server.close()
    assert processes_on(data), "the other process still uses it"
    other.communicate("")
    assert not processes_on(data)


def test_two_starters_share_one_server(server_home: Path) -> None:
    starters = [_other_process(server_home) for _ in range(3)]
    answers = [_first_line(starter) for starter in starters]
    assert len({pid for pid, _ in answers}) == 1
    assert sorted(adopted for _, adopted in answers) == ["False", "True", "True"]
    for starter in starters:
        starter.communicate("")
        assert starter.returncode == 0
    assert not processes_on(server_home / "pg" / "data")


@pytest.mark.parametrize(
    "folder", ["with a space", "comma,quote' (x) %41", "ünïcode", "deep/" * 25 + "end"]
)
def test_any_path_will_do(server_home: Path, folder: str) -> None:
    home = server_home / folder
    with _quick(home) as server:
        _write(server, "kept")
        assert server.data_directory == home / "pg" / "data"
    with _quick(home) as server:
        assert _notes(server) == ["kept"]
        server.destroy()
    assert not (home / "pg").exists()


def test_a_moved_home_is_found_again(server_home: Path) -> None:
    with _quick(server_home / "before") as server:
        _write(server, "kept")
    (server_home / "before").rename(server_home / "after")
    with _quick(server_home / "after") as server:
        assert _notes(server) == ["kept"]


def test_nobody_else_can_reach_data_or_socket(started: EmbeddedPostgres) -> None:
    socket_folder = Path(started.address().parameters["host"])
    for folder in (started.data_directory, socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == psutil.Process(started.pid).uids().effective
    assert not psutil.Process(started.pid).net_connections("inet")


def test_the_server_never_runs_as_root(started: EmbeddedPostgres) -> None:
    ids = psutil.Process(started.pid).uids()
    assert 0 not in (ids.real, ids.effective, ids.saved)


def test_folders_that_are_not_ours_keep_their_permissions(server_home: Path) -> None:
    closed = server_home / "closed"
    closed.mkdir(mode=0o700)
    with _stopped_afterwards(EmbeddedPostgres(closed / "home").start()) as server:
        _write(server, "kept")
        if os.geteuid() == 0:
            assert not server.data_directory.is_relative_to(closed)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        server.close()
        with EmbeddedPostgres(closed / "home") as again:
            assert _notes(again) == ["kept"]
            again.destroy()
            assert _is_gone(again)


def test_a_disposable_server_leaves_nothing_outside_its_home(server_home: Path) -> None:
    closed = server_home / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "home", disposable=True) as server:
        data, run = server.data_directory, Path(server.address().parameters["host"])
        _write(server, "gone afterwards")
    assert not run.exists() or run.is_relative_to(closed)
    assert not data.exists() or data.is_relative_to(closed)


def test_a_socket_folder_somebody_else_made_is_refused(server_home: Path) -> None:
    run = prepare_entry(server_home) / "run"
    run.mkdir()
    run.chmod(0o777)
    with pytest.raises(DatabaseUnavailable, match="not private"):
        _quick(server_home).start()


def test_a_link_in_place_of_the_socket_folder_is_refused(server_home: Path) -> None:
    target = server_home / "target"
    target.mkdir(mode=0o700)
    (prepare_entry(server_home) / "run").symlink_to(target)
    with pytest.raises(DatabaseUnavailable, match="not private"):
        _quick(server_home).start()


def test_a_lost_socket_is_made_good(server_home: Path) -> None:
    server = _quick(server_home).start()
    _write(server, "kept")
    (Path(server.address().parameters["host"]) / ".s.PGSQL.5432").unlink()
    with _stopped_afterwards(_quick(server_home).start()) as again:
        assert _notes(again) == ["kept"]
        server.close()


def test_a_lock_file_that_names_a_living_stranger_is_stale(server_home: Path) -> None:
    with _quick(server_home) as server:
        data = server.data_directory
    content = f"{os.getpid()}\n{data}\n{int(time.time())}\n5432\n/nowhere\n\n0 0\nready   \n"
    (data / "postmaster.pid").write_text(content)
    with _quick(server_home) as server:
        assert not server.adopted


def test_an_interrupted_creation_starts_over(server_home: Path) -> None:
    site = locate_site(prepare_entry(server_home))
    draft = site.root / "data.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with _quick(server_home) as server:
        _write(server, "works")


def test_another_version_of_data_is_refused(server_home: Path) -> None:
    with _quick(server_home) as server:
        data = server.data_directory
    (data / "PG_VERSION").write_text("15\n")
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL 15"):
        _quick(server_home).start()


def test_the_reason_of_a_failed_start_is_named(server_home: Path) -> None:
    with _quick(server_home) as server:
        data = server.data_directory
    (data / "global" / "pg_control").rename(data / "pg_control.away")
    with pytest.raises(DatabaseUnavailable, match="pg_control"):
        _quick(server_home).start()


def test_a_home_that_cannot_be_made_is_a_typed_error(server_home: Path) -> None:
    (server_home / "file").write_text("")
    with pytest.raises(DatabaseUnavailable):
        _quick(server_home / "file" / "home").start()


def test_nothing_is_promised_before_the_start(server_home: Path) -> None:
    server = EmbeddedPostgres(server_home)
    with pytest.raises(DatabaseUnavailable, match="not started"):
        server.url()
    server.close()


def test_a_disposable_server_ends_with_its_process(server_home: Path) -> None:
    script = _USER.replace("(Path(sys.argv[1]))", "(Path(sys.argv[1]), disposable=True)")
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(server_home)],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server = psutil.Process(int(_first_line(owner)[0]))
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 20
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its process"
        time.sleep(0.02)


def test_each_test_has_a_database_of_its_own(
    database: TestDatabase, database_factory: object
) -> None:
    assert callable(database_factory)
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE mark (n int)")
    copy = database_factory(template=database.name)
    with psycopg.connect(copy.conninfo()) as connection:
        assert connection.execute("SELECT count(*) FROM mark").fetchone() == (0,)
    with psycopg.connect(database_factory().url()) as connection:
        assert connection.execute("SELECT to_regclass('mark')").fetchone() == (None,)
