"""A JSON-RPC port to a chain node, and the strict reading of its values.

The port is one callable, ``rpc(method, params) -> result``, so that a web3 provider, a test or
:class:`HttpRpc` can stand behind it. Quantities and data follow the Ethereum JSON-RPC
specification: ``0x`` and hexadecimal, quantities without leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import httpx

from anchoring.errors import RpcError

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]*)\Z", re.ASCII)
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z", re.ASCII)


class Rpc(Protocol):
    """Calls one JSON-RPC method of a chain node."""

    def __call__(self, method: str, params: Sequence[object], /) -> object:
        """Return the result; raises RpcError."""
        ...


class HttpRpc:
    """JSON-RPC over HTTP. ``timeout`` is in seconds."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url = url
        self._timeout = timeout

    def __call__(self, method: str, params: Sequence[object], /) -> object:
        """Call ``method``; raises RpcError when the node is unreachable or answers an error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            response = httpx.post(self.url, json=body, timeout=self._timeout)
            if not response.is_success:
                # Not raise_for_status: it names the address, which often holds an access key.
                raise RpcError(f"{method}: the chain node answers HTTP {response.status_code}")
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise RpcError(f"{method}: the chain node does not answer: {error}") from error
        if not isinstance(answer, dict) or answer.get("error") is not None:
            raise RpcError(f"{method}: the chain node answers an error: {answer!s:.200}")
        return answer.get("result")


def read_quantity(value: object, what: str) -> int:
    """Return a quantity such as ``0x41``; raises RpcError."""
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise RpcError(f"the node's {what} is not a quantity: {value!s:.80}")
    return int(value, 16)


def read_data(value: object, what: str, length: int | None = None) -> bytes:
    """Return data such as ``0x00ff``, of ``length`` bytes; raises RpcError."""
    if not isinstance(value, str) or not _DATA.match(value):
        raise RpcError(f"the node's {what} is not data: {value!s:.80}")
    data = bytes.fromhex(value[2:])
    if length is not None and len(data) != length:
        raise RpcError(f"the node's {what} has {len(data)} bytes instead of {length}")
    return data


def read_data_list(value: object, what: str) -> tuple[bytes, ...]:
    """Return a list of data; raises RpcError."""
    if not isinstance(value, list):
        raise RpcError(f"the node's {what} is not a list")
    return tuple(read_data(item, what) for item in value)


def read_object(value: object, what: str) -> Mapping[str, object]:
    """Return an object; raises RpcError, also for null (nothing there)."""
    if not isinstance(value, Mapping):
        raise RpcError(f"the node has no {what}")
    return value


def get_block(rpc: Rpc, block: int | str) -> Mapping[str, object]:
    """Return a block by number or tag, without its transactions; raises RpcError."""
    tag = block if isinstance(block, str) else hex(block)
    return read_object(rpc("eth_getBlockByNumber", [tag, False]), f"block {tag}")


def chain_id(rpc: Rpc) -> int:
    """Return the chain id (EIP-695); raises RpcError."""
    return read_quantity(rpc("eth_chainId", []), "chain id")
