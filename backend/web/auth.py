"""Who calls: a bearer token becomes a principal; a route names the role it needs."""

from collections.abc import Callable
from typing import Annotated, Protocol

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.kernel.errors import DomainError, ErrorCode, Forbidden

ROLES = ("investor", "trader", "operator", "auditor")


class Unauthenticated(DomainError):
    """No credentials, or none that are known and still valid."""

    code = ErrorCode.UNAUTHENTICATED


class Principal(msgspec.Struct, frozen=True):
    """The authenticated caller."""

    tenant_id: str
    participant_id: str
    roles: frozenset[str]

    @property
    def actor(self) -> str:
        return f"participant:{self.participant_id}"

    @property
    def scope(self) -> Scope:
        """The caller's own tenant."""
        return Scope.app(self.tenant_id)

    def caller(self, request: Request) -> Caller:
        """What events caused by this request record."""
        return Caller(self.actor, correlation_id=request.state.request_id)


class Tokens(Protocol):
    """Knows which principal a token stands for."""

    def principal_of(self, token: str) -> Principal | None:
        """The principal, or None for an unknown or expired token."""
        ...


_bearer = HTTPBearer(auto_error=False, description="An API token of the platform")


class Authenticator:
    """Gives routes their dependencies. Deny is the default: a route must ask for a role."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def require(self, *roles: str) -> Callable[..., Principal]:
        """A dependency that admits callers with at least one of ``roles``.

        Raises Unauthenticated (401) without valid credentials, Forbidden (403) without role.
        """

        def principal(
            credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        ) -> Principal:
            if credentials is None:
                raise Unauthenticated("Send an API token as Authorization: Bearer.")
            found = self._tokens.principal_of(credentials.credentials)
            if found is None:
                raise Unauthenticated("The API token is not known or has expired.")
            if not found.roles.intersection(roles):
                raise Forbidden("Your role does not admit this.", needed=" or ".join(roles))
            return found

        return principal
