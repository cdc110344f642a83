"""Contacts over HTTP: who may see a value, where values are not, and how they go."""

import hashlib
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from anchoring.commitment import commit
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.erasures import DueErasures
from backend.kernel.clock import FixedClock
from tests.integration.parties import Client, ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

NOBODYS = "01900000-0000-7000-8000-0000000000ff"
GRACE = timedelta(days=30)


def person(**changes: Any) -> dict[str, Any]:
    """A contact nobody else has; its values stand nowhere by chance."""
    mark = uuid.uuid4().hex
    body = {
        "name": f"Zebedee {mark[:12]}",
        "email": f"{mark[:16]}@people.example",
        "phone": f"+4479{int(mark[:10], 16) % 10**10:010d}",
        "purpose": "settlement",
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


def values_of(body: dict[str, Any]) -> list[str]:
    return [body[field] for field in ("name", "email", "phone") if field in body]


def record(client: Client, body: dict[str, Any], key: str | None = None) -> str:
    return str(ok(client.post("/contacts", body, key=key))["id"])


def patch(client: Client, contact: str, body: Any) -> Any:
    return client.request("PATCH", f"/contacts/{contact}", json=body)


def erase(client: Client, contact: str, **query: Any) -> Any:
    query.setdefault("reason", "data_subject_request")
    return client.request("DELETE", f"/contacts/{contact}", params=query)


def events_of(client: Client, contact: str) -> list[dict[str, Any]]:
    return client.pages("/events", stream_id=f"contact-{contact}")


def tables_holding(world: World, *values: str) -> set[str]:
    """Tables in whose rows one of these stands, whatever the column's type."""
    found = set()
    with psycopg.connect(world.admin()) as connection:
        names = [row[0] for row in connection.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )]  # fmt: skip
        for name in names:
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
            with connection.cursor().copy(statement) as copy:
                data = b"".join(bytes(block) for block in copy)
            if any(form in data for value in values for form in forms(value)):
                found.add(name)
    return found


def forms(value: str) -> list[bytes]:
    """A value as it might have been left somewhere: itself, its plain hash, in hex."""
    plain = value.encode()
    hashed = hashlib.sha256(plain)
    return [plain, plain.hex().encode(), hashed.digest(), hashed.hexdigest().encode()]


def files_holding(folder: Path, *values: str) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for v in values for each in forms(v))
    }


def server_log(world: World) -> bytes:
    """What PostgreSQL wrote of statements that failed."""
    with psycopg.connect(world.admin()) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()  # type: ignore[misc]
    return (Path(folder).parent / "server.log").read_bytes()


@pytest.fixture
def alice(world: World) -> tuple[str, dict[str, Any]]:
    """A contact of Cedar's: (id, what was given)."""
    body = person()
    return record(world.cedar.client, body), body


# ------------------------------------------------------------------------------- recording


def test_a_contact_is_shown_to_its_tenant_with_commitments_that_open(world: World, alice) -> None:
    contact, body = alice
    world.sequence()
    shown = ok(world.cedar.client.get(f"/contacts/{contact}"))
    assert {key: shown[key] for key in body} == body
    assert (shown["state"], shown["erasure_due_at"]) == ("recorded", None)
    (event,) = events_of(world.cedar.client, contact)
    assert event["type"] == "contact.recorded"
    assert event["payload"]["purpose"] == "settlement"
    assert event["payload"]["subject_id"] == contact
    assert {each["event_id"] for each in shown["commitments"]} == {event["event_id"]}
    disclosed = ok(world.cedar.client.get(f"/contacts/{contact}/disclosure"))["disclosed"]
    for field, commitment in event["payload"]["personal"].items():
        salt = bytes.fromhex(disclosed[field]["salt"])
        assert disclosed[field]["value"] == body[field]
        expected = hashlib.sha256(
            b"tallystick/pii/v1\0" + salt + field.encode() + b"\0" + body[field].encode()
        )
        assert expected.hexdigest() == commitment == commit(field, body[field], salt).hex()


