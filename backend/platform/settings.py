"""Every setting, from the environment or a ``.env`` file in the checkout; never from code.

``DATABASE_URL`` and ``CHAIN_RPC_URL`` go by their common names, everything else begins with
``TALLYSTICK_``. ``.env.example`` lists them all, and a test holds it to that.
"""

import difflib
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.audit.fees import FEE_CAP
from backend.platform.errors import ConfigurationInvalid
from backend.platform.loopback import is_local_database, is_loopback, is_loopback_url

CHECKOUT = Path(__file__).resolve().parents[2]
_PREFIX = "TALLYSTICK_"
DEVELOPMENT_CHAIN = 31_337

Seconds = Annotated[float, Field(gt=0)]
_UNITS = {"": 0, "wei": 0, "gwei": 9, "eth": 18}
_WEI = re.compile(r"(?P<amount>[0-9]{1,30}(?:\.[0-9]{1,18})?) ?(?P<unit>wei|gwei|eth|)", re.ASCII)


def _wei(value: object) -> object:
    """Wei from ``500000000000``, ``500 gwei`` or ``0.05 eth``; a fraction of a wei is refused."""
    if not isinstance(value, str):
        return value
    found = _WEI.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError("an amount is a number of wei, or a decimal with gwei or eth")
    amount = Decimal(found["amount"]).scaleb(_UNITS[found["unit"]])
    if amount != amount.to_integral_value():
        raise ValueError("the amount is not a whole number of wei")
    return int(amount)


