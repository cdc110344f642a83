"""Our log and its witnesses: real ones over HTTP, a real database, and no way to stop the log."""

import base64
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import anyio
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from anchoring.bundle import Bundle
from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.cosignature import Ed25519Cosigner, verifiers_for
from anchoring.errors import MalformedInput, StorageError
from anchoring.log_check import check_log
from anchoring.mirror import Mirror
from anchoring.mirror_client import LocalMirror, upload
from anchoring.note import ALG_ED25519_COSIGNATURE, Note, make_vkey, open_note, parse_note
from anchoring.policy import encode_policy, parse_policy
from anchoring.signing import Ed25519Signer
from anchoring.tile_store import DirectoryStore
from anchoring.tlog_proof import TlogProof, parse_tlog_proof
from anchoring.verifier import TrustInputs, verify_bundle
from anchoring.witness import AddCheckpoint, Witness, origin_hash
from anchoring.witness_client import WitnessClient, proofs_from
from anchoring.witness_keys import unix_now
from anchoring.witness_server import application, witness_routes
from anchoring.witness_store import SqliteHeadStore
from backend.audit.proofs import policy_text, trust_in
from backend.audit.witnessing import (
    Witnessing,
    WitnessLoop,
    last_cosigned_size,
    quorum_reached,
)
from backend.eventstore.scope import Scope
from backend.platform.edge import witness as edge
from backend.platform.errors import ConfigurationInvalid
from backend.platform.processes.anchorer import Witnesses
from backend.platform.processes.sequencer import SequencerProcess
from backend.platform.processes.witnesses import WitnessProcess, beside
from backend.platform.witness_policy import configured_policy
from backend.web.middleware import RequestContext
from tests.audit.test_anchorer import finish, grow, request
from tests.integration.blueprint import ORIGIN, settings_for
from tests.integration.parties import ok

pytestmark = [pytest.mark.db, pytest.mark.chain]

HOUR = timedelta(hours=1)


