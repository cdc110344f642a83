"""Database and chain for one platform: started or adopted, migrated, and left behind clean."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from backend.kernel.errors import DatabaseUnavailable
from backend.platform import schema
from backend.platform.anvil import Anvil, ChainOptions, ExternalNode
from backend.platform.errors import ConfigurationInvalid
from backend.platform.postgres import ExternalPostgres, open_postgres
from backend.platform.settings import Settings

DATABASE = "tallystick"


@dataclass(frozen=True)
class Stage:
    """Where the platform's database and chain are."""

    conninfo: str
    chain_url: str
    node: Anvil | ExternalNode

    def environment(self, settings: Settings) -> dict[str, str]:
        """What child processes need in their environment to find both."""
        return {
            "DATABASE_URL": self.conninfo,
            "CHAIN_RPC_URL": self.chain_url,
            "TALLYSTICK_HOME": str(settings.home),
            "TALLYSTICK_LOG_ORIGIN": settings.log_origin,
            "TALLYSTICK_CHAIN_ID": str(settings.chain_id),
        }


@contextmanager
def open_stage(settings: Settings, genesis: int | None = None) -> Iterator[Stage]:
    """Start or adopt both servers and migrate the schema.

    ``genesis`` is the chain's first timestamp when a development chain is made. Raises
    DatabaseUnavailable, NodeUnavailable, ToolMissing, ChainMismatch.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        conninfo = stack.enter_context(open_database(settings))
        node = open_chain(settings, genesis)
        stack.callback(node.close)
        yield Stage(conninfo, node.url, node)


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The conninfo of the migrated database; an embedded server is left at the end."""
    url = settings.database_url.get_secret_value() if settings.database_url else None
    server = open_postgres(settings.home, url)
    try:
        if isinstance(server, ExternalPostgres):
            admin = conninfo = server.address().conninfo()
        else:
            admin = server.address(dbname=DATABASE).conninfo()
            conninfo = server.address(schema.LOGIN, DATABASE).conninfo()
        with _admin(server.address().conninfo()) as connection:
            schema.create_roles(connection)
            if isinstance(server, ExternalPostgres):
                schema.hand_over(connection)
            else:
                schema.create_database(connection, DATABASE)
        schema.migrate(admin)
        yield conninfo
    finally:
        server.close()


def open_chain(settings: Settings, genesis: int | None = None) -> Anvil | ExternalNode:
    """The node of CHAIN_RPC_URL, or the home's own Anvil, started or adopted."""
    if settings.chain_rpc_url is not None:
        return ExternalNode(settings.chain_rpc_url.get_secret_value(), settings.chain_id).start()
    return Anvil(settings.home, ChainOptions(settings.chain_id, timestamp=genesis)).start()


@contextmanager
def _admin(conninfo: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationInvalid(
            "The user of DATABASE_URL may not create roles, or does not own the database:"
            f" {error.diag.message_primary}."
        ) from error
