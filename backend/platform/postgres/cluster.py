"""Makes a cluster and writes its configuration."""

import os
import shutil
import subprocess
from pathlib import Path

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.postgres.account import bootstrap_account
from backend.platform.postgres.address import SUPERUSER
from backend.platform.postgres.binaries import Binaries
from backend.platform.postgres.site import Site

MAJOR_VERSION = "18"
_CONFIGURATION = "tallystick.conf"

# The builtin provider gives code-point order and Unicode case rules that are the same on every
# machine and never change under an index, as a C library's collations do.
_INITDB_OPTIONS = (
    "--username=" + SUPERUSER,
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
)

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# For servers whose data is thrown away: a crash of the machine may lose everything.
_DISPOSABLE = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}


def child_environment() -> dict[str, str]:
    """Environment for PostgreSQL's programs: nothing of ours, so that no ``PG*`` leaks in."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def ensure_cluster(site: Site, binaries: Binaries, *, durable: bool) -> None:
    """Make the cluster if there is none; refuse one of another major version.

    It is made under another name and renamed, so that an interrupted start leaves no half of it.
    """
    if site.data.exists():
        _require_version(site.data)
        return
    draft = site.root / "data.new"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    _initialise(draft, site, binaries, durable=durable)
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"\ninclude = '{_CONFIGURATION}'\n")
    site.account.own_tree(draft)
    draft.rename(site.data)


def write_configuration(site: Site, socket_folder: Path, *, durable: bool) -> None:
    """Write our settings; done before every start, because a home may have been moved."""
    settings = _SETTINGS | (_DURABLE if durable else _DISPOSABLE)
    settings["unix_socket_directories"] = str(socket_folder)
    path = site.data / _CONFIGURATION
    path.write_text("".join(f"{name} = '{settings[name]}'\n" for name in settings))
    path.chmod(0o600)
    site.account.own(path)


def _initialise(draft: Path, site: Site, binaries: Binaries, *, durable: bool) -> None:
    account = bootstrap_account(site.account)
    account.own(draft)
    command = [str(binaries.program("initdb")), "-D", str(draft), *_INITDB_OPTIONS]
    done = subprocess.run(
        command if durable else [*command, "--no-sync"],
        cwd="/",
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **account.spawn_options(),
    )
    if done.returncode != 0:
        raise DatabaseUnavailable(
            f"PostgreSQL could not create its data directory: {_last_line(done.stderr)}",
            folder=str(draft),
            exit_code=done.returncode,
        )


def _require_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        version = "unknown"
    if version != MAJOR_VERSION:
        raise DatabaseUnavailable(
            f"The data directory was made by PostgreSQL {version}, and this is {MAJOR_VERSION}.",
            folder=str(data),
        )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it gave no reason"
