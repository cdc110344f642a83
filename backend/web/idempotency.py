"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header): once per key, exactly.

The key is claimed in the transaction of the work, so a kill between the two cannot happen:
either both are there or neither. A repeated request gets the stored response; the same key
with another body is refused; two at once wait for each other on the primary key.

A request is remembered by its hash. Where it holds personal data the hash is keyed: without the
key nobody who reads the table can try values. When the data is erased the request is made
unrecognisable too: its key stays used, so that a late repetition brings nothing back.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore, UnitOfWork, retrying
from backend.kernel.errors import DomainError, ErrorCode, ValueInvalid
from backend.web.problems import MEDIA_TYPE

Outcome = tuple[int, BaseModel | dict[str, Any]]


class IdempotencyKeyMissing(DomainError):
    """This operation needs an Idempotency-Key header."""

    code = ErrorCode.IDEMPOTENCY_KEY_MISSING


class IdempotencyKeyReused(DomainError):
    """The key was used for another request."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED


KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class Idempotency:
    """Runs work at most once per (tenant, route, key)."""

    def __init__(self, store: EventStore, secret: bytes | None = None) -> None:
        self._store = store
        self._secret = secret  # for requests that hold personal data

    def run(
        self,
        request: Request,
        scope: Scope,
        caller: Caller,
        key: str | None,
        body: BaseModel | None,
        work: Callable[[UnitOfWork], Outcome],
    ) -> Response:
        """The response of the first run with this key, whether now or earlier.

        Domain errors that ``work`` raises roll everything back and are not stored: the same
        key may be tried again. What ``work`` returns, rejections included, is stored.
        """
        name = _checked(key)
        route = f"{request.method} {request.scope['route'].path}"
        digest = _request_hash(request, body, self._secret)

        def once() -> Response:
            with self._store.transaction(scope, caller) as uow:
                stored = _claim(uow, scope.tenant_id, route, name, digest)
                if stored is not None:
                    return stored
                status, result = work(uow)
                return _remember(uow, scope.tenant_id, route, name, status, result)

        return retrying(once)


def belongs_to(uow: UnitOfWork, request: Request, key: str | None, subject_id: str) -> None:
    """Note whose personal data the request holds that this transaction runs for."""
    route = f"{request.method} {request.scope['route'].path}"
    uow.connection.execute(
        "UPDATE idempotency_keys SET subject_id = %s"
        " WHERE tenant_id = %s AND route = %s AND key = %s",
        (subject_id, uow.scope.tenant_id, route, key),
    )


def forget_requests(connection: Connection, tenant_id: str, subject_id: str) -> None:
    """Make every request that held a subject's personal data unrecognisable."""
    connection.execute(
        "UPDATE idempotency_keys SET request_hash = ''::bytea"
        " WHERE tenant_id = %s AND subject_id = %s",
        (tenant_id, subject_id),
    )


def _claim(uow: UnitOfWork, tenant: str, route: str, key: str, digest: bytes) -> Response | None:
    row = uow.connection.execute(
        "INSERT INTO idempotency_keys (tenant_id, route, key, request_hash) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING key",
        (tenant, route, key, digest),
    ).fetchone()
    if row is not None:
        return None
    known = uow.connection.execute(
        "SELECT request_hash, status, body FROM idempotency_keys"
        " WHERE tenant_id = %s AND route = %s AND key = %s",
        (tenant, route, key),
    ).fetchone()
    if known is None or known["request_hash"] != digest:
        raise IdempotencyKeyReused("The Idempotency-Key was used for another request.", key=key)
    return _response(known["status"], known["body"], replayed=True)


def _remember(
    uow: UnitOfWork,
    tenant: str,
    route: str,
    key: str,
    status: int,
    result: BaseModel | dict[str, Any],
) -> Response:
    content = (
        result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result)
    ).encode()
    uow.connection.execute(
        "UPDATE idempotency_keys SET status = %s, body = %s"
        " WHERE tenant_id = %s AND route = %s AND key = %s",
        (status, content, tenant, route, key),
    )
    return _response(status, content, replayed=False)


def _response(status: int, content: bytes, *, replayed: bool) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    media_type = MEDIA_TYPE if status >= 400 else "application/json"
    return Response(content, status, headers, media_type)


def _checked(key: str | None) -> str:
    if not key:
        raise IdempotencyKeyMissing("Send an Idempotency-Key header: a new one for each request.")
    if not key.isascii() or not key.isprintable():
        raise ValueInvalid("The Idempotency-Key must be printable ASCII.")
    return key


def _request_hash(request: Request, body: BaseModel | None, secret: bytes | None) -> bytes:
    content = body.model_dump_json() if body is not None else ""
    text = f"{request.url.path}\n{content}".encode()
    if secret is None:
        return hashlib.sha256(text).digest()
    return hmac.new(secret, b"tallystick/request/v1\n" + text, hashlib.sha256).digest()
