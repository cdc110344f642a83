"""Proofs of streams, batches and ranges over a running store, judged by ``tally verify``."""

import base64
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from typer.testing import CliRunner

from anchoring.batch_proof import BatchProof, parse_batch_proof, prove_batch
from anchoring.bundle import EventsBundle, write_bundle, write_trust_inputs
from anchoring.checkpoint import parse_checkpoint
from anchoring.cli import app
from anchoring.envelope import parse_entry, sign_entry
from anchoring.events_file import encode_events, parse_events
from anchoring.merkle import leaf_hash
from anchoring.stream_proof import StreamProof, parse_stream_proof
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from backend.audit import stream_proofs
from backend.audit.errors import ProofNotReady
from backend.audit.feed_index import IndexAt, index_at
from backend.audit.personal_files import PersonalEvidence
from backend.audit.proof_source import ProofSource
from backend.audit.proofs import trust_in
from backend.audit.stream_proofs import StreamName, StreamProofService
from backend.eventstore.scope import Scope
from backend.platform.personal import IdentityPersonal
from tests.integration.parties import Client, Trader, ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

CHECKOUT = Path(__file__).resolve().parents[2]
UNKNOWN = "account-0190b1c2-0000-7000-8000-00000000beef"


def account_of(trader: Trader) -> str:
    return f"account-{trader.account_id}"


def bundle_of(answer: dict[str, Any]) -> EventsBundle:
    """The files that an answer of the API holds."""
    proof = answer["tlog_range"] if answer["kind"] == "range" else answer["tlog_batch"]
    stream = base64.b64decode(answer["stream"]) if answer["kind"] == "stream" else None
    anchor = None if answer["anchor"] is None else base64.b64decode(answer["anchor"])
    return EventsBundle(base64.b64decode(answer["events"]), base64.b64decode(proof), anchor, stream)


def verify(world: World, folder: Path, bundle: EventsBundle) -> tuple[int, dict[str, Any]]:
    """Exit code and document of ``tally verify`` over the bundle's files on disk."""
    adopted = world.core.adopted()
    write_trust_inputs(
        folder,
        world.http.get("/log/policy").content,
        world.http.get("/log/keys").content,
        trust_in(world.core.database, adopted.chain_id, adopted.registry).encode(),
    )
    path = write_bundle(folder, "shown", bundle)
    done = CliRunner().invoke(app, ["verify", str(path), "--json"])
    return done.exit_code, json.loads(done.stdout)


