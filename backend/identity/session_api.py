"""Sign-in for browsers: an API token is exchanged for a session cookie no script can read."""

from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from backend.identity.api import WalletOut, wallets_out
from backend.identity.service import IdentityService, TokenHolder
from backend.identity.sessions import Session, Sessions
from backend.web.auth import (
    SESSION_COOKIE,
    SessionCookie,
    Unauthenticated,
    refuse_foreign_page,
    require_own_page,
)
from backend.web.models import EdgeModel


class SessionIn(EdgeModel):
    """The API token that the session will stand for."""

    token: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]


class SessionOut(EdgeModel):
    """Who is signed in. ``expires_at`` is real time: the latest end of the session."""

    participant_id: str
    tenant_id: str
    name: str
    kind: str
    roles: list[str]
    wallets: list[WalletOut]
    expires_at: datetime


def _log(request: Request, event: str, participant_id: str | None) -> None:
    """One line for whoever has to find out later who came in; never a token or a secret."""
    structlog.get_logger(process="api").info(
        event, participant_id=participant_id, request_id=request.state.request_id
    )


class SignIn:
    """Begins sessions and writes their cookie."""

    def __init__(self, identity: IdentityService, sessions: Sessions) -> None:
        self._identity = identity
        self._sessions = sessions

    def begin(self, request: Request, response: Response, holder: TokenHolder) -> SessionOut:
        """A session for ``holder``, with the cookie set on ``response``.

        It takes the place of the session this browser had.
        """
        secret, session = self._sessions.begin(holder)
        before = request.cookies.get(SESSION_COOKIE)
        if before is not None:
            self._sessions.end(before)
        _log(request, "session.begun", holder.participant_id)
        left = session.expires_at - datetime.now(UTC)
        response.set_cookie(
            SESSION_COOKIE,
            secret,
            max_age=max(0, int(left.total_seconds())),
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return self.shown(session)

    def wallets_of(self, tenant_id: str, participant_id: str, chain_id: int) -> list[str]:
        """The addresses that the participant has proven on a chain."""
        state = self._identity.participant(tenant_id, participant_id)
        return [each.address for each in state.wallets if each.chain_id == chain_id]

    def shown(self, session: Session) -> SessionOut:
        """The session as its owner sees it."""
        holder = session.holder
        state = self._identity.participant(holder.tenant_id, holder.participant_id)
        return SessionOut(
            participant_id=state.participant_id,
            tenant_id=holder.tenant_id,
            name=state.name,
            kind=state.kind,
            roles=sorted(holder.roles),
            wallets=wallets_out(state),
            expires_at=session.expires_at,
        )


def router(identity: IdentityService, sessions: Sessions, sign_in: SignIn) -> APIRouter:
    """The routes of sessions below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["sessions"])

    @routes.post("/sessions", status_code=201)
    def begin_session(request: Request, response: Response, body: SessionIn) -> SessionOut:
        """Sign in with an API token. The answer sets an HttpOnly cookie."""
        refuse_foreign_page(request)
        holder = identity.holder_of(body.token)
        if holder is None:
            _log(request, "session.refused", None)
            raise Unauthenticated("The API token is not known or has expired.")
        return sign_in.begin(request, response, holder)

    @routes.get("/session")
    def current_session(cookie: SessionCookie) -> SessionOut:
        """Who is signed in with this cookie; 401 when nobody is."""
        session = sessions.find(cookie) if cookie else None
        if session is None:
            raise Unauthenticated("Nobody is signed in with this browser.")
        return sign_in.shown(session)

    @routes.delete("/session", status_code=204)
    def end_session(request: Request, response: Response, cookie: SessionCookie) -> None:
        """Sign out: the session ends at once, in every process."""
        if cookie is None:
            raise Unauthenticated("Nobody is signed in with this browser.")
        require_own_page(request)
        ended = sessions.end(cookie)
        _log(request, "session.ended", ended)
        response.delete_cookie(
            SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="strict"
        )

    return routes
