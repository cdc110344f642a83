"""The document: valid, complete, no decimal as a number; and the API held to it by schemathesis."""

import json
import uuid
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from backend.kernel.errors import ErrorCode
from backend.web.problems import STATUS
from scripts import openapi
from tests.api.test_access import PUBLIC, SIGN_IN
from tests.integration.parties import PROBLEM
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

# Numbers that are counts, heights or codes, never amounts.
WHOLE = {
    "age_days", "anchored_size", "attempt", "block_number", "calc_version", "chain_id",
    "checkpoint_size", "count", "deadline", "decimals", "end", "gas_used", "index",
    "index_position", "index_size", "log_index", "new_units", "number", "old_units",
    "oldest_unanchored_seconds", "orders", "position", "positions", "rows", "size", "stale_days",
    "start", "status", "stream_version", "streams", "unanchored_entries", "waiting_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(world: World) -> dict[str, Any]:
    answer = world.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OPENAPI_31_VALIDATOR.validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_operation_has_a_summary_a_tag_and_one_id(document: dict[str, Any]) -> None:
    found = operations(document)
    assert [key for key, each in found.items() if not each.get("summary")] == []
    assert [key for key, each in found.items() if not each.get("description")] == []
    assert [key for key, each in found.items() if not each.get("tags")] == []
    ids = [each["operationId"] for each in found.values()]
    assert len(set(ids)) == len(ids)


def test_an_operations_id_is_its_functions_name(document: dict[str, Any]) -> None:
    ids = {each["operationId"] for each in operations(document).values()}
    assert {"place_order", "sign_instruction", "stream_events", "get_status"} <= ids
    assert all(each.isidentifier() for each in ids)


def test_the_committed_document_and_its_types_are_current() -> None:
    """Made without a server. Without Node.js and its packages the types are not compared."""
    files = openapi.wanted()
    assert openapi.stale(files) == [], "run: python -m scripts.openapi"
    changed = {path: text.replace("place_order", "put_order") for path, text in files.items()}
    assert set(openapi.stale(changed)) == set(files), "the control: a change is noticed"


def test_the_committed_document_is_the_servers_with_development_mode(
    document: dict[str, Any],
) -> None:
    made = json.loads(openapi.document())
    extra = set(made["paths"]) - set(document["paths"])
    assert extra == {"/api/v1/development/sessions", "/api/v1/development/rpc"}
    for path, item in document["paths"].items():
        assert made["paths"][path] == item, path


def test_every_operation_says_how_it_refuses(document: dict[str, Any]) -> None:
    missing = []
    for key, each in operations(document).items():
        answers = {code: answer for code, answer in each["responses"].items() if code[0] in "45"}
        if "4XX" not in answers or "5XX" not in answers:
            missing.append(key)
        for code, answer in answers.items():
            health = key == "GET /readyz" and code == "503"  # says what is not in order
            if set(answer.get("content", {})) != {PROBLEM} and not health:
                missing.append(f"{key} {code} {list(answer.get('content', {}))}")
    assert missing == []


def test_every_operation_that_needs_a_token_says_so(document: dict[str, Any]) -> None:
    found = operations(document)
    assert {key for key, each in found.items() if not each.get("security")} == PUBLIC | SIGN_IN


def test_no_decimal_is_a_number(document: dict[str, Any]) -> None:
    numbers = []
    for name, schema in document["components"]["schemas"].items():
        for field, kind in _fields(schema):
            if kind == "number" or (kind == "integer" and field not in WHOLE):
                numbers.append(f"{name}.{field}: {kind}")
    assert numbers == []


def _fields(schema: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for field, part in schema.get("properties", {}).items():
        for each in (part, *part.get("anyOf", []), part.get("items", {})):
            if "type" in each:
                found.append((field, each["type"]))
    return found


def test_every_error_code_has_a_status_and_is_explained(world: World) -> None:
    page = world.http.get("/docs/errors")
    assert page.status_code == 200
    for code in ErrorCode:
        assert code in STATUS
        assert f'id="{code.value}"' in page.text


def test_the_documentation_page_needs_no_other_host(world: World) -> None:
    page = world.http.get("/docs").text
    assert "https://" not in page
    assert "/docs/assets/swagger-ui-bundle.js" in page


# ------------------------------------------------------------------------------ schemathesis

EXAMPLES = 12
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def api_schema(world: World) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", world.app)


def test_no_request_crashes_the_api(
    api_schema: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As trader and as operator: a documented status, the documented form, and never a 5xx."""
    monkeypatch.setattr("backend.audit.places.STREAM_SECONDS", 0.05)  # a stream must come to an end
    failures: list[str] = []
    seen: Counter[int] = Counter()
    tried = 0
    for result in api_schema.get_all_operations():
        operation = result.ok()
        tried += 1
        world.sequence()  # events that wait for long make the API say that it is not ready
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _attack(operation, mode, world, seen)
            except Unsatisfiable:
                continue  # nothing about this operation can be wrong
            except Exception as error:  # noqa: BLE001 - every operation is reported, not only the first
                failures.append(f"{operation.label} ({mode.name}): {error}"[:1_500])
    assert tried == len(operations(world.app.openapi()))
    assert failures == [], "\n\n".join(failures)
    assert {200, 202, 400, 403, 404, 409, 422} <= set(seen), seen
    world.pump()
    report = world.replay()
    assert report.equal, report.differences


def _attack(operation: Any, mode: GenerationMode, world: World, seen: Counter[int]) -> None:
    known = {
        "account_id": world.cedar.account_id,
        "portfolio_id": world.cedar.portfolio_id,
        "participant_id": world.cedar.participant_id,
        "security_id": world.security.security_id,
        "currency": "USD",
        "scope": "venue",
    }

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attack(case: Any) -> None:
        for token in (world.cedar.token, world.plan.operator):
            case.headers["Authorization"] = f"Bearer {token}"
            if sum(seen.values()) % 5:  # and sometimes what was generated, or none
                case.headers["Idempotency-Key"] = str(uuid.uuid4())
            response = case.call()
            seen[response.status_code] += 1
            if response.status_code != 405:  # a slash in a path parameter makes another path
                case.validate_response(response, checks=CHECKS)
            for name in set(known) & set(case.path_parameters or {}):
                case.path_parameters[name] = known[name]  # the next caller's id is a real one

    attack()