def test_two_contacts_with_one_value_cannot_be_linked_by_the_log(world: World) -> None:
    body = person()
    first, second = (record(world.cedar.client, body) for _ in range(2))
    world.sequence()
    payloads = [events_of(world.cedar.client, each)[0]["payload"] for each in (first, second)]
    assert not set(payloads[0]["personal"].values()) & set(payloads[1]["personal"].values())


def test_email_and_telephone_may_be_missing_and_the_name_may_not(world: World) -> None:
    contact = record(world.cedar.client, person(email=None, phone=None))
    shown = ok(world.cedar.client.get(f"/contacts/{contact}"))
    assert (shown["email"], shown["phone"]) == (None, None)
    assert [each["field"] for each in shown["commitments"]] == ["name"]
    with world.nothing_written():
        refused(world.cedar.client.post("/contacts", person(name=None)), 422, "value-invalid")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " x"},
        {"name": "x" * 201},
        {"name": 7},
        {"name": "a\u202eb"},
        {"email": "nobody"},
        {"email": "a b@example.org"},
        {"phone": "079460000"},
        {"phone": "+44 79"},
        {"purpose": "to remember Ada Lovelace"},
        {"purpose": "marketing"},
        {"note": "Ada Lovelace"},
    ],
)
def test_a_refusal_keeps_nothing_and_repeats_no_value(world: World, changes: dict) -> None:
    body = person(**changes)
    with world.nothing_written():
        answer = world.cedar.client.post("/contacts", body)
        refused(answer, 422, "value-invalid")
    told = answer.text
    assert not any(value in told for value in values_of(body) if len(str(value)) > 5)
    assert "Lovelace" not in told


def test_the_same_key_records_one_contact(world: World) -> None:
    body, key = person(), str(uuid.uuid4())
    first = record(world.cedar.client, body, key)
    with world.nothing_written():
        assert record(world.cedar.client, body, key) == first
        other = {**body, "phone": "+15550001111"}
        answer = world.cedar.client.post("/contacts", other, key=key)
        refused(answer, 422, "idempotency-key-reused")


# ------------------------------------------------------------------------------- who may see


def test_no_other_tenant_and_no_role_of_the_venue_sees_a_contact(world: World, alice) -> None:
    contact, body = alice
    paths = (f"/contacts/{contact}", f"/contacts/{contact}/disclosure")
    for path in paths:
        refused(world.birch.client.get(path), 404, "not-found")
        refused(world.operator.get(path), 403, "forbidden")
        refused(world.auditor.get(path), 403, "forbidden")
        refused(world.nobody.get(path), 401, "unauthenticated")
    for path in ("/contacts", "/personal-data/export"):
        assert all(each["contact_id"] != contact for each in world.birch.client.pages(path))
        for venue in (world.operator, world.auditor):
            refused(venue.get(path), 403, "forbidden")
    with world.nothing_written():
        refused(patch(world.birch.client, contact, {"name": "X"}), 404, "not-found")
        refused(erase(world.birch.client, contact, immediately=True), 404, "not-found")
        refused(erase(world.birch.client, contact), 404, "not-found")
        refused(world.birch.client.post(f"/contacts/{contact}/restore"), 404, "not-found")
    world.sequence()
    (seen,) = world.auditor.pages("/events", stream_id=f"contact-{contact}")
    assert set(seen["payload"]["personal"]) == {"name", "email", "phone"}
    assert not any(value in json.dumps(seen) for value in values_of(body))