class Server:
    """A real witness on a free port, with a key of its own; ``broken`` makes it answer nonsense."""

    def __init__(self, folder, name, log_vkey):
        signer = Ed25519Cosigner(f"{name}.example", Ed25519Signer.generate(), unix_now)
        self.vkey = signer.vkey
        self.core = Witness([log_vkey], [signer], SqliteHeadStore(folder / f"{name}.sqlite"))
        self.broken = None
        self.calls = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.calls += 1
            if self.broken is not None:
                await self.broken(scope, receive, send)
                return
        await self.app(scope, receive, send)

    @contextmanager
    def running(self):
        self.app = application(witness_routes(self.core))
        config = uvicorn.Config(self, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()


def log_vkey(world):
    (key,) = parse_policy((world.home.log / "policy.txt").read_bytes()).logs
    return key


@pytest.fixture
def servers(fresh_world, tmp_path):
    with ExitStack() as stack:
        key = log_vkey(fresh_world)
        yield [stack.enter_context(Server(tmp_path, name, key).running()) for name in ("w1", "w2")]


def policy_lines(servers, quorum="group q 2 w1 w2\nquorum q\n"):
    lines = [f"witness w{n} {each.vkey} {each.url}\n" for n, each in enumerate(servers, 1)]
    return ("".join(lines) + quorum).encode()


@pytest.fixture
def witnessed(fresh_world, servers):
    """(world, servers): the sequencer publishes the policy that names both."""
    configure(fresh_world, policy_lines(servers))
    return fresh_world, servers


def configure(world, lines):
    world.sequencer.release()
    witnesses = parse_policy(lines)
    world.sequencer = SequencerProcess(world.core.database, world.home, ORIGIN, witnesses)
    world.sequence()


@contextmanager
def looping(world, max_age=HOUR, seconds=1.0):
    policy = parse_policy((world.home.log / "policy.txt").read_bytes())
    config = Witnessing(policy, max_age, seconds)
    loop = WitnessLoop(world.anchorer_core.store, DirectoryStore(world.home.log), config)
    try:
        yield loop
    finally:
        loop.close()


def asked(world):
    with world.core.database.transaction(Scope.auditor()) as connection:
        last = last_cosigned_size(connection)
        return last, quorum_reached(connection, last)


def note_of(world, size):
    (row,) = world.rows("SELECT note FROM checkpoints WHERE size = %s", size)
    return bytes(row["note"])


def failures(world):
    rows = world.rows("SELECT witness, reason, failures FROM witness_failures ORDER BY 1, 2")
    return [(row["witness"], row["reason"], row["failures"]) for row in rows]


def inputs(world):
    adopted = world.core.adopted()
    trust = trust_in(world.core.database, adopted.chain_id, adopted.registry)
    policy = parse_policy(world.http.get("/log/policy").content)
    return TrustInputs(policy, world.http.get("/log/keys").content, trust, None)


def proof_of_first_event(world):
    (row,) = world.rows("SELECT event_id FROM events ORDER BY insert_id LIMIT 1")
    found = ok(world.operator.get(f"/events/{row['event_id']}/proof"))
    return Bundle(
        base64.b64decode(found["event"]),
        base64.b64decode(found["tlog_proof"]),
        base64.b64decode(found["anchor"]) if found["anchor"] else None,
    )


def test_an_anchored_size_is_cosigned_and_its_proofs_satisfy_the_policy(witnessed):
    world, servers = witnessed
    size = request(world)
    with looping(world) as loop:
        assert loop.step()
        assert asked(world) == (size, True)
        assert not loop.step(), "everybody has signed"
    finish(world, world.anchorer())
    bundle = proof_of_first_event(world)
    proof = parse_tlog_proof(bundle.proof)
    report = verify_bundle(bundle, inputs(world))
    assert (report.exit_code, report["witnesses"].status.value) == (0, "ok")
    note = parse_note(proof.checkpoint)
    assert len(note.signatures) == 3
    less = Note(note.text, note.signatures[:2]).encode()
    fewer = TlogProof(proof.index, proof.hashes, less).encode()
    without = Bundle(bundle.event, fewer, bundle.anchor)
    assert verify_bundle(without, inputs(world)).exit_code == 3
    for each in servers:
        assert parse_checkpoint(each.core.newest(ORIGIN))[0].size == size


def test_the_published_checkpoint_gets_the_lines_while_it_is_the_newest(witnessed):
    world, servers = witnessed
    size = request(world)
    published = parse_checkpoint(world.http.get("/log/checkpoint").content)[0].size
    with looping(world, max_age=timedelta(0)) as loop:
        loop.step()
        if published != size:
            loop.step()
    keys = [log_vkey_of(world), *(each.vkey for each in servers)]
    found = world.http.get("/log/checkpoint").content
    assert len(open_note(found, verifiers_for(keys)).verified) in (1, 3)
    last, _ = asked(world)
    assert len(open_note(note_of(world, last), verifiers_for(keys)).verified) == 3


def log_vkey_of(world):
    return parse_policy(world.http.get("/log/policy").content).logs[0]


def test_which_sizes_are_sent(witnessed):
    world, _ = witnessed
    with looping(world) as loop:
        assert not loop.step(), "young and short: nothing to cosign"
        assert asked(world) == (0, False)
        size = grow(world, 530)
        loop.step()
        assert asked(world) == (size - size % 256, True)
    with looping(world, max_age=timedelta(0)) as late:
        late.step()
        assert asked(world) == (size, True)
        late.step()
        assert asked(world)[0] == size, "nothing new is too old"


def test_a_log_at_rest_has_its_newest_head_cosigned_and_is_not_anchored_for_it(witnessed):
    world, _ = witnessed
    anchor = world.anchor()
    world.sequence()
    size = int(ok(world.nobody.get("/log"))["size"])
    assert size > anchor["size"], "what tells of the anchor comes after it"
    with looping(world, max_age=timedelta(0)) as late:
        late.step()
        late.step()
        assert asked(world) == (size, True)
        anchorer = world.anchorer(max_age=timedelta(0), witnesses=Witnesses(required=False))
        assert anchorer.step() == "nothing to anchor"
        assert not late.step()
        assert asked(world) == (size, True)


def test_an_anchor_of_another_size_is_cosigned_before_anything_larger(witnessed):
    world, _ = witnessed
    size = int(ok(world.nobody.get("/log"))["size"])
    anchorer = world.anchorer(max_age=timedelta(0))
    assert anchorer.step() == f"submitted {size}"
    grow(world, 600)
    with looping(world) as loop:
        loop.step()
        assert asked(world) == (size, True)
        loop.step()
        assert asked(world)[0] > size


def test_a_witness_that_is_behind_or_new_is_proven_from_its_own_size(witnessed):
    world, _ = witnessed
    first = request(world)
    with looping(world) as loop:
        loop.step()
    grow(world, 300)
    with looping(world) as again:  # a restarted process knows no sizes
        again.step()
    last, reached = asked(world)
    assert last > first
    assert reached
    assert failures(world) == []


async def _silent(scope, receive, send):
    await anyio.sleep(30)


async def _nonsense(scope, receive, send):
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"\xe2\x80\x94 w1.example AAAAAAAA\n"})


