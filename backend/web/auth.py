"""Who calls: a bearer token or a browser's session cookie becomes a principal; roles admit it.

A cookie travels with every request to us, also with one that another site's page makes. So a
request that changes something and stands on the cookie must come from our own pages (OWASP
CSRF cheat sheet: Fetch Metadata, else Origin). A bearer token is never sent by itself.
"""

from collections.abc import Callable
from typing import Annotated, Protocol
from urllib.parse import urlsplit

import msgspec
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.kernel.errors import DatabaseUnavailable, DomainError, ErrorCode, Forbidden

ROLES = ("investor", "trader", "operator", "auditor")
SESSION_COOKIE = "__Host-tallystick"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


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
    """Knows which principal a token or a session stands for."""

    def principal_of(self, token: str) -> Principal | None:
        """The principal, or None for an unknown or expired API token."""
        ...

    def principal_of_session(self, secret: str, *, touch: bool = True) -> Principal | None:
        """The principal, or None for an unknown, ended or expired session.

        With ``touch`` the session counts as used now.
        """
        ...


class Listener(msgspec.Struct, frozen=True):
    """The caller of an answer that goes on; ``admitted`` says whether it would be let in now."""

    principal: Principal
    admitted: Callable[[], bool]


_bearer = HTTPBearer(auto_error=False, description="An API token of the platform")
_cookie = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, description="A browser's session (POST /sessions)"
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
SessionCookie = Annotated[str | None, Depends(_cookie)]


class Authenticator:
    """Gives routes their dependencies. Deny is the default: a route must ask for a role."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def require(self, *roles: str) -> Callable[..., Principal]:
        """A dependency that admits callers with at least one of ``roles``.

        A bearer token goes before a cookie. Raises Unauthenticated (401) without valid
        credentials, Forbidden (403) without role, or for a cookie on a foreign page's request.
        """

        def principal(request: Request, bearer: Bearer, cookie: SessionCookie) -> Principal:
            found = self._principal(request, bearer, cookie)
            if not found.roles.intersection(roles):
                raise Forbidden("Your role does not admit this.", needed=" or ".join(roles))
            return found

        return principal

    def require_listener(self, *roles: str) -> Callable[..., Listener]:
        """As ``require``, for an answer that goes on by itself: it keeps no session alive.

        A page left open would otherwise never be idle.
        """

        def listener(request: Request, bearer: Bearer, cookie: SessionCookie) -> Listener:
            def enter() -> Principal:
                found = self._principal(request, bearer, cookie, touch=False)
                if not found.roles.intersection(roles):
                    raise Forbidden("Your role does not admit this.", needed=" or ".join(roles))
                return found

            principal = enter()
            return Listener(principal, lambda: _admits(enter, principal))

        return listener

    def _principal(
        self,
        request: Request,
        bearer: HTTPAuthorizationCredentials | None,
        cookie: str | None,
        *,
        touch: bool = True,
    ) -> Principal:
        if bearer is not None:
            found = self._tokens.principal_of(bearer.credentials)
            if found is None:
                raise Unauthenticated("The API token is not known or has expired.")
            return found
        if cookie is None:
            raise Unauthenticated("Sign in, or send an API token as Authorization: Bearer.")
        require_own_page(request)
        found = self._tokens.principal_of_session(cookie, touch=touch)
        if found is None:
            raise Unauthenticated("The session has ended. Sign in again.")
        return found


def _admits(enter: Callable[[], Principal], known: Principal) -> bool:
    """Whether ``known`` would be let in again; one who cannot be looked up stays for now."""
    try:
        return enter() == known
    except (Unauthenticated, Forbidden):
        return False
    except DatabaseUnavailable:
        return True


def require_own_page(request: Request) -> None:
    """Raise Forbidden for a request that changes something unless one of our pages made it."""
    if request.method in _SAFE or _from_own_page(request, unknown=False):
        return
    raise Forbidden("A request with a session cookie must come from this platform's own pages.")


def refuse_foreign_page(request: Request) -> None:
    """Raise Forbidden for a request that another site's page made; programs are let through."""
    if not _from_own_page(request, unknown=True):
        raise Forbidden("This request must not come from another site's page.")


def _from_own_page(request: Request, *, unknown: bool) -> bool:
    """What the browser says of the page; ``unknown`` where it says nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is None:
        return unknown
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host")
