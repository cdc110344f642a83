"""One load for every server: N keep-alive connections, each sends its next request at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import uvloop

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What came of a run: answers by status, and requests per second over all connections."""

    statuses: Counter[int]
    rate: float


def post(port: int, path: str, body: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{port}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> Load:
    """Send all requests, at most ``connections`` under way at a time."""
    return uvloop.run(_run(port, requests, connections))


async def _run(port: int, requests: Sequence[bytes], connections: int) -> Load:
    waiting, statuses = iter(requests), Counter[int]()
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for request in waiting:
            writer.write(request)
            statuses[await _answer(reader)] += 1
        writer.close()

    start = perf_counter()
    await asyncio.gather(*(connection(*each) for each in streams))
    return Load(statuses, len(requests) / (perf_counter() - start))


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer with a Content-Length; its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.index(b"content-length:") + len(b"content-length:")
    await reader.readexactly(int(lower[at : lower.index(b"\r\n", at)]))
    return int(head[9:12])