@pytest.mark.parametrize("scope", [Scope.venue(), Scope.auditor(), Scope.identity()])
@pytest.mark.parametrize("columns", ["value", "salt", "*"])
def test_the_database_gives_a_value_to_the_tenants_own_role_only(
    world: World, alice, scope: Scope, columns: str
) -> None:
    query = f"SELECT {columns} FROM personal_values"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        with world.core.database.transaction(scope) as connection:
            connection.execute(query)  # type: ignore[arg-type]
    with world.core.database.transaction(Scope.app(world.birch.participant_id)) as connection:
        assert connection.execute(query).fetchall() == []  # type: ignore[arg-type]
    with world.core.database.transaction(Scope.app(world.cedar.participant_id)) as connection:
        assert connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_a_malformed_or_unknown_id_is_refused(world: World) -> None:
    client = world.cedar.client
    for path in (f"/contacts/{NOBODYS}", f"/contacts/{NOBODYS}/disclosure"):
        refused(client.get(path), 404, "not-found")
    refused(client.get("/contacts/x"), 422, "value-invalid")
    with world.nothing_written():
        refused(patch(client, NOBODYS, {"name": "X"}), 404, "not-found")
        refused(erase(client, NOBODYS), 404, "not-found")


# ------------------------------------------------------------------------------- where values are