async def _error(scope, receive, send):
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": b"boom"})


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(_silent, "timeout"), (_nonsense, "bad-signature"), (_error, "refused-500")],
)
def test_a_witness_that_misbehaves_is_counted_and_the_log_goes_on(witnessed, broken, reason):
    world, (good, bad) = witnessed
    bad.broken = broken
    size = request(world)
    with looping(world, seconds=0.3) as loop:
        assert loop.step(), "the other one signed"
        assert asked(world) == (size, False)
        assert failures(world) == [("w2", reason, 1)]
        assert not loop.step(), "it is not asked again at once"
        calls = bad.calls
        loop.step()
        assert bad.calls == calls
    assert grow(world, 3) > size
    assert world.anchor()["size"] >= size, "fail-open: the anchor does not wait"
    assert good.core.newest(ORIGIN) is not None
    bad.broken = None
    with looping(world) as loop:
        loop.step()
    assert asked(world) == (asked(world)[0], True)


@pytest.mark.parametrize(("size", "reason"), [(1_000_000, "ahead"), (2, "refused-422")])
def test_a_witness_that_saw_another_branch_never_signs(witnessed, size, reason):
    """The log key signed two branches: the witness that has seen the other one says so."""
    world, (_, bad) = witnessed
    fork = Checkpoint(ORIGIN, size, b"\x01" * 32)
    forked = sign_checkpoint(fork, [world.home.log_signer(ORIGIN)])
    assert bad.core.add_checkpoint(AddCheckpoint(0, (), forked).encode()).status == 200
    last = request(world)
    with looping(world) as loop:
        loop.step()
    assert asked(world) == (last, False)
    assert failures(world) == [("w2", reason, 1)]
    assert parse_checkpoint(bad.core.newest(ORIGIN))[0] == fork


def test_the_process_reads_the_published_policy_and_survives_what_is_missing(witnessed):
    world, _ = witnessed
    process = WitnessProcess(world.anchorer_core)
    try:
        size = request(world)
        assert process.step()
        assert asked(world) == (size, True)
        (world.home.log / "checkpoint").rename(world.home.log / "gone")
        assert not process.step()
        (world.home.log / "gone").rename(world.home.log / "checkpoint")
        (world.home.log / "policy.txt").write_bytes(b"junk\n")
        assert not process.step()
    finally:
        process.close()
    other = WitnessProcess(world.anchorer_core)
    (world.home.log / "policy.txt").unlink()
    assert not other.step()
    other.close()


def test_metrics_name_each_witness(witnessed):
    world, (_, bad) = witnessed
    bad.broken = _error
    request(world)
    with looping(world) as loop:
        loop.step()
    text = world.http.get("/metrics").text
    assert 'tallystick_cosignatures_total{witness="w1"} 1.0' in text
    assert 'tallystick_witness_failures_total{reason="refused-500",witness="w2"} 1.0' in text
    assert "tallystick_witness_quorum_missed_total 0.0" in text
    assert "quorum_age_seconds" not in text
    bad.broken = None
    grow(world, 300)
    with looping(world) as loop:
        loop.step()
    text = world.http.get("/metrics").text
    assert "tallystick_witness_quorum_missed_total 1.0" in text
    assert "tallystick_witness_quorum_age_seconds" in text


def test_old_heads_that_were_sent_are_not_pruned(witnessed):
    world, _ = witnessed
    size = request(world)
    with looping(world) as loop:
        loop.step()
    grow(world, 300)
    with psycopg.connect(world.admin(), autocommit=True) as admin:
        admin.execute("UPDATE checkpoints SET signed_at = now() - interval '2 hours'")
    assert world.sequencer._sequencer.prune() > 0
    assert note_of(world, size)


# ------------------------------------------------------------------------------ configuration


