"""The embedded server: started when nobody has, shared by all, stopped by the last to leave."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.lifeline import Lifeline
from backend.platform.locks import Holders, exclusive
from backend.platform.postgres.address import SUPERUSER, DatabaseAddress
from backend.platform.postgres.binaries import Binaries, find_binaries, runnable_binaries
from backend.platform.postgres.cluster import (
    child_environment,
    ensure_cluster,
    write_configuration,
)
from backend.platform.postgres.postmaster import (
    Postmaster,
    processes_on,
    read_postmaster,
    serves,
)
from backend.platform.postgres.site import (
    Site,
    locate_site,
    prepare_entry,
    remove_elsewhere,
    remove_site,
)

_POLL_SECONDS = 0.02
_STOP_SECONDS = 60
_LOG_LIMIT_BYTES = 10_000_000


class EmbeddedPostgres:
    """PostgreSQL 18 below ``home``, reachable over a private Unix socket only.

    ``start`` makes the cluster if needed, then adopts a server that already runs on it or starts
    one; ``close`` stops it if no other process uses it. A server whose users were all killed
    keeps running and is adopted by the next start. With ``disposable`` the data need not survive
    a crash of the machine and the server ends with this process (for tests and benchmarks).
    """

    def __init__(
        self, home: Path, *, disposable: bool = False, start_timeout: float = 120.0
    ) -> None:
        self._home = home.absolute()
        self._disposable = disposable
        self._start_timeout = start_timeout
        self._holders: Holders | None = None
        self._site: Site | None = None
        self._binaries: Binaries | None = None
        self._postmaster: Postmaster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: Lifeline | None = None

    def start(self) -> Self:
        """Return with the server answering; calling it again changes nothing.

        Raises ``DatabaseUnavailable`` or ``ToolMissing``, each saying what to do.
        """
        if self._postmaster is not None:
            return self
        with _as_unavailable("started", self._home):
            entry = prepare_entry(self._home)
            with exclusive(entry / "start.lock", self._start_timeout):
                self._start_locked(entry)
        return self

    def close(self) -> None:
        """Leave the server; it is stopped if nobody else uses it. May be called twice."""
        if self._holders is None:
            return
        with (
            _as_unavailable("stopped", self._home),
            exclusive(self._home / "pg" / "start.lock", self._start_timeout),
        ):
            if self._holders.leave():
                self._stop()
        self._holders = None
        self._postmaster = None

    def destroy(self) -> None:
        """Leave the server and delete the cluster; refused while another process uses it."""
        site = self._site
        self.close()
        if site is None:
            return
        if processes_on(site.data):
            raise DatabaseUnavailable("The database is still used by another process.")
        if site.root.exists():
            remove_site(self._home / "pg", site)
        self._site = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running().pid

    @property
    def adopted(self) -> bool:
        """Whether the server was already running when we came."""
        self._running()
        return self._process is None

    @property
    def data_directory(self) -> Path:
        """PGDATA, known once started."""
        if self._site is None:
            raise DatabaseUnavailable("The database was not started.")
        return self._site.data

    def program(self, name: str) -> Path:
        """The path of a client program, such as ``pg_dump``, of the server's own version."""
        if self._binaries is None:
            raise DatabaseUnavailable("The database was not started.")
        return self._binaries.program(name)

    def address(self, user: str = SUPERUSER, dbname: str = "postgres") -> DatabaseAddress:
        """The address of one database for one role; any role is trusted on the private socket."""
        return self._running().address(user, dbname)

    def url(self, user: str = SUPERUSER, dbname: str = "postgres") -> str:
        """``address(...)`` as a libpq URI."""
        return self.address(user, dbname).url()

    def _running(self) -> Postmaster:
        if self._postmaster is None:
            raise DatabaseUnavailable("The database was not started.", home=str(self._home))
        return self._postmaster

    def _start_locked(self, entry: Path) -> None:
        site = locate_site(entry, disposable=self._disposable)
        binaries = runnable_binaries(find_binaries(), site.account, site.binaries)
        ensure_cluster(site, binaries, durable=not self._disposable)
        self._site, self._binaries = site, binaries
        holders = Holders(entry / "users.lock")
        postmaster = self._adopt(site) or self._launch(site, binaries)
        holders.join()
        self._holders, self._postmaster = holders, postmaster

    def _adopt(self, site: Site) -> Postmaster | None:
        """The server that runs on our data; None if there is none (any remains are cleared)."""
        deadline = time.monotonic() + self._start_timeout
        while processes := processes_on(site.data):
            postmaster = read_postmaster(site.data)
            if postmaster is not None and serves(postmaster, site.data):
                return postmaster
            if postmaster is not None and postmaster.ready and _socket_lost(postmaster):
                # Nobody can reach it any more, so nobody uses it: end it and start anew.
                for process in processes:
                    if process.pid == postmaster.pid:
                        process.send_signal(signal.SIGINT)
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    "A PostgreSQL server runs on our data directory and does not answer.",
                    folder=str(site.data),
                    pids=[process.pid for process in processes],
                )
            time.sleep(_POLL_SECONDS)
        _clear_remains(site)
        return None

    def _launch(self, site: Site, binaries: Binaries) -> Postmaster:
        write_configuration(site, site.socket_folder(), durable=not self._disposable)
        _rotate(site.log)
        with site.log.open("ab") as log:
            process = subprocess.Popen(
                [str(binaries.program("postgres")), "-D", str(site.data)],
                cwd="/",
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                **site.account.spawn_options(),
            )
        try:
            postmaster = self._await(site, process)
        except BaseException:
            _end(process)
            raise
        self._process = process
        if self._disposable:
            self._lifeline = Lifeline(process.pid, signal.SIGINT)
        return postmaster

    def _await(self, site: Site, process: subprocess.Popen[bytes]) -> Postmaster:
        deadline = time.monotonic() + self._start_timeout
        while time.monotonic() < deadline:
            postmaster = read_postmaster(site.data)
            if (
                postmaster is not None
                and postmaster.pid == process.pid
                and postmaster.ready
                and serves(postmaster, site.data)
            ):
                return postmaster
            if process.poll() is not None:
                raise DatabaseUnavailable(
                    f"PostgreSQL ended while it started: {_tail(site.log)}",
                    exit_code=process.returncode,
                    log=str(site.log),
                )
            time.sleep(_POLL_SECONDS)
        raise DatabaseUnavailable(
            f"PostgreSQL was not ready after {self._start_timeout:g} s: {_tail(site.log)}",
            log=str(site.log),
        )

    def _stop(self) -> None:
        """Fast shutdown: sessions are rolled back, a checkpoint is written, then it ends."""
        if self._lifeline is not None:
            self._lifeline.cut()
            self._lifeline = None
        if self._process is not None:
            self._process.poll()  # one that was killed counts as running until it is collected
        if self._site is not None and self._binaries is not None:
            _pg_ctl_stop(self._site, self._binaries)
        if self._process is not None:
            self._process.wait(timeout=_STOP_SECONDS)
            self._process = None
        if self._disposable and self._site is not None:
            remove_elsewhere(self._home / "pg", self._site)


