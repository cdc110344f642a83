"""Where a log and its heads are read from: a web server, a folder, a registry on chain."""

from __future__ import annotations

from pathlib import Path

from anchoring.errors import MalformedInput, RpcError
from anchoring.http_source import HttpSource
from anchoring.registry import read_head
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileSource
from anchoring.trust import Trust


def is_url(location: str) -> bool:
    """Say whether ``location`` is a web address rather than a folder."""
    return location.startswith(("http://", "https://"))


def open_log(location: str, token: str | None) -> TileSource:
    """Return the log's files; raises MalformedInput when there is no such folder."""
    if is_url(location):
        return HttpSource(location, token)
    folder = Path(location)
    if not folder.is_dir():
        raise MalformedInput(f"there is no folder {folder}")
    return DirectoryStore(folder)


def kept_checkpoints(source: TileSource) -> dict[int, bytes]:
    """Return the checkpoints kept for anchored sizes, where the log is a folder."""
    if not isinstance(source, DirectoryStore):
        return {}
    return {size: source.kept_checkpoint(size) or b"" for size in source.kept_sizes()}


def registry_heads(trust: Trust | None, rpc: str | None) -> list[tuple[int, bytes]]:
    """Return the registry's head, which the log must have had; needs the registry's address.

    Raises MalformedInput when there is no trust file or the node does not answer.
    """
    if rpc is None:
        return []
    if trust is None:
        raise MalformedInput("--rpc needs a trust file that names the registry")
    try:
        head = read_head(HttpRpc(rpc), trust.registry)
    except RpcError as error:
        raise MalformedInput(str(error)) from error
    return [(head.size, head.root)] if head.size else []
