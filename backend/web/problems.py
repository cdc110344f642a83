"""RFC 9457 problem details from one enum: the only place where an error becomes a status."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.kernel.errors import DomainError, ErrorCode

MEDIA_TYPE = "application/problem+json"
PROBLEM_BASE = "/docs/errors#"

_BY_STATUS: dict[HTTPStatus, tuple[ErrorCode, ...]] = {
    HTTPStatus.BAD_REQUEST: (
        ErrorCode.REQUEST_MALFORMED,
        ErrorCode.IDEMPOTENCY_KEY_MISSING,
        ErrorCode.CURSOR_INVALID,
    ),
    HTTPStatus.UNAUTHORIZED: (ErrorCode.UNAUTHENTICATED,),
    HTTPStatus.FORBIDDEN: (ErrorCode.FORBIDDEN,),
    HTTPStatus.NOT_FOUND: (
        ErrorCode.NOT_FOUND,
        ErrorCode.SECURITY_UNKNOWN,
        ErrorCode.WALLET_UNKNOWN,
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (ErrorCode.METHOD_NOT_ALLOWED,),
    HTTPStatus.CONFLICT: (
        ErrorCode.CONFLICT,
        ErrorCode.CONCURRENCY_CONFLICT,
        ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
        ErrorCode.ORDER_STATE_INVALID,
        ErrorCode.SETTLEMENT_STATE_INVALID,
        ErrorCode.ALREADY_SETTLED,
        ErrorCode.PROOF_NOT_READY,
        ErrorCode.SECURITY_DUPLICATE,
        ErrorCode.RESERVATION_EXCEEDED,
        ErrorCode.DEPOSIT_EVIDENCE_USED,
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (ErrorCode.REQUEST_TOO_LARGE,),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        ErrorCode.AMOUNT_INVALID,
        ErrorCode.VALUE_INVALID,
        ErrorCode.CURRENCY_MISMATCH,
        ErrorCode.UNIT_MISMATCH,
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
        ErrorCode.IDENTIFIER_INVALID,
        ErrorCode.INSUFFICIENT_CASH,
        ErrorCode.INSUFFICIENT_UNITS,
        ErrorCode.POSITION_LIMIT_EXCEEDED,
        ErrorCode.CIRCUIT_BREAKER_OPEN,
        ErrorCode.COMPLIANCE_REJECTED,
        ErrorCode.SIGNATURE_INVALID,
        ErrorCode.SIGNATURE_WRONG_SIGNER,
        ErrorCode.SIGNATURE_WRONG_DOMAIN,
        ErrorCode.DEADLINE_EXPIRED,
        ErrorCode.DEPOSIT_UNPROVEN,
        ErrorCode.PRICE_UNAVAILABLE,
        ErrorCode.CHAIN_MISMATCH,
        ErrorCode.TRANSACTION_REVERTED,
        ErrorCode.PRICE_OUTSIDE_COLLAR,
        ErrorCode.CALENDAR_UNKNOWN,
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (ErrorCode.TOO_MANY_STREAMS,),
    HTTPStatus.BAD_GATEWAY: (ErrorCode.PROVIDER_RESPONSE_INVALID,),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.DATABASE_NOT_MIGRATED,
        ErrorCode.NODE_UNAVAILABLE,
        ErrorCode.CHAIN_REWOUND,
        ErrorCode.PROVIDER_UNAVAILABLE,
        ErrorCode.LEASE_LOST,
        ErrorCode.KEY_UNAVAILABLE,
        ErrorCode.OVERLOADED,
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        ErrorCode.INVARIANT_BROKEN,
        ErrorCode.LOG_INCONSISTENT,
        ErrorCode.EVENT_UNREADABLE,
        ErrorCode.BLOB_MISSING,
        ErrorCode.BLOB_CORRUPT,
        ErrorCode.CONFIGURATION_INVALID,
        ErrorCode.TOOL_MISSING,
    ),
}
STATUS: dict[ErrorCode, HTTPStatus] = {
    code: status for status, codes in _BY_STATUS.items() for code in codes
}
_OF_HTTP = {
    400: ErrorCode.REQUEST_MALFORMED,
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.REQUEST_TOO_LARGE,
}


def problem(
    code: ErrorCode,
    detail: str,
    *,
    instance: str = "",
    retryable: bool = False,
    errors: list[dict[str, Any]] | None = None,
    context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of a problem document; ``errors`` holds JSON pointers into the request."""
    status = STATUS[code]
    body: dict[str, Any] = {
        "type": PROBLEM_BASE + code.value,
        "title": code.value.replace("-", " ").capitalize(),
        "status": status.value,
        "detail": detail,
        "code": code.value,
        "retryable": retryable,
    }
    if instance:
        body["instance"] = instance
    if errors:
        body["errors"] = errors
    if context:
        body["context"] = {key: _plain(value) for key, value in context.items()}
    return body


def problem_of(error: DomainError, instance: str = "") -> dict[str, Any]:
    """The problem document of a typed error."""
    return problem(
        error.code,
        error.message,
        instance=instance,
        retryable=error.retryable,
        context=error.context,
    )


def respond(body: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    """The response that carries a problem document."""
    return JSONResponse(body, body["status"], headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Map every failure of the application to a problem document."""
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


def request_id(request: Request) -> str:
    """The id the context middleware gave this request."""
    return f"urn:uuid:{request.state.request_id}" if hasattr(request.state, "request_id") else ""


def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DomainError):
        raise error
    headers = {"Retry-After": "1"} if STATUS[error.code] in (429, 503) else None
    return respond(problem_of(error, request_id(request)), headers)


def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [
        {"pointer": _pointer(each["loc"]), "detail": each["msg"], "kind": each["type"]}
        for each in error.errors()
    ]
    malformed = any(each["kind"] == "json_invalid" for each in found)
    code = ErrorCode.REQUEST_MALFORMED if malformed else ErrorCode.VALUE_INVALID
    detail = "The request is not what this operation takes."
    return respond(problem(code, detail, instance=request_id(request), errors=found))


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = _OF_HTTP.get(error.status_code, ErrorCode.REQUEST_MALFORMED)
    body = problem(code, str(error.detail), instance=request_id(request))
    body["status"] = error.status_code
    return respond(body, dict(error.headers) if error.headers else None)


def _on_unexpected(request: Request, _error: Exception) -> JSONResponse:
    """The server goes on to log the traceback under the same id; none of it leaves the house."""
    detail = "The platform met a state that it excludes. Name this request when you report it."
    name = request_id(request)
    headers = {"X-Request-Id": name.removeprefix("urn:uuid:")} if name else None
    return respond(problem(ErrorCode.INVARIANT_BROKEN, detail, instance=name), headers)


def _pointer(location: tuple[Any, ...] | list[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | list | dict | None) else str(value)
