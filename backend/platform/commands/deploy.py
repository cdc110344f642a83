"""``tally migrate`` and ``tally deploy``: what has to happen once before the processes can start.

``tally demo`` does both by itself. With a database and a node of one's own, each process of its
own (containers, units), they are two jobs that end: the schema first, then the contracts.
"""

from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import sql

from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.identity.service import IdentityService
from backend.kernel.errors import DatabaseUnavailable
from backend.platform import schema
from backend.platform.anvil import ExternalNode
from backend.platform.bootstrap import Core, chain_url
from backend.platform.commands.support import (
    JsonFlag,
    core_on_stage,
    out,
    print_json,
    typed_errors,
)
from backend.platform.demo.chain import DevelopmentChain
from backend.platform.demo.data import TOKENISED, ReferenceData
from backend.platform.errors import ConfigurationInvalid
from backend.platform.home import write_secret
from backend.platform.settings import load_settings
from backend.platform.stage import open_database
from backend.settlement.chain.deploy import Deployment, SecuritySpec

OPERATOR_TOKEN = "operator.token"  # noqa: S105 - the file's name
OPERATOR_ROLES = ("operator", "auditor")
CURRENCIES = ("USD",)
SHORTEST_PASSWORD = 16


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("migrate")(migrate)
    app.command("deploy")(deploy)


def migrate(
    login_password_file: Annotated[
        Path | None,
        typer.Option(help="The password the login of the processes shall have; one line."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Create the roles and bring the schema up to date; repeating it changes nothing.

    Needs a DATABASE_URL whose user may create roles, or the embedded server. The processes log
    in as ``tallystick``, which owns nothing.
    """
    with typed_errors(as_json):
        settings = load_settings()
        password = _password(login_password_file) if login_password_file else None
        if password is not None and settings.database_url is None:
            raise ConfigurationInvalid(
                "The embedded server asks for no password: set DATABASE_URL, or leave it out."
            )
        with open_database(settings) as conninfo:
            if password is not None:
                _set_login_password(conninfo, password)
        revision = schema.head_revision()
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"The schema is at revision {revision}.")


def deploy(as_json: JsonFlag = False) -> None:
    """Deploy the contracts on a development chain, adopt its registry, load the packaged data.

    Finds again what is there. The operator's first API token is written once, to
    ``keys/operator.token`` below the home (mode 0600).
    """
    with typed_errors(as_json):
        settings = load_settings()
        with core_on_stage("operator", settings) as core:
            deployment = _deploy(core)
            token = _operator_token(core)
    registry = deployment.anchor_registry
    facts = {
        "chain_id": str(deployment.chain_id),
        "settlement": deployment.settlement.address,
        "registry": registry.address if registry else "",
        "operator_token": str(token),
    }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            out.print(f"{name:>14}: {value}", highlight=False)


def _deploy(core: Core) -> Deployment:
    settings = core.settings
    node = ExternalNode(chain_url(settings), settings.chain_id).start()
    chain = DevelopmentChain(node, core.home, settings.chain_id)
    reference = ReferenceData(core)
    securities = reference.register()
    specs = tuple(
        SecuritySpec(ticker, securities[ticker].name, securities[ticker].isin)
        for ticker in TOKENISED
    )
    deployment = chain.deploy(specs, CURRENCIES, settings.log_origin)
    chain.adopt(core, deployment)
    reference.tokenise(securities, deployment)
    chain.finalize()
    reference.load(securities, lambda *_: None)
    return deployment


def _operator_token(core: Core) -> Path:
    """Where the operator's token lies; issued when there is none."""
    path = core.home.keys / OPERATOR_TOKEN
    if path.exists():
        return path
    caller = Caller("process:operator")
    identity = IdentityService(core.store, core.settings.log_origin)
    identity.register(caller, VENUE_TENANT, VENUE_PARTICIPANT, "Tallystick Venue", "venue")
    token = identity.issue_token(
        caller, VENUE_TENANT, VENUE_PARTICIPANT, "deployment", OPERATOR_ROLES
    )
    write_secret(path, token + "\n")
    return path


def _password(path: Path) -> str:
    """Raises ConfigurationInvalid; the message never repeats the content."""
    try:
        password = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            "The file of the login's password cannot be read.", path=str(path)
        ) from error
    if len(password) < SHORTEST_PASSWORD or "\n" in password:
        raise ConfigurationInvalid(
            f"The login's password must be one line of at least {SHORTEST_PASSWORD} characters."
        )
    return password


def _set_login_password(conninfo: str, password: str) -> None:
    """Raises DatabaseUnavailable, or ConfigurationInvalid when the user may not do it."""
    try:
        with psycopg.connect(conninfo, autocommit=True) as admin:
            # Hashed here: the server, its log and its statistics never see the password itself.
            verifier = admin.pgconn.encrypt_password(
                password.encode(), schema.LOGIN.encode(), b"scram-sha-256"
            )
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(schema.LOGIN), sql.Literal(verifier.decode("ascii"))
            )
            admin.execute(statement)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationInvalid(
            "The user of DATABASE_URL may not set the login's password."
        ) from error
