"""What can be wrong with the machine, the configuration or a server we depend on."""

from backend.kernel.errors import DomainError, ErrorCode


class ConfigurationInvalid(DomainError):
    """A setting has no valid value; the message names it, never its content."""

    code = ErrorCode.CONFIGURATION_INVALID


class ToolMissing(DomainError):
    """A program that set-up installs is not there, or not for this machine."""

    code = ErrorCode.TOOL_MISSING
