"""A chain node of the user's own, given by ``CHAIN_RPC_URL``."""

from typing import Any, Self
from urllib.parse import urlsplit

from backend.kernel.errors import ChainMismatch
from backend.platform import jsonrpc
from backend.platform.errors import ConfigurationInvalid


class ExternalNode:
    """A node that is neither started nor stopped by us, and whose time nobody can steer."""

    def __init__(self, url: str, chain_id: int | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationInvalid("CHAIN_RPC_URL is not an http or https address.")
        self.url = url
        self._chain_id = chain_id

    def start(self) -> Self:
        """Check that the node answers, for the chain expected if one was named.

        Raises ``NodeUnavailable`` or ``ChainMismatch``.
        """
        found = int(self.call("eth_chainId"), 16)
        if self._chain_id is not None and found != self._chain_id:
            raise ChainMismatch(
                f"The node of CHAIN_RPC_URL serves chain {found}, not {self._chain_id}."
            )
        return self

    def close(self) -> None:
        """Nothing to do: the node is not ours."""

    def call(self, method: str, *parameters: object, timeout: float = 10.0) -> Any:
        """The result of one JSON-RPC call; ``NodeUnavailable`` if it fails."""
        return jsonrpc.call(self.url, method, *parameters, timeout=timeout)
