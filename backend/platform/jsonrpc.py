"""The few JSON-RPC calls that starting and steering a development node needs.

Contracts and transactions go through web3; this has no dependency to load and one short timeout.
"""

import json
import urllib.error
import urllib.request
from typing import Any

from backend.kernel.errors import NodeUnavailable


def call(url: str, method: str, *parameters: object, timeout: float = 10.0) -> Any:
    """The result of one call (JSON-RPC 2.0).

    Raises ``NodeUnavailable`` when the node does not answer, answers no JSON-RPC, or refuses.
    """
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    request = urllib.request.Request(  # noqa: S310 - a node's address is http by construction
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            answer = json.load(response)
    except (OSError, ValueError) as error:
        raise NodeUnavailable(
            f"The chain node does not answer {method}: {error}", method=method
        ) from error
    if not isinstance(answer, dict) or "result" not in answer:
        reason = answer.get("error") if isinstance(answer, dict) else answer
        raise NodeUnavailable(f"The chain node refused {method}: {reason}", method=method)
    return answer["result"]