@contextlib.contextmanager
def _as_unavailable(participle: str, home: Path) -> Iterator[None]:
    """Operating-system errors on the way become one typed error with the folder in it."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(
            f"The embedded database could not be {participle}: {error}", home=str(home)
        ) from error


def _clear_remains(site: Site) -> None:
    """Remove lock files and socket of a server that is gone.

    PostgreSQL itself refuses to start while the pid in such a file exists, and by now it may be
    anyone's, or that of a killed server its parent has not collected.
    """
    socket = site.socket_folder() / ".s.PGSQL.5432"
    for path in (site.data / "postmaster.pid", socket.with_name(f"{socket.name}.lock"), socket):
        path.unlink(missing_ok=True)


def _pg_ctl_stop(site: Site, binaries: Binaries) -> None:
    done = subprocess.run(
        [
            str(binaries.program("pg_ctl")),
            *("-D", str(site.data), "-m", "fast", "-w", "-t", str(_STOP_SECONDS), "stop"),
        ],
        cwd="/",
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **site.account.spawn_options(),
    )
    if done.returncode != 0 and processes_on(site.data):
        raise DatabaseUnavailable(
            f"PostgreSQL did not stop: {done.stderr.strip()}", folder=str(site.data)
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _socket_lost(postmaster: Postmaster) -> bool:
    return not (postmaster.socket_folder / f".s.PGSQL.{postmaster.port}").exists()


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            shutil.move(log, log.with_suffix(".log.1"))


def _tail(log: Path) -> str:
    """The last thing the server said that is an error, else its last line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4_000), os.SEEK_SET)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if "FATAL" in line or "ERROR" in line or "PANIC" in line]
    return (fatal or lines or ["it wrote nothing"])[-1]
