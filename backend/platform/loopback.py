"""Which addresses are this machine and nothing else."""

import ipaddress
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def is_loopback(host: str) -> bool:
    """Whether a host name or address, brackets of IPv6 included, is the loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether an ``http(s)`` address leads to this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_local_database(conninfo: str) -> bool:
    """Whether libpq would stay on this machine: sockets and loopback addresses only."""
    try:
        parameters = conninfo_to_dict(conninfo)
    except ProgrammingError:
        return False
    named = [str(parameters[key]) for key in ("host", "hostaddr") if parameters.get(key)]
    hosts = [each for text in named for each in text.split(",")]
    return all(each == "" or each.startswith(("/", "@")) or is_loopback(each) for each in hosts)