def test_the_policy_beside_the_log_lists_witnesses_and_quorum(witnessed):
    world, servers = witnessed
    policy = parse_policy(world.http.get("/log/policy").content)
    assert [key.name for key in policy.logs] == [ORIGIN]
    assert list(policy.witnesses.values()) == [each.vkey for each in servers]
    assert policy.groups[b"q"].threshold == 2
    assert parse_policy(encode_policy(policy)) == policy


def test_a_log_cannot_be_its_own_witness(world):
    key = log_vkey(world)
    twin = make_vkey("w.example", ALG_ED25519_COSIGNATURE, key.key)
    witnesses = parse_policy(f"witness w {twin} http://w\nquorum w\n".encode())
    with pytest.raises(MalformedInput, match="cannot be its witness"):
        policy_text(str(key), witnesses=witnesses)


@pytest.mark.parametrize("content", [None, b"junk\n", b"LOG", b"witness w VKEY\nquorum w\n"])
def test_a_policy_file_that_cannot_be_used_is_named(tmp_path, content):
    vkey = Ed25519Cosigner("w.example", Ed25519Signer.generate(), unix_now).vkey
    path = tmp_path / "witnesses.txt"
    if content is not None:
        content = content.replace(b"VKEY", str(vkey).encode())
        log = f"log {vkey.name}+x\n".encode()
        path.write_bytes(content.replace(b"LOG", log + b"quorum none\n"))
    settings = settings_for(tmp_path, "http://127.0.0.1:9", witness_policy=path)
    with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_WITNESS_POLICY"):
        configured_policy(settings)
    path.write_bytes(f"witness w {vkey} http://w\nquorum w\n".encode())
    assert configured_policy(settings) is not None, "the control"


def test_a_quorum_that_can_never_be_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="TALLYSTICK_WITNESS_POLICY"):
        settings_for(tmp_path, "http://127.0.0.1:9", witness_required=True)
    vkey = Ed25519Cosigner("w.example", Ed25519Signer.generate(), unix_now).vkey
    path = tmp_path / "witnesses.txt"
    settings = settings_for(
        tmp_path, "http://127.0.0.1:9", witness_policy=path, witness_required=True
    )
    path.write_bytes(f"witness w {vkey} http://w\nquorum none\n".encode())
    with pytest.raises(ConfigurationInvalid, match="no quorum"):
        configured_policy(settings)
    path.write_bytes(f"witness w {vkey} http://w\nquorum w\n".encode())
    assert configured_policy(settings) is not None, "the control"


# ------------------------------------------------------------------------------ we as a witness


def test_the_platform_witnesses_the_logs_of_others(world, tmp_path):
    key = log_vkey(world)
    logs = tmp_path / "logs.txt"
    logs.write_bytes(f"log {key}\nquorum none\n".encode())
    settings = settings_for(world.home.root, "http://127.0.0.1:9", witness_logs=logs)
    app = FastAPI()
    app.add_middleware(RequestContext)
    for router in edge.routers(settings, world.home):
        app.include_router(router)
    published = world.http.get("/log/checkpoint").content
    size = parse_checkpoint(published)[0].size
    found = edge.witness_of(settings, world.home)
    with TestClient(app) as client:

        class Local:
            def post(self, path, body, content_type):
                answer = client.post(f"/witness/{path}", content=body)  # no content type
                return answer.status_code, answer.headers["content-type"], answer.content

        lines = WitnessClient(Local(), found.vkeys).cosign(
            published, proofs_from(DirectoryStore(world.home.log), size)
        )
        assert [line.name for line in lines] == [f"{ORIGIN}/witness"]
        assert client.get(f"/witness/{origin_hash(ORIGIN)}/checkpoint").status_code == 200
        assert client.post("/witness/add-checkpoint", content=b"{").status_code == 400
    assert (world.home.keys / "witness.key").stat().st_mode & 0o077 == 0


def test_without_the_setting_there_is_no_witness(world):
    answer = world.http.post("/witness/add-checkpoint", content=b"old 0\n\nx")
    assert answer.status_code == 404
    for content in (None, b"quorum none\n"):
        path = world.home.root / "no-logs.txt"
        if content is not None:
            path.write_bytes(content)
        settings = settings_for(world.home.root, "http://127.0.0.1:9", witness_logs=path)
        with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_WITNESS_LOGS"):
            edge.routers(settings, world.home)


# ------------------------------------------------------------------------------ the anchorer


