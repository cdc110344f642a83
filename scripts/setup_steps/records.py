"""What was done, and from what: a record in each folder that set-up makes."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

PROFILES = ("runtime", "dev")
# Present while a part is being made: if it is still there, the part is half done.
UNFINISHED = "tallystick-unfinished"
RECORD = "tallystick-setup.json"


def digest(*paths: Path) -> str:
    """SHA-256 over the names of ``paths``, and the contents of those that are files."""
    whole = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        whole.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def read_record(folder: Path) -> dict[str, str]:
    """What was recorded about ``folder``; empty if nothing, or if it is only half made."""
    if (folder / UNFINISHED).exists():
        return {}
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def recorded_profile(folder: Path) -> str:
    """The profile ``folder`` was made for; the smallest if none was recorded."""
    return read_record(folder).get("profile", PROFILES[0])


def is_recorded(folder: Path, profile: str, digest_of: Callable[[str], str]) -> bool:
    """Whether ``folder`` is complete for ``profile``, or for one that includes it."""
    record = read_record(folder)
    made_for = record.get("profile", "")
    serves = made_for in PROFILES[PROFILES.index(profile) :]
    return serves and record.get("digest") == digest_of(made_for)


def widest(*profiles: str) -> str:
    """The profile among ``profiles`` that includes the others."""
    return max(profiles, key=PROFILES.index)


def finish(folder: Path, profile: str, value: str) -> None:
    """Record that ``folder`` is complete."""
    record = {"profile": profile, "digest": value}
    draft = folder / f".{RECORD}"
    draft.write_text(json.dumps(record) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)
    with contextlib.suppress(FileNotFoundError):
        (folder / UNFINISHED).unlink()
