"""Anvil processes as seen from outside: which one runs a given chain, and on which port."""

import socket
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

HOST = "127.0.0.1"


@dataclass(frozen=True)
class NodeProcess:
    """A running Anvil and the port it was told to listen on."""

    process: psutil.Process
    port: int


def find_node(state: Path) -> NodeProcess | None:
    """The Anvil that was started with exactly this state file; None if none runs.

    The command line is the record: a pid file could name a process that took over the number.
    """
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "anvil" and _option(command, "--state") == str(state):
            port = _option(command, "--port")
            if port is not None and is_alive(process):
                return NodeProcess(process, int(port))
    return None


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; one that ended but was not collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens(node: NodeProcess) -> bool:
    """Whether the process itself holds the port open."""
    try:
        connections = node.process.net_connections("tcp")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == node.port
        for connection in connections
    )


def free_port() -> int:
    """A port nobody listens on at this moment; the caller must be ready to lose the race."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _option(command: list[str], name: str) -> str | None:
    for argument, value in pairwise(command):
        if argument == name:
            return value
    return None