def test_a_value_stands_in_one_table_and_after_the_erasure_in_none(
    fresh_world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every table's bytes, every file of the home, every log line, the server's log, metrics."""
    world, client = fresh_world, fresh_world.cedar.client
    body, second = person(), person()
    wrong = person(email="not-an-address-of-" + uuid.uuid4().hex)
    everything = [*values_of(body), *values_of(second), *values_of(wrong)]
    with caplog.at_level(logging.DEBUG):
        contact = record(client, body, "first key")
        record(client, body, "first key")
        refused(client.post("/contacts", second, key="first key"), 422, "idempotency-key-reused")
        refused(client.post("/contacts", wrong), 422, "value-invalid")
        ok(patch(client, contact, {"email": second["email"], "phone": second["phone"]}))
        world.pump()
        assert tables_holding(world, *everything) == {"personal_values"}
        assert tables_holding(world, body["email"], body["phone"]) == set(), "replaced values"
        world.anchor()
        ok(client.get(f"/contacts/{contact}/disclosure"))
        ok(client.get("/personal-data/export"))
        ok(erase(client, contact, immediately=True))
        world.sequence()
    assert tables_holding(world, *everything) == set()
    assert files_holding(world.home.root, *everything) == set()
    printed = capfd.readouterr()
    told = [*printed, caplog.text, world.http.get("/metrics").text]
    assert not any(value in text for value in everything for text in told)
    assert not any(form in server_log(world) for v in everything for form in forms(v))


def test_the_search_finds_what_is_there(fresh_world: World, tmp_path: Path) -> None:
    """The control of the test above: in text, in bytes, as a hash, and in a file."""
    world, value = fresh_world, "control-" + uuid.uuid4().hex
    digest = hashlib.sha256(value.encode()).digest()
    insert = (
        "INSERT INTO idempotency_keys (tenant_id, route, key, request_hash, body)"
        " VALUES (%s, 'x', %s, %s, %s)"
    )
    for key, request_hash, content in (
        (value, b"", b""), ("a", digest, b""), ("b", b"", b"{" + value.encode() + b"}"),
    ):  # fmt: skip
        with psycopg.connect(world.admin(), autocommit=True) as connection:
            assert tables_holding(world, value) == set()
            row = (world.cedar.participant_id, key, request_hash, content)
            connection.execute(insert, row)
            assert tables_holding(world, value) == {"idempotency_keys"}
            connection.execute("DELETE FROM idempotency_keys WHERE key = %s", (key,))
    (tmp_path / "x").write_text(f"...{value}...")
    assert files_holding(tmp_path, value) == {"x"}


def test_a_remembered_request_cannot_be_guessed_and_is_forgotten_with_the_person(
    fresh_world: World,
) -> None:
    world, client, body = fresh_world, fresh_world.cedar.client, person(email=None, phone=None)
    contact = record(client, body, "guess me")

    def remembered() -> dict[str, Any]:
        with psycopg.connect(world.admin(), row_factory=psycopg.rows.dict_row) as connection:
            row = connection.execute(
                "SELECT request_hash, body, subject_id FROM idempotency_keys WHERE key = 'guess me'"
            ).fetchone()
        assert row is not None
        return row

    row = remembered()
    known = {**body, "email": None, "phone": None}
    order = ("name", "email", "phone", "purpose")
    content = json.dumps({key: known[key] for key in order}, separators=(",", ":"))
    guess = hashlib.sha256(f"/api/v1/contacts\n{content}".encode()).digest()
    assert len(row["request_hash"]) == 32
    assert bytes(row["request_hash"]) != guess
    assert row["subject_id"] == contact
    assert json.loads(bytes(row["body"])) == {"id": contact}
    ok(erase(client, contact, immediately=True))
    assert bytes(remembered()["request_hash"]) == b""
    with world.nothing_written():
        refused(client.post("/contacts", body, key="guess me"), 422, "idempotency-key-reused")


# ------------------------------------------------------------------------------- correcting


def test_a_correction_destroys_the_value_before(world: World, alice) -> None:
    contact, body = alice
    new = person()["email"]
    shown = ok(patch(world.cedar.client, contact, {"email": new, "name": body["name"]}))
    assert (shown["email"], shown["name"]) == (new, body["name"])
    world.sequence()
    recorded, corrected = events_of(world.cedar.client, contact)
    assert list(corrected["payload"]["personal"]) == ["email"], "an equal value is no change"
    states = {each["commitment"]: each["state"] for each in shown["commitments"]}
    assert states[recorded["payload"]["personal"]["email"]] == "replaced"
    assert states[corrected["payload"]["personal"]["email"]] == "held"
    assert tables_holding(world, body["email"]) == set()
    with world.nothing_written():
        ok(patch(world.cedar.client, contact, {"email": new}))


def test_null_erases_one_field_at_once(world: World, alice) -> None:
    contact, body = alice
    shown = ok(patch(world.cedar.client, contact, {"phone": None}))
    assert (shown["phone"], shown["name"], shown["state"]) == (None, body["name"], "recorded")
    assert tables_holding(world, body["phone"]) == set()
    world.sequence()
    event = events_of(world.cedar.client, contact)[-1]
    assert (event["type"], event["payload"]["fields"]) == ("personal_data.erased", ["phone"])
    with world.nothing_written():
        ok(patch(world.cedar.client, contact, {"phone": None}))
        for body in ({"name": None}, {}, {"note": "x"}, {"email": "x"}):
            refused(patch(world.cedar.client, contact, body), 422, "value-invalid")


def test_a_disclosure_for_an_event_opens_what_is_still_held_of_it(world: World, alice) -> None:
    contact, body = alice
    new = person()["email"]
    ok(patch(world.cedar.client, contact, {"email": new}))
    world.sequence()
    recorded, corrected = events_of(world.cedar.client, contact)
    path = f"/contacts/{contact}/disclosure"

    def disclosed(event_id: str) -> dict[str, str]:
        found = ok(world.cedar.client.get(path, event_id=event_id))["disclosed"]
        return {field: each["value"] for field, each in found.items()}

    assert disclosed(recorded["event_id"]) == {"name": body["name"], "phone": body["phone"]}
    assert disclosed(corrected["event_id"]) == {"email": new}
    ok(patch(world.cedar.client, contact, {"email": None}))
    answer = world.cedar.client.get(path, event_id=corrected["event_id"])
    refused(answer, 409, "conflict")
    refused(world.cedar.client.get(path, event_id=NOBODYS), 404, "not-found")
    refused(world.cedar.client.get(path, event_id="x"), 422, "value-invalid")


# ------------------------------------------------------------------------------- erasing


def test_an_erasure_hides_at_once_and_can_be_withdrawn(world: World, alice) -> None:
    contact, body = alice
    before = datetime.now(UTC)
    shown = ok(erase(world.cedar.client, contact))
    due = datetime.fromisoformat(shown["erasure_due_at"])
    assert before + GRACE - timedelta(seconds=1) <= due <= datetime.now(UTC) + GRACE
    assert (shown["state"], shown["name"], shown["email"]) == ("erasure_requested", None, None)
    assert shown["erasure_reason"] == "data_subject_request"
    refused(world.cedar.client.get(f"/contacts/{contact}/disclosure"), 409, "conflict")
    refused(patch(world.cedar.client, contact, {"name": "X"}), 409, "conflict")
    (held,) = [
        each for each in world.cedar.client.pages("/personal-data/export")
        if each["contact_id"] == contact
    ]  # fmt: skip
    assert {each["value"] for each in held["held"]} == set(values_of(body)), "it is still held"
    with world.nothing_written():
        assert ok(erase(world.cedar.client, contact)) == shown, "asked twice"
    back = ok(world.cedar.client.post(f"/contacts/{contact}/restore"))
    assert (back["name"], back["state"], back["erasure_due_at"]) == (body["name"], "recorded", None)
    with world.nothing_written():
        ok(world.cedar.client.post(f"/contacts/{contact}/restore"))


def test_due_is_real_time_whatever_the_business_clock_says(world: World, alice) -> None:
    """The world's business clock stands in 2012: the duty is towards a person of today."""
    contact, _ = alice
    assert world.core.store.clock.now().year == 2012
    shown = ok(erase(world.cedar.client, contact))
    due = datetime.fromisoformat(shown["erasure_due_at"])
    assert due > datetime.now(UTC) + GRACE - timedelta(minutes=1)
    assert shown["recorded_at"].startswith("2012-")


def test_the_worker_erases_what_is_due_and_nothing_else(fresh_world: World) -> None:
    world, client = fresh_world, fresh_world.cedar.client
    bodies = [person() for _ in range(3)]
    asked, withdrawn, kept = (record(client, each) for each in bodies)
    for each in (asked, withdrawn):
        ok(erase(client, each, reason="no_longer_needed"))
    ok(client.post(f"/contacts/{withdrawn}/restore"))
    due = datetime.fromisoformat(ok(client.get(f"/contacts/{asked}"))["erasure_due_at"])
    clock = FixedClock(due - timedelta(seconds=1))
    now = [0.0]
    step = DueErasures(
        Contacts(world.worker_core.store, clock), timedelta(minutes=1), lambda: now[0]
    ).step
    with world.nothing_written():
        assert step() is False
    clock.at = due
    with world.nothing_written():
        assert step() is False, "it looks once a minute"
    now[0] += 60
    assert [step(), step()] == [True, False]
    gone = ok(client.get(f"/contacts/{asked}"))
    assert (gone["state"], gone["erasure_reason"]) == ("erased", "no_longer_needed")
    assert {each["state"] for each in gone["commitments"]} == {"erased"}
    assert tables_holding(world, *values_of(bodies[0])) == set()
    for contact, body in ((withdrawn, bodies[1]), (kept, bodies[2])):
        assert ok(client.get(f"/contacts/{contact}"))["name"] == body["name"]
    refused(client.post(f"/contacts/{asked}/restore"), 409, "conflict")
    assert world.replay().equal


def test_it_cannot_be_withdrawn_once_it_is_due(world: World, alice) -> None:
    contact, _ = alice
    ok(erase(world.cedar.client, contact))
    late = Contacts(world.core.store, FixedClock(datetime.now(UTC) + GRACE))
    from backend.kernel.errors import Conflict

    with pytest.raises(Conflict), world.nothing_written():
        late.withdraw_erasure(Caller("test"), world.cedar.participant_id, contact)


def test_erasing_at_once_and_twice(world: World, alice) -> None:
    contact, body = alice
    ok(erase(world.cedar.client, contact))
    shown = ok(erase(world.cedar.client, contact, immediately=True, reason="consent_withdrawn"))
    assert (shown["state"], shown["name"], shown["erasure_due_at"]) == ("erased", None, None)
    assert tables_holding(world, *values_of(body)) == set()
    with world.nothing_written():
        assert ok(erase(world.cedar.client, contact, immediately=True)) == shown
        assert ok(erase(world.cedar.client, contact)) == shown
        refused(patch(world.cedar.client, contact, {"name": "X"}), 409, "conflict")
        refused(world.cedar.client.get(f"/contacts/{contact}/disclosure"), 409, "conflict")


def test_corrections_that_race_an_erasure_leave_nothing_behind(world: World) -> None:
    client = world.cedar.client
    for _ in range(5):
        body = person()
        contact = record(client, body)
        news = [person()["email"] for _ in range(5)]
        with ThreadPoolExecutor(6) as pool:
            racing = [pool.submit(patch, client, contact, {"email": each}) for each in news]
            erasing = pool.submit(erase, client, contact, immediately=True)
            statuses = {each.result().status_code for each in (*racing, erasing)}
        assert statuses <= {200, 409}
        ok(erase(client, contact, immediately=True))  # where it lost every race
        assert tables_holding(world, *values_of(body), *news) == set()
        assert ok(client.get(f"/contacts/{contact}"))["state"] == "erased"
    assert world.replay().equal


@pytest.mark.parametrize("reason", [None, "", "Ada asked me to", "DATA_SUBJECT_REQUEST"])
def test_a_reason_is_a_word_of_the_list(world: World, alice, reason: str | None) -> None:
    contact, _ = alice
    query = {} if reason is None else {"reason": reason}
    with world.nothing_written():
        answer = world.cedar.client.request("DELETE", f"/contacts/{contact}", params=query)
        refused(answer, 422, "value-invalid")


def test_the_operator_erases_on_request_and_sees_nothing(world: World, alice) -> None:
    contact, body = alice
    path = f"/participants/{world.cedar.participant_id}/contacts/{contact}/erasure"
    wrong = f"/participants/{world.birch.participant_id}/contacts/{contact}/erasure"
    asked = {"reason": "legal_obligation"}
    with world.nothing_written():
        refused(world.operator.post(wrong, asked), 404, "not-found")
        refused(world.cedar.client.post(path, asked), 403, "forbidden")
        refused(world.operator.post(path, {"reason": "x"}), 422, "value-invalid")
    answer = world.operator.post(path, asked)
    assert ok(answer) == {
        "contact_id": contact, "state": "erased", "erasure_reason": "legal_obligation",
    }  # fmt: skip
    assert tables_holding(world, *values_of(body)) == set()
    assert ok(world.cedar.client.get(f"/contacts/{contact}"))["state"] == "erased"
    with world.nothing_written():
        ok(world.operator.post(path, asked))


# ------------------------------------------------------------------------------- the export


def test_the_export_holds_all_values_salts_events_and_commitments(fresh_world: World) -> None:
    world, client = fresh_world, fresh_world.cedar.client
    bodies = [person() for _ in range(5)]
    ids = [record(client, each) for each in bodies]
    ok(patch(client, ids[0], {"email": "new@people.example"}))
    ok(erase(client, ids[1], immediately=True))
    world.sequence()
    found = {each["contact_id"]: each for each in client.pages("/personal-data/export", limit=2)}
    assert set(found) == set(ids)
    for contact, body in zip(ids[2:], bodies[2:], strict=True):
        assert {each["value"] for each in found[contact]["held"]} == set(values_of(body))
    for each in found.values():
        for held in each["held"]:
            salt = bytes.fromhex(held["salt"])
            assert commit(held["field"], held["value"], salt).hex() == held["commitment"]
        events = events_of(client, each["contact_id"])
        assert [(e["event_id"], e["type"], e["position"]) for e in each["events"]] == [
            (e["event_id"], e["type"], e["position"]) for e in events
        ]
        logged = [c for e in events for c in e["payload"].get("personal", {}).values()]
        assert sorted(c["commitment"] for c in each["commitments"]) == sorted(logged)
    assert found[ids[1]]["held"] == []
    erasures = {each["erasure_event_id"] for each in found[ids[1]]["commitments"]}
    assert erasures == {found[ids[1]]["events"][-1]["event_id"]}
