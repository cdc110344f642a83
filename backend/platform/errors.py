"""What can be wrong with the machine, the configuration or a server we depend on."""

from backend.eventstore.errors import DatabaseUnavailable
from backend.kernel.errors import DomainError, ErrorCode

__all__ = [
    "ChainMismatch",
    "ConfigurationInvalid",
    "DatabaseUnavailable",
    "NodeUnavailable",
    "ToolMissing",
]


class ConfigurationInvalid(DomainError):
    """A setting has no valid value; the message names it, never its content."""

    code = ErrorCode.CONFIGURATION_INVALID


class ToolMissing(DomainError):
    """A program that set-up installs is not there, or not for this machine."""

    code = ErrorCode.TOOL_MISSING


class NodeUnavailable(DomainError):
    """The chain node cannot be started or reached."""

    code = ErrorCode.NODE_UNAVAILABLE
    retryable = True


class ChainMismatch(DomainError):
    """A node answers, but for another chain than the one asked for."""

    code = ErrorCode.CHAIN_MISMATCH
