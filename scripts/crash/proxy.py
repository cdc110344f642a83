"""A node's address that stays while the node comes and goes, and that can misbehave like one.

The platform talks to this proxy only. It forwards JSON-RPC over HTTP; for a request it was told
to spoil it does what real nodes and load balancers do: takes the transaction and never answers,
answers 500, or hangs.
"""

import http.client
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
UPSTREAM_SECONDS = 30.0


class Spoil(StrEnum):
    """What happens to one request."""

    ACCEPT_THEN_DROP = "accept-then-drop"
    """Forwarded; the connection closes without the answer."""
    ACCEPT_THEN_HANG = "accept-then-hang"
    """Forwarded; no answer until the caller's own timeout is long over."""
    SERVER_ERROR = "server-error"
    """Not forwarded; HTTP 500."""


@dataclass(frozen=True)
class Order:
    """Spoil the next request of this method; ``method`` "" is any."""

    spoil: Spoil
    method: str = ""
    seconds: float = 0.0


class RpcProxy:
    """Listens on a free port of the loopback until ``close``."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer((HOST, 0), _Handler)
        self._server.daemon_threads = True
        self._server.proxy = self  # type: ignore[attr-defined]
        self._upstream: str | None = None
        self._orders: deque[Order] = deque()
        self._lock = threading.Lock()
        self.spoiled: dict[Spoil, int] = dict.fromkeys(Spoil, 0)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.daemon = True
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def lead_to(self, upstream: str | None) -> None:
        """Forward to this node from now on; None closes every connection unanswered."""
        self._upstream = upstream

    def spoil(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)

    def forget(self) -> None:
        """Drop orders that no request came for."""
        with self._lock:
            self._orders.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def order_for(self, method: str) -> Order | None:
        """The oldest order that fits; it is used up."""
        with self._lock:
            for order in self._orders:
                if order.method in ("", method):
                    self._orders.remove(order)
                    self.spoiled[order.spoil] += 1
                    return order
        return None

    @property
    def upstream(self) -> str | None:
        return self._upstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any
    _node: http.client.HTTPConnection | None = None
    _node_url: str | None = None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        proxy: RpcProxy = self.server.proxy
        order = proxy.order_for(_method(body))
        if order is not None and order.spoil is Spoil.SERVER_ERROR:
            self._answer(500, b"upstream failed")
            return
        answer = self._forward(proxy.upstream, body)
        if answer is None or order is not None:
            if order is not None and order.spoil is Spoil.ACCEPT_THEN_HANG:
                time.sleep(order.seconds)
            self.close_connection = True
            return
        self._answer(200, answer)

    def _forward(self, upstream: str | None, body: bytes) -> bytes | None:
        if upstream is None:
            return None
        try:
            if self._node is None or self._node_url != upstream:
                parts = urlsplit(upstream)
                self._node = http.client.HTTPConnection(
                    parts.hostname or HOST, parts.port, timeout=UPSTREAM_SECONDS
                )
                self._node_url = upstream
            self._node.request("POST", "/", body, {"Content-Type": "application/json"})
            return self._node.getresponse().read()
        except (OSError, http.client.HTTPException):
            self._node = None
            return None

    def _answer(self, status: int, content: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the caller was killed meanwhile

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Every request is the platform's; its own log says what matters."""


def _method(body: bytes) -> str:
    try:
        request = json.loads(body)
    except ValueError:
        return ""
    return str(request.get("method", "")) if isinstance(request, dict) else ""
