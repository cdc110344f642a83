"""Under which operating-system identity the server runs.

PostgreSQL refuses to run as root. Where we are root, the server gets a numeric id of its own that
no account has: nothing else on the machine runs under it, no ``useradd`` is needed, and nothing
is left in the password file. An existing data directory keeps the owner it has.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from backend.kernel.errors import DatabaseUnavailable

# 60578-61183 is assigned to nobody (systemd.io/UIDS-GIDS), and below 65536, so that it exists
# inside a container's user namespace too.
_UNASSIGNED = range(60578, 61184)
_BOOTSTRAP_ACCOUNTS = ("nobody", "daemon")


class SpawnOptions(TypedDict, total=False):
    """The keywords of ``subprocess`` that change the identity of the child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user and group id; ``switch`` says whether children must change to it."""

    uid: int
    gid: int
    switch: bool

    def spawn_options(self) -> SpawnOptions:
        """Keywords for ``subprocess`` that start a child under this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give ``path`` itself to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, root: Path) -> None:
        """Give ``root`` and everything below it to this account; links are not followed."""
        if not self.switch:
            return
        for folder, _, files in os.walk(root):
            self.own(Path(folder))
            for name in files:
                self.own(Path(folder, name))

    def can_enter(self, folder: Path) -> bool:
        """Whether every folder down to ``folder`` may be traversed under this account."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        return self._succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Whether ``program --version`` runs under this account."""
        return self._succeeds([str(program), "--version"])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, check=False, **self.spawn_options()
            )
        except PermissionError:
            return False
        return done.returncode == 0


def server_account(data: Path) -> Account:
    """The account the server of data directory ``data`` runs under."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid, switch=True)
    uid = next((uid for uid in _UNASSIGNED if not _has_entry(uid)), None)
    if uid is None:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root and no unassigned user id is free on this machine; "
            "run as an ordinary user or set DATABASE_URL."
        )
    return _usable(Account(uid, uid, switch=True))


def bootstrap_account(account: Account) -> Account:
    """The account for ``initdb``, which asks the password file for its own name."""
    if _has_entry(account.uid):
        return account
    if not account.switch:
        raise DatabaseUnavailable(
            f"PostgreSQL cannot make a database for user id {account.uid}, which has no name on "
            "this machine; give it an entry in /etc/passwd, run as root, or set DATABASE_URL.",
            uid=account.uid,
        )
    for name in _BOOTSTRAP_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root and this machine has no unprivileged account; "
        "run as an ordinary user or set DATABASE_URL.",
        looked_for=_BOOTSTRAP_ACCOUNTS,
    )


def _usable(account: Account) -> Account:
    try:
        subprocess.run(["/bin/sh", "-c", ":"], cwd="/", check=True, **account.spawn_options())
    except (OSError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root, and this container does not let us change to "
            "another user; run as an ordinary user or set DATABASE_URL.",
            uid=account.uid,
            reason=str(error),
        ) from error
    return account


def _has_entry(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
