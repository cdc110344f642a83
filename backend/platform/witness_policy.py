"""The policy files that settings name: this log's witnesses, and the logs it witnesses."""

from pathlib import Path

from anchoring.errors import MalformedInput
from anchoring.policy import Policy, parse_policy
from backend.platform.errors import ConfigurationInvalid
from backend.platform.settings import Settings

_SETTING = "TALLYSTICK_WITNESS_POLICY"


def configured_policy(settings: Settings) -> Policy | None:
    """The witnesses and quorum of this log, from the file that the setting names.

    None where it is not set. Raises ConfigurationInvalid: the file cannot be read or is no policy,
    names a log (that of this platform is added) or a witness without an address, or asks for no
    quorum where one is required.
    """
    if settings.witness_policy is None:
        return None
    policy = read_policy(settings.witness_policy, _SETTING)
    if policy.logs:
        raise ConfigurationInvalid(f"{_SETTING} must not list logs: this log's key is added.")
    if settings.witness_required and policy.quorum is None:
        raise ConfigurationInvalid(f"{_SETTING} asks for no quorum, but one is required.")
    for name, key in policy.witnesses.items():
        if str(key) not in policy.urls:
            shown = name.decode("utf-8", "replace")
            raise ConfigurationInvalid(f"{_SETTING}: the witness {shown} has no address.")
    return policy


def read_policy(path: Path, setting: str) -> Policy:
    """The policy in a file that ``setting`` names. Raises ConfigurationInvalid."""
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise ConfigurationInvalid(f"{setting}: cannot read the file: {error.strerror}") from error
    except MalformedInput as error:
        raise ConfigurationInvalid(f"{setting}: {error}") from error
