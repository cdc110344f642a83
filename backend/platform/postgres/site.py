"""Where a cluster, its socket and its log lie, and that nobody else can get at them.

Normally everything is below ``<home>/pg``. As root, the server runs under another user, who may
not be able to enter a home below a closed folder such as ``/root``. We never widen permissions
of folders that are not ours; the cluster then lies under ``/var/lib/tallystick`` and the file
``<home>/pg/elsewhere`` says where.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.postgres.account import Account, server_account

_SYSTEM_STORE = Path("/var/lib/tallystick")
_SOCKET_FILE = "/.s.PGSQL.5432"
# sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
_SOCKET_PATH_LIMIT = 103
# libpq and the server split socket paths at commas; quotes and spaces are not worth the risk.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")


@dataclass(frozen=True)
class Site:
    """The folders of one cluster and the account that owns them."""

    root: Path
    account: Account

    @property
    def data(self) -> Path:
        """PGDATA, private to the server's account."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the server wrote to its standard error."""
        return self.root / "server.log"

    @property
    def binaries(self) -> Path:
        """Where copies of the programs go when the installed ones cannot be reached."""
        return self.root / "binaries"

    def socket_folder(self) -> Path:
        """The private folder of the socket, made if missing; short enough for ``sun_path``."""
        folder = self.root / "run"
        if not _fits(folder):
            folder = _short_folder(self)
        _make_private(folder, self.account)
        return folder


def prepare_entry(home: Path) -> Path:
    """``<home>/pg``, made if missing. As root it may be traversed, but not listed, by others."""
    home.mkdir(parents=True, exist_ok=True)
    entry = home / "pg"
    _make_folder(entry, 0o711 if os.geteuid() == 0 else 0o700)
    return entry


def locate_site(entry: Path, *, disposable: bool = False) -> Site:
    """The site that belongs to ``entry``; chosen once, then found again.

    Call it under the entry's lock. A disposable one that cannot lie below ``entry`` lies in the
    system's temporary folder. Raises ``DatabaseUnavailable`` when a recorded place is gone
    or no place can be made.
    """
    pointer = entry / "elsewhere"
    if pointer.exists():
        root = Path(pointer.read_text(encoding="utf-8").strip())
        if not root.is_dir():
            raise DatabaseUnavailable(
                f"The database of this home was kept in {root}, which is gone.",
                recorded_in=str(pointer),
            )
        return Site(root, server_account(root / "data"))
    account = server_account(entry / "data")
    if account.can_enter(entry):
        return Site(entry, account)
    root = _temporary_place() if disposable else _lasting_place(entry)
    pointer.write_text(f"{root}\n", encoding="utf-8")
    return Site(root, account)


def remove_site(entry: Path, site: Site) -> None:
    """Delete the cluster, its socket folder and ``entry``; the server must be stopped."""
    remove_elsewhere(entry, site)
    shutil.rmtree(entry)


def remove_elsewhere(entry: Path, site: Site) -> None:
    """Delete what of the site does not lie below ``entry``; the server must be stopped."""
    shutil.rmtree(_short_folder(site), ignore_errors=True)
    if site.root != entry:
        shutil.rmtree(site.root)
        (entry / "elsewhere").unlink()
        with contextlib.suppress(OSError):
            _SYSTEM_STORE.rmdir()


def _temporary_place() -> Path:
    root = Path(tempfile.mkdtemp(prefix="tallystick-"))
    root.chmod(0o711)
    return root


def _lasting_place(entry: Path) -> Path:
    root = _SYSTEM_STORE / secrets.token_hex(6)
    try:
        _make_folder(_SYSTEM_STORE, 0o711)
        _make_folder(root, 0o711)
    except OSError as error:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root, the user it would run as cannot enter the home "
            f"folder, and {_SYSTEM_STORE} cannot be written; set TALLYSTICK_HOME to a folder "
            "below open ones, run as an ordinary user, or set DATABASE_URL.",
            home=str(entry.parent),
        ) from error
    return root


def _make_folder(folder: Path, mode: int) -> None:
    """Make one folder with exactly ``mode``; one that exists keeps the mode it has."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def _fits(folder: Path) -> bool:
    text = f"{folder}{_SOCKET_FILE}"
    return len(os.fsencode(text)) <= _SOCKET_PATH_LIMIT and bool(_PLAIN_PATH.fullmatch(text))


def _short_folder(site: Site) -> Path:
    name = hashlib.sha256(os.fsencode(site.data.resolve())).hexdigest()[:16]
    temporary = Path(tempfile.gettempdir()).resolve()
    folder = temporary / f"tallystick-{name}"
    return folder if _fits(folder) else Path("/tmp", folder.name)


def _make_private(folder: Path, account: Account) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
        account.own(folder)
        status = folder.lstat()
    private = stat.S_IMODE(status.st_mode) & 0o077 == 0
    if not (stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and private):
        raise DatabaseUnavailable(
            f"The socket folder {folder} exists and is not private to the database's user.",
            owner=status.st_uid,
            mode=oct(stat.S_IMODE(status.st_mode)),
        )