def stream_of(client: Client, stream_id: str, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = ok(client.get(f"/streams/{stream_id}/proof", **query))
    return found


def versions(world: World, stream_id: str) -> list[dict[str, Any]]:
    return world.rows(
        "SELECT position, entry FROM events JOIN feed USING (tenant_id, stream_id,"
        " stream_version) WHERE stream_id = %s ORDER BY stream_version",
        stream_id,
    )


def reprove(
    world: World,
    bundle: EventsBundle,
    stream: StreamProof,
    picked: list[tuple[int, bytes]],
) -> EventsBundle:
    """A bundle whose parts all fit together, over other entries: what a liar would hand out."""
    old = parse_batch_proof(bundle.proof)
    picked = [*picked, (old.indices[-1], parse_events(bundle.events)[-1])]
    size = parse_checkpoint(old.checkpoint)[0].size
    indices = [position for position, _ in picked]
    hashes = prove_batch(indices, size, TileReader(DirectoryStore(world.home.log), size))
    proof = BatchProof(tuple(indices), tuple(hashes), old.checkpoint).encode()
    events = encode_events([entry for _, entry in picked])
    return EventsBundle(events, proof, bundle.anchor, stream.encode())


@pytest.fixture(scope="module")
def indexed(world: World) -> World:
    """A platform whose anchor covers an index commitment over all that has happened."""
    world.index()
    world.anchor()
    return world


# ------------------------------------------------------------------------------ a whole stream


def test_a_party_gets_its_stream_whole_and_a_stranger_can_check_it(
    indexed: World, tmp_path: Path
) -> None:
    stream_id = account_of(indexed.birch)
    found = stream_of(indexed.birch.client, stream_id)
    rows = versions(indexed, stream_id)
    assert found["count"] == len(rows) >= 3
    assert found["index_position"] >= found["index_size"] > rows[-1]["position"]
    bundle = bundle_of(found)
    assert parse_events(bundle.events)[:-1] == [row["entry"] for row in rows]
    code, document = verify(indexed, tmp_path, bundle)
    assert (code, document["overall"]) == (0, "verified")
    verdict = document["verdicts"]["completeness"]
    assert verdict["status"] == "ok"
    assert f"{len(rows)} events of {stream_id}" in verdict["detail"]


def test_nobody_gets_a_stream_of_others(indexed: World) -> None:
    stream_id = account_of(indexed.birch)
    path = f"/streams/{stream_id}/proof"
    birch = indexed.birch.participant_id
    refused(indexed.alder.client.get(path), 404, "not-found")
    refused(indexed.alder.client.get(path, tenant_id=birch), 404, "not-found")
    refused(indexed.alder.client.get(path, tenant_id=birch, allow_absent=True), 404, "not-found")
    refused(indexed.operator.get(path), 404, "not-found")
    refused(indexed.nobody.get(path), 401, "unauthenticated")


def test_an_auditor_names_the_tenant(indexed: World) -> None:
    stream_id, birch = account_of(indexed.birch), indexed.birch.participant_id
    path = f"/streams/{stream_id}/proof"
    found = stream_of(indexed.auditor, stream_id, tenant_id=birch)
    assert found == stream_of(indexed.birch.client, stream_id)
    refused(indexed.auditor.get(path), 422, "value-invalid")
    refused(indexed.auditor.get(path, tenant_id="nobody"), 404, "not-found")
    refused(indexed.auditor.get(path, tenant_id=indexed.alder.participant_id), 404, "not-found")


def test_a_stream_that_is_not_there_is_proven_absent(indexed: World, tmp_path: Path) -> None:
    birch = indexed.birch.participant_id
    path = f"/streams/{UNKNOWN}/proof"
    refused(indexed.auditor.get(path, tenant_id=birch), 404, "not-found")
    found = stream_of(indexed.auditor, UNKNOWN, tenant_id=birch, allow_absent=True)
    assert found["count"] == 0
    code, document = verify(indexed, tmp_path, bundle_of(found))
    assert code == 0
    assert document["verdicts"]["completeness"]["status"] == "ok"


@pytest.mark.parametrize("name", ["a%0Acount%205", "a%0D", "a%20", "a%7F"])
def test_the_absence_of_what_can_be_no_stream_is_not_shown(indexed: World, name: str) -> None:
    birch = indexed.birch.participant_id
    path = f"/streams/{name}/proof"
    refused(indexed.auditor.get(path, tenant_id=birch, allow_absent=True), 422, "value-invalid")
    refused(indexed.auditor.get(path, tenant_id=birch), 404, "not-found")


def test_no_request_waits_for_an_index_that_another_one_builds(
    indexed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_id, birch = account_of(indexed.birch), indexed.birch.participant_id
    core = indexed.core
    source = ProofSource(DirectoryStore(core.home.log), core.home.anchors)
    personal = PersonalEvidence(core.database, source, IdentityPersonal())
    service = StreamProofService(core.database, source, personal, wait=0.0)
    name, scope = StreamName(birch, stream_id), Scope.app(birch)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> IndexAt:
        begun.set()
        assert go_on.wait(60)
        return index_at(*arguments)

    monkeypatch.setattr(stream_proofs, "index_at", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.prove, scope, name)
        try:
            assert begun.wait(60)
            with pytest.raises(ProofNotReady):
                service.prove(scope, name)
        finally:
            go_on.set()
        shown = first.result()
    begun.clear()
    assert service.prove(scope, name) == shown  # it is kept: nothing is built or waited for
    assert not begun.is_set()


def test_a_stream_that_is_there_is_not_proven_absent(indexed: World, tmp_path: Path) -> None:
    stream_id = account_of(indexed.birch)
    bundle = bundle_of(stream_of(indexed.birch.client, stream_id))
    real = parse_stream_proof(bundle.stream or b"")
    claim = StreamProof(real.tenant_id, real.stream_id, 0, real.path)
    assert judged(indexed, tmp_path, reprove(indexed, bundle, claim, [])) == "failed"


# ------------------------------------------------------------------------------ what a liar does


def shown(world: World) -> tuple[EventsBundle, StreamProof, list[tuple[int, bytes]]]:
    stream_id = account_of(world.birch)
    bundle = bundle_of(stream_of(world.birch.client, stream_id))
    rows = [(row["position"], bytes(row["entry"])) for row in versions(world, stream_id)]
    return bundle, parse_stream_proof(bundle.stream or b""), rows


def judged(world: World, folder: Path, bundle: EventsBundle) -> str:
    """The status of completeness; every other verdict of the lie has to be good."""
    code, document = verify(world, folder, bundle)
    verdicts = {name: each["status"] for name, each in document["verdicts"].items()}
    completeness = verdicts.pop("completeness")
    assert set(verdicts.values()) == {"ok"}, document
    assert code == (0 if completeness == "ok" else 1)
    return str(completeness)


def test_the_same_tools_leave_an_honest_bundle_as_it_is(indexed: World, tmp_path: Path) -> None:
    bundle, stream, rows = shown(indexed)
    assert reprove(indexed, bundle, stream, rows) == bundle
    assert judged(indexed, tmp_path, bundle) == "ok"


def test_a_withheld_last_event_is_noticed(indexed: World, tmp_path: Path) -> None:
    bundle, stream, rows = shown(indexed)
    less = StreamProof(stream.tenant_id, stream.stream_id, stream.count - 1, stream.path)
    assert judged(indexed, tmp_path, reprove(indexed, bundle, less, rows[:-1])) == "failed"


def test_a_hole_is_noticed(indexed: World, tmp_path: Path) -> None:
    bundle, stream, rows = shown(indexed)
    for missing in range(len(rows) - 1):
        less = StreamProof(stream.tenant_id, stream.stream_id, stream.count - 1, stream.path)
        picked = [*rows[:missing], *rows[missing + 1 :]]
        assert judged(indexed, tmp_path, reprove(indexed, bundle, less, picked)) == "failed"


def test_entries_of_another_stream_are_noticed(indexed: World, tmp_path: Path) -> None:
    bundle, stream, _ = shown(indexed)
    others = [
        (row["position"], bytes(row["entry"]))
        for row in versions(indexed, account_of(indexed.alder))
    ]
    other = StreamProof(stream.tenant_id, stream.stream_id, len(others), stream.path)
    assert judged(indexed, tmp_path, reprove(indexed, bundle, other, others)) == "failed"


def test_a_forked_stream_is_noticed(fresh_world: World, tmp_path: Path) -> None:
    """The venue signs another last event, and sneaks it into the log beside the real one."""
    world = fresh_world
    world.sequence()
    stream_id = account_of(world.birch)
    real = versions(world, stream_id)
    envelope = parse_entry(bytes(real[-1]["entry"])).envelope
    api = world.home.event_signer("api")
    forged = sign_entry(
        msgspec.structs.replace(
            envelope, event_id="0190b1c2-7a10-7c3d-8e4f-5a6b7c8d9e0f", salt="00" * 16,
            key_id=api.key_id,
        ),
        api,
    )  # fmt: skip
    with psycopg.connect(world.admin()) as connection:
        connection.execute(
            "INSERT INTO events (tenant_id, stream_id, stream_version, event_id, type, entry,"
            " leaf_hash, recorded_at) VALUES (%s, 'aside', 1, %s, %s, %s, %s, now())",
            (
                envelope.tenant_id,
                "0190b1c2-7a10-7c3d-8e4f-5a6b7c8d9e0f",
                envelope.type,
                forged,
                leaf_hash(forged),
            ),
        )
    world.index()
    world.anchor()
    bundle, stream, rows = shown(world)
    assert judged(world, tmp_path, bundle) == "ok"
    (row,) = world.rows("SELECT position FROM feed WHERE stream_id = 'aside'")
    fork = [*rows[:-1], (int(row["position"]), forged)]
    assert judged(world, tmp_path, reprove(world, bundle, stream, fork)) == "failed"
    longer = StreamProof(stream.tenant_id, stream.stream_id, stream.count + 1, stream.path)
    both = [*rows, (int(row["position"]), forged)]
    assert judged(world, tmp_path, reprove(world, bundle, longer, both)) == "failed"


# ------------------------------------------------------------------------------ when there is one


def test_a_stream_proof_waits_for_a_commitment_then_for_an_anchor(
    fresh_world: World, tmp_path: Path
) -> None:
    world = fresh_world
    path = f"/streams/{account_of(world.birch)}/proof"
    assert refused(world.birch.client.get(path), 409, "proof-not-ready")["retryable"]
    world.anchor()
    refused(world.birch.client.get(path), 409, "proof-not-ready")

    first = world.index()
    early = ok(world.birch.client.get(path))
    assert (early["anchored"], early["index_size"]) == (False, first)
    assert verify(world, tmp_path / "early", bundle_of(early))[0] == 4

    world.anchor()
    late = ok(world.birch.client.get(path))
    assert (late["anchored"], late["index_size"]) == (True, first)
    assert verify(world, tmp_path / "late", bundle_of(late))[0] == 0

    opened = ok(world.birch.client.post("/portfolios", {"name": "N", "base_currency": "USD"}))
    fresh = f"/streams/portfolio-{opened['id']}/proof"
    world.sequence()
    refused(world.birch.client.get(fresh), 409, "proof-not-ready")
    second = world.index()
    assert second > first
    newest = ok(world.birch.client.get(fresh))
    assert (newest["anchored"], newest["index_size"], newest["count"]) == (False, second, 1)
    assert ok(world.birch.client.get(path)) == late, "anchored goes before newer"


@pytest.mark.parametrize("point", ["sequencer.committed", "publication.tiles_written"])
def test_killed_between_commitment_and_publication_it_is_proven_later(
    fresh_world: World, tmp_path: Path, point: str
) -> None:
    world = fresh_world
    path = f"/streams/{account_of(world.birch)}/proof"
    world.sequence()
    indexer = world.indexer()
    assert indexer.step()
    indexer.release()
    world.sequencer.release()
    code = f"""
from pathlib import Path
from backend.kernel.faults import FAULTS
from backend.platform.bootstrap import event_registry, open_core
from backend.platform.processes.sequencer import SequencerProcess
from tests.integration.blueprint import ORIGIN, settings_for
FAULTS.arm({point!r}, event_registry().types())
settings = settings_for(Path({str(world.home.root)!r}), {world.chain.url!r})
with open_core(settings, "sequencer", {world.conninfo!r}) as core:
    SequencerProcess(core.database, core.home, ORIGIN).step()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    refused(world.birch.client.get(path), 409, "proof-not-ready")
    with psycopg.connect(world.admin()) as connection:
        connection.execute("UPDATE leases SET expires_at = clock_timestamp() - interval '1 s'")
    world.sequence()
    later = world.indexer()
    later.step()
    world.sequence()
    assert verify(world, tmp_path / "early", bundle_of(ok(world.birch.client.get(path))))[0] == 4
    world.anchor()
    assert verify(world, tmp_path / "late", bundle_of(ok(world.birch.client.get(path))))[0] == 0


def test_commitments_are_listed_and_the_head_names_the_newest(fresh_world: World) -> None:
    world = fresh_world
    assert ok(world.nobody.get("/log"))["index"] is None
    assert ok(world.nobody.get("/index/commitments"))["items"] == []
    sizes = [world.index()]
    ok(world.birch.client.post("/portfolios", {"name": "N", "base_currency": "USD"}))
    sizes.append(world.index())
    listed = world.nobody.pages("/index/commitments", limit=1)
    assert [each["size"] for each in listed] == sizes[::-1]
    head = ok(world.nobody.get("/log"))["index"]
    assert head == {name: listed[0][name] for name in head}
    event = ok(world.auditor.get(f"/events/{listed[0]['event_id']}"))
    assert event["position"] == listed[0]["position"]
    assert event["payload"] == {
        "algorithm": "tallystick/index/v1",
        "root": listed[0]["root"],
        "size": sizes[1],
        "streams": listed[0]["streams"],
    }


def test_a_changed_feed_gives_no_stream_proof(fresh_world: World) -> None:
    world = fresh_world
    world.index()
    path = f"/streams/{account_of(world.birch)}/proof"
    with psycopg.connect(world.admin()) as connection:
        connection.execute("ALTER TABLE feed DISABLE TRIGGER ALL")
        connection.execute(
            "UPDATE feed SET leaf_hash = sha256('x') WHERE stream_id = %s",
            (account_of(world.alder),),
        )
    problem = refused(world.birch.client.get(path), 500, "log-inconsistent")
    assert str(world.home.root) not in str(problem)


def test_a_withheld_row_gives_no_stream_proof(fresh_world: World) -> None:
    world = fresh_world
    world.index()
    path = f"/streams/{account_of(world.birch)}/proof"
    with psycopg.connect(world.admin()) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER ALL")
        connection.execute(
            "DELETE FROM events WHERE stream_id = %s AND stream_version = 2",
            (account_of(world.birch),),
        )
    refused(world.birch.client.get(path), 500, "log-inconsistent")


# ------------------------------------------------------------------------------ several, a range


def test_several_events_are_proven_together(indexed: World, tmp_path: Path) -> None:
    client = indexed.birch.client
    own = [each["event_id"] for each in client.pages("/events", limit=200)]
    picked = [own[-1], own[0], own[len(own) // 2]]
    found = ok(client.post("/proofs", {"event_ids": picked}))
    assert found["positions"] == sorted(found["positions"])
    entries = parse_events(base64.b64decode(found["events"]))
    ids = [parse_entry(each).envelope.event_id for each in entries]
    assert ids == [each for each in own if each in picked]
    assert verify(indexed, tmp_path, bundle_of(found))[0] == 0
    whole = ok(client.post("/proofs", {"event_ids": own}))
    assert verify(indexed, tmp_path / "whole", bundle_of(whole))[0] == 0


def test_what_a_batch_refuses(indexed: World) -> None:
    birch, alder = indexed.birch.client, indexed.alder.client
    own = birch.pages("/events", limit=200)[0]["event_id"]
    other = alder.pages("/events", limit=200)[0]["event_id"]
    ok(indexed.auditor.post("/proofs", {"event_ids": [own, other]}))
    refused(birch.post("/proofs", {"event_ids": [own, other]}), 404, "not-found")
    refused(birch.post("/proofs", {"event_ids": [own, own]}), 422, "value-invalid")
    refused(birch.post("/proofs", {"event_ids": [own, "x"]}), 404, "not-found")
    refused(birch.post("/proofs", {"event_ids": []}), 422, "value-invalid")
    many = {"event_ids": [own] * 1_001}
    refused(birch.post("/proofs", many), 422, "value-invalid")
    refused(indexed.nobody.post("/proofs", {"event_ids": [own]}), 401, "unauthenticated")


def test_a_batch_waits_for_its_last_event(fresh_world: World) -> None:
    world = fresh_world
    old = world.birch.client.pages("/events", limit=200)[0]["event_id"]
    ok(world.birch.client.post("/portfolios", {"name": "N", "base_currency": "USD"}))
    (row,) = world.rows("SELECT event_id FROM events ORDER BY insert_id DESC LIMIT 1")
    body = {"event_ids": [old, str(row["event_id"])]}
    refused(world.birch.client.post("/proofs", body), 409, "proof-not-ready")
    world.sequence()
    assert not ok(world.birch.client.post("/proofs", body))["anchored"]


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 7), (3, 30), (17, 18)])
def test_a_range_is_proven(indexed: World, tmp_path: Path, start: int, end: int) -> None:
    found = ok(indexed.auditor.get("/log/range-proof", start=start, end=end))
    assert (found["start"], found["end"]) == (start, end)
    rows = indexed.rows(
        "SELECT entry FROM feed JOIN events USING (tenant_id, stream_id, stream_version)"
        " WHERE position >= %s AND position < %s ORDER BY position", start, end,
    )  # fmt: skip
    entries = parse_events(base64.b64decode(found["events"]))
    assert entries == [row["entry"] for row in rows]
    assert verify(indexed, tmp_path, bundle_of(found))[0] == 0


def test_what_a_range_refuses(indexed: World) -> None:
    size = ok(indexed.nobody.get("/log"))["size"]
    path = "/log/range-proof"
    refused(indexed.operator.get(path, start=0, end=2), 403, "forbidden")
    refused(indexed.birch.client.get(path, start=0, end=2), 403, "forbidden")
    refused(indexed.auditor.get(path, start=2, end=2), 422, "value-invalid")
    refused(indexed.auditor.get(path, start=0, end=5_001), 422, "value-invalid")
    refused(indexed.auditor.get(path, start=-1, end=2), 422, "value-invalid")
    refused(indexed.auditor.get(path, start=0, end=size + 1), 409, "proof-not-ready")