Wei = Annotated[int, BeforeValidator(_wei), Field(gt=0, lt=2**128)]
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
# An origin is a schemaless URL without blanks or a plus sign (C2SP tlog-checkpoint, signed-note).
LogOrigin = Annotated[str, StringConstraints(pattern=r"^[^\s+]{1,255}$")]


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """The configuration of one process; frozen, passed on as a parameter, never a global."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        env_file=CHECKOUT / ".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(CHECKOUT / "var", description="Where all state lives.")
    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL 18 server of yours; embedded server below the home if empty.",
    )
    chain_rpc_url: SecretStr | None = Field(
        None,
        validation_alias="CHAIN_RPC_URL",
        description="A chain node of yours; Anvil below the home if empty.",
    )
    chain_id: int = Field(
        DEVELOPMENT_CHAIN, gt=0, description="Chain id the node must have (EIP-155)."
    )

    host: str = Field("127.0.0.1", description="Address the API and dashboard listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port of API and dashboard; 0 = free.")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+$",
        description="Address users see, without a path; http://localhost:PORT if empty.",
    )

    log_origin: LogOrigin = Field(
        "localhost/tallystick/dev", description="Name of the event log in its checkpoints."
    )
    sequencer_interval: Seconds = Field(
        0.1, description="Longest pause between two looks at the outbox, in seconds."
    )
    anchor_max_age: Seconds = Field(
        60.0, description="An unanchored event older than this starts an anchor, in seconds."
    )
    anchor_lag_limit: Seconds = Field(
        600.0,
        description="An event that waits longer for its anchor is said to lag, in seconds.",
    )
    anchor_max_fee_per_gas: Wei = Field(
        FEE_CAP,
        description="Most that an anchor pays a unit of gas: wei, or a number with gwei or eth.",
    )
    anchor_daily_budget: Wei | None = Field(
        None, description="Most that anchors cost in any 24 hours; no limit if empty."
    )
    anchorer_signer_url: SecretStr | None = Field(
        None,
        description="A signing service (Web3Signer, eth1) for the anchorer; its keystore if empty.",
    )
    anchorer_signer_address: Address | None = Field(
        None, description="The service's account that anchors; its only one if empty."
    )
    finality_interval: Seconds = Field(
        1.0, description="Pause between two looks at what became final, in seconds."
    )

    index_seconds: Seconds = Field(
        1.0, description="Shortest time between two commitments to the stream index, in seconds."
    )

    watchdog_seconds: Seconds = Field(
        60.0, description="Pause between two audits of the log by the platform itself, in seconds."
    )

    witness_policy: Path | None = Field(
        None,
        description="A tlog-policy file: the witnesses of this log with addresses, and the quorum.",
    )
    witness_max_age: Seconds = Field(
        30.0, description="An event not cosigned after this long starts a round, in seconds."
    )
    witness_timeout: Seconds = Field(
        5.0, description="How long a witness may take to answer, in seconds."
    )
    witness_required: bool = Field(
        False, description="Anchor only what the quorum of witnesses has cosigned."
    )
    witness_logs: Path | None = Field(
        None, description="A tlog-policy file whose logs this platform witnesses, at /witness."
    )
    witness_name: LogOrigin | None = Field(
        None, description="Name of this platform as a witness; LOG_ORIGIN/witness if empty."
    )

    key_passphrase: SecretStr | None = Field(
        None,
        description="Encrypts all key files; if empty, keystores by a random one beside them.",
    )
    log_post_quantum: bool = Field(
        False, description="Sign checkpoints with ML-DSA-44 as well as with Ed25519."
    )
    settler_signer_url: SecretStr | None = Field(
        None,
        description="A signing service (Web3Signer, eth1) for the settler; its keystore if empty.",
    )
    settler_signer_address: Address | None = Field(
        None, description="The service's account that settles; its only one if empty."
    )
    database_pool_size: int = Field(
        10, ge=1, le=90, description="Most database connections of one process."
    )
    worker_lease: Seconds = Field(
        15.0, description="A silent worker loses its work after this long, in seconds."
    )

    bump_after: Seconds = Field(
        60.0,
        description="A settlement in no block after this long is sent again for more, in seconds.",
    )
    faults: str | None = Field(
        None,
        description="Crash tests: the process kills itself at NAME or NAME:N; chain 31337 only.",
    )

    development_wallet_url: str | None = Field(
        None,
        pattern=r"^http://[^/\s]+$",
        description="The demonstration's wallet process; loopback and chain 31337 only. Set by"
        " `tally demo`.",
    )
    development_wallet_secret: SecretStr | None = Field(
        None, description="What the API shows to that wallet process. Set by `tally demo`."
    )

    yfinance_enabled: bool = Field(
        False,
        description="Fetch prices from Yahoo Finance; off, because its terms restrict use.",
    )

    log_level: LogLevel = Field(LogLevel.INFO, description="debug, info, warning or error.")
    log_json: bool = Field(False, description="One JSON document a log line instead of text.")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = value.expanduser()
        return path if path.is_absolute() else CHECKOUT / path

    @field_validator("witness_required")
    @classmethod
    def _only_with_witnesses(cls, value: bool, others: ValidationInfo) -> bool:
        """Without witnesses there is never a quorum, and so never an anchor."""
        if value and others.data.get("witness_policy") is None:
            raise ValueError("needs TALLYSTICK_WITNESS_POLICY")
        return value

    @field_validator("faults")
    @classmethod
    def _only_in_development(cls, value: str | None, others: ValidationInfo) -> str | None:
        """A process that kills itself must not be one that anybody else depends on."""
        if value and not _is_all_here(others.data):
            raise ValueError("only for chain 31337, with every address on this machine")
        return value

    @property
    def base_url(self) -> str:
        """The address users see; ``localhost`` because WebAuthn refuses ``127.0.0.1``."""
        return self.public_url or f"http://localhost:{self.port}"


def _is_all_here(values: Mapping[str, Any]) -> bool:
    """Whether chain, database and the addresses served are this machine's development ones."""
    database, chain = values.get("database_url"), values.get("chain_rpc_url")
    public = values.get("public_url")
    return (
        values.get("chain_id") == DEVELOPMENT_CHAIN
        and is_loopback(values.get("host", ""))
        and (public is None or is_loopback_url(public))
        and (chain is None or is_loopback_url(chain.get_secret_value()))
        and (database is None or is_local_database(database.get_secret_value()))
    )


def environment_names() -> dict[str, str]:
    """The environment variable of every setting, by the setting's name."""
    return {
        name: str(field.validation_alias or f"{_PREFIX}{name.upper()}")
        for name, field in Settings.model_fields.items()
    }


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; ``overrides`` (from the command line) win.

    Raises ``ConfigurationInvalid``, which names each wrong variable but never repeats its value,
    and refuses ``TALLYSTICK_`` variables that do not exist: a misspelt one must not be silent.
    """
    _refuse_unknown(os.environ)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        names = environment_names()
        faults = {
            names.get(str(fault["loc"][0]), str(fault["loc"][0])): fault["msg"]
            for fault in error.errors(include_input=False, include_url=False)
        }
        text = "; ".join(f"{name}: {message}" for name, message in sorted(faults.items()))
        raise ConfigurationInvalid(f"Wrong settings: {text}", faults=faults) from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = set(environment_names().values())
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise ConfigurationInvalid(f"There is no setting {name}{hint}", name=name)
