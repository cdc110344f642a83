"""The OpenAPI document as the API really answers: refusals travel as problem details."""

from typing import Any

from fastapi import FastAPI

from backend.web.problems import MEDIA_TYPE


def install(app: FastAPI) -> None:
    """Give every documented refusal of the application its own media type (RFC 9457).

    FastAPI files a route's further models under ``application/json``, whatever they travel as,
    and describes a stream with OpenAPI 3.2's ``itemSchema`` in a document of 3.1.
    """
    made = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in made()["paths"].values():
                for operation in path.values():
                    _correct(operation["responses"])
        return made()

    app.openapi = document  # type: ignore[method-assign]


def _correct(responses: dict[str, Any]) -> None:
    for answer in responses.values():
        for content in answer.get("content", {}).values():
            if "itemSchema" in content:  # the schema is that of one message
                content["schema"] = content.pop("itemSchema")
    for status in ("4XX", "5XX"):
        content = responses.get(status, {}).get("content", {})
        for kind in [each for each in content if each != MEDIA_TYPE]:
            content[MEDIA_TYPE] = content.pop(kind)