def test_the_anchor_takes_what_was_cosigned_though_the_log_has_grown(witnessed):
    world, _ = witnessed
    with looping(world, max_age=timedelta(0)) as loop:
        loop.step()
    size, reached = asked(world)
    assert reached
    assert grow(world, 3) > size
    anchorer = world.anchorer(max_age=timedelta(0), witnesses=Witnesses(required=True))
    assert anchorer.step() == f"submitted {size}"


def test_where_witnesses_are_required_the_anchor_waits_for_the_quorum(witnessed):
    world, (_, bad) = witnessed
    bad.broken = _error
    size = request(world)
    required = world.anchorer(witnesses=Witnesses(required=True))
    assert required.step() == f"waiting for the witnesses of {size}"
    with looping(world) as loop:
        loop.step()
        assert required.step() == f"waiting for the witnesses of {size}"
    assert grow(world, 1) > size, "the log goes on"
    bad.broken = None
    with looping(world) as loop:
        loop.step()
    assert required.step() == f"submitted {size}"


def test_where_they_are_not_it_does_not_wait(witnessed):
    world, _ = witnessed
    size = request(world)
    assert world.anchorer(witnesses=Witnesses(required=False)).step() == f"submitted {size}"


# ------------------------------------------------------------------------------ the process


def test_the_loop_runs_beside_the_anchorer_and_ends_with_it(witnessed, tmp_path):
    world, servers = witnessed
    path = tmp_path / "witnesses.txt"
    path.write_bytes(policy_lines(servers))
    size = request(world)
    settings = world.anchorer_core.settings.model_copy(update={"witness_policy": path})
    core = replace(world.anchorer_core, settings=settings)
    stop = threading.Event()

    def anchoring(given, stopping):
        assert (given, stopping) == (core, stop)
        for _ in range(400):
            if asked(world) == (size, True):
                return
            time.sleep(0.05)
        raise AssertionError("nobody was asked")

    beside(core, stop, anchoring)
    assert "witnesses" not in {each.name for each in threading.enumerate()}
    with pytest.raises(RuntimeError, match="boom"):
        beside(core, stop, _fail)


def _fail(_core, _stop):
    raise RuntimeError("boom")


def test_without_a_policy_only_the_anchorer_runs(world):
    seen = []
    beside(world.anchorer_core, threading.Event(), lambda core, stop: seen.append(core))
    assert seen == [world.anchorer_core]
    assert "witnesses" not in {each.name for each in threading.enumerate()}


def test_a_wrong_policy_file_stops_the_start(world, tmp_path):
    settings = world.anchorer_core.settings.model_copy(
        update={"witness_policy": tmp_path / "nowhere"}
    )
    core = replace(world.anchorer_core, settings=settings)
    with pytest.raises(ConfigurationInvalid):
        beside(core, threading.Event(), _fail)


# ------------------------------------------------------------------------------ a mirror of ours


class ApiSource:
    """The log as an auditor reads it over the API."""

    def __init__(self, world, token):
        self.world = world
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def read(self, path):
        answer = self.world.http.get(f"/log/{path}", headers=self.headers)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise StorageError(f"cannot read {path}: HTTP {answer.status_code}")
        return answer.content


def test_an_auditor_keeps_a_full_copy_of_our_log(fresh_world, tmp_path):
    world = fresh_world
    signer = Ed25519Cosigner("auditor.example/m", Ed25519Signer.generate(), unix_now)
    mirror = Mirror([log_vkey(world)], [signer], tmp_path / "mirror")
    source = ApiSource(world, world.plan.auditor)
    for count in (0, 300):
        if count:
            grow(world, count)
        published = source.read("checkpoint")
        (line,) = upload(source, published, LocalMirror(mirror), mirror.vkeys)
        assert line.name == "auditor.example/m"
        size = parse_checkpoint(published)[0].size
        assert mirror.size(ORIGIN) == size
    policy = parse_policy(world.http.get("/log/policy").content)
    report = check_log(mirror.store(ORIGIN), policy, world.http.get("/log/keys").content)
    assert (report.problem, report.entries) == (None, size)
    grow(world, 300)
    stranger = ApiSource(world, None)
    with pytest.raises(StorageError, match="401"):
        upload(stranger, stranger.read("checkpoint"), LocalMirror(mirror), mirror.vkeys)
    assert mirror.size(ORIGIN) == size
