"""Mirrors: nothing unproven is stored, nothing is cosigned before all of it is stored."""

import contextlib
import gzip
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient
from typer.testing import CliRunner

from anchoring import mirror_server
from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.cli_witness import app
from anchoring.cosignature import Ed25519Cosigner, verifiers_for
from anchoring.errors import MalformedInput, StorageError, WitnessFailed
from anchoring.merkle import MemoryTree, leaf_hashes
from anchoring.merkle_proof import prove_consistency
from anchoring.mirror import MAX_EXCESS, Mirror
from anchoring.mirror_client import LocalMirror, upload
from anchoring.mirror_server import Readers, mirror_routes
from anchoring.mirror_upload import (
    ChunkReader,
    MirrorInfo,
    Truncated,
    UploadHeader,
    gunzip,
    make_package,
    package_spans,
    parse_mirror_info,
)
from anchoring.note import Note, open_note, parse_note, parse_vkey
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, read_tile, tiles_of
from anchoring.witness import AddCheckpoint, origin_hash
from anchoring.witness_client import HttpTransport
from anchoring.witness_server import application
from tests.anchoring.support import (
    LOG_SIGNER,
    ORIGIN,
    OTHER_WITNESS,
    make_entries,
    make_keys,
    make_publisher,
    signer,
)

ENTRIES = [b"entry %d" % n for n in range(9000)]
TREE = MemoryTree(leaf_hashes(ENTRIES))
OTHER = MemoryTree(leaf_hashes([b"other %d" % n for n in range(600)]))
SIGNER = Ed25519Cosigner("mirror.example/m1", signer("m1"), lambda: 9)


def head(size, tree=TREE):
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree.root(size)), [LOG_SIGNER])


def pending(mirror, old, size, tree=TREE):
    proof = prove_consistency(old, size, tree) if old else []
    return mirror.add_checkpoint(AddCheckpoint(old, tuple(proof), head(size, tree)).encode())


def body(start, end, *, count=None, entries=ENTRIES, tree=TREE, origin=ORIGIN):
    parts = [UploadHeader(origin, start, end).encode()]
    for low, high in list(package_spans(start, end))[:count]:
        parts.append(make_package(low, entries[low:high], end, tree).encode())
    return b"".join(parts)


def send(mirror, data, step=1000):
    return mirror.add_entries(ChunkReader(data[at : at + step] for at in range(0, len(data), step)))


@pytest.fixture
def mirror(tmp_path):
    return Mirror([LOG_SIGNER.vkey], [SIGNER], tmp_path / "mirror")


def info(reply):
    assert reply.content_type == "text/x.tlog.mirror-info"
    return parse_mirror_info(reply.body)


def check_copy(mirror, size):
    """The copy is a whole log: every tile, every entry, a checkpoint with both signatures."""
    store = mirror.store(ORIGIN)
    opened = open_note(store.read(CHECKPOINT_PATH), verifiers_for([LOG_SIGNER.vkey, SIGNER.vkey]))
    assert len(opened.verified) == 2
    assert mirror.size(ORIGIN) == size
    for tile in tiles_of(size):
        read_tile(store, tile)


def test_nothing_is_cosigned_before_everything_is_stored(mirror):
    reply = pending(mirror, 0, 700)
    assert (reply.status, reply.body) == (200, b"")
    assert mirror.size(ORIGIN) == 0
    for count, stored in ((1, 256), (2, 512)):
        reply = send(mirror, body(0, 700, count=count))
        assert (reply.status, info(reply)) == (202, MirrorInfo(700, stored))
        assert mirror.store(ORIGIN).read(CHECKPOINT_PATH) is None
    reply = send(mirror, body(512, 700))
    assert reply.status == 200
    note = parse_note(f"{parse_note(head(700)).text}\n".encode() + reply.body)
    assert open_note(note, verifiers_for([SIGNER.vkey])).signed_by(SIGNER.vkey)
    check_copy(mirror, 700)


@pytest.mark.parametrize("sizes", [(1, 2, 300), (256, 512), (255, 257, 1000), (0, 5, 5, 261)])
def test_uploads_may_start_and_end_anywhere(mirror, sizes):
    old = 0
    for size in sizes:
        assert pending(mirror, old, size).status == 200
        assert send(mirror, body(mirror.next_entry(ORIGIN), size), step=7).status == 200
        old = size
        check_copy(mirror, size)


def test_an_interrupted_body_keeps_its_whole_packages(mirror):
    pending(mirror, 0, 600)
    data = body(0, 600)
    reply = send(mirror, data[: len(data) - 40])
    assert (reply.status, info(reply).next_entry) == (202, 512)
    assert send(mirror, body(512, 600)).status == 200


def test_a_pending_checkpoint_may_move_while_an_older_one_is_uploaded(mirror):
    pending(mirror, 0, 300)
    send(mirror, body(0, 300, count=1))
    pending(mirror, 300, 500)
    assert send(mirror, body(256, 300)).status == 200
    check_copy(mirror, 300)
    assert send(mirror, body(300, 500)).status == 200
    late = send(mirror, body(300, 300))
    assert (late.status, info(late)) == (409, MirrorInfo(500, 500)), "a mirror never goes back"
    check_copy(mirror, 500)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (body(0, 600, origin="other.example/log"), 404),
        (body(0, 599), 409),
        (body(300, 600), 409),
        (body(0, 600, count=0), 400),
        (body(0, 600)[:3], 400),
        (body(0, 600)[:60], 400),
        (b"", 400),
        (UploadHeader(ORIGIN, 601, 600).encode(), 400),
        (body(0, 600) + b"x", 400),
        (body(0, 600, entries=[b"x", *ENTRIES[1:]]), 422),
        (body(0, 600, entries=[*ENTRIES[1:600], b"x"]), 422),
        (body(0, 600, entries=[b"other %d" % n for n in range(600)], tree=OTHER), 422),
    ],
)
def test_refused_uploads_cosign_nothing(mirror, data, status):
    pending(mirror, 0, 600)
    assert send(mirror, data).status == status
    assert mirror.store(ORIGIN).read(CHECKPOINT_PATH) is None
    assert send(mirror, body(mirror.next_entry(ORIGIN), 600)).status == 200, "the control"


def test_an_upload_before_any_checkpoint_is_refused(mirror):
    assert send(mirror, body(0, 600)).status == 422


def test_another_branch_is_refused_as_by_a_witness(mirror):
    pending(mirror, 0, 300)
    assert pending(mirror, 300, 600, OTHER).status == 422
    assert pending(mirror, 0, 300, OTHER).status == 409
    assert pending(mirror, 300, 300, OTHER).status == 422


def test_a_request_takes_32_packages_and_asks_for_the_rest(mirror):
    pending(mirror, 0, 9000)
    reply = send(mirror, body(0, 9000), step=100_000)
    assert (reply.status, info(reply)) == (202, MirrorInfo(9000, 8192))
    too_much = send(mirror, body(0, 9000, count=1))
    assert too_much.status == 202, "8192 stored entries may be sent again"
    assert send(mirror, body(8192, 9000)).status == 200
    again = send(mirror, body(9000 - MAX_EXCESS - 1, 9000, count=1))
    assert (again.status, info(again)) == (409, MirrorInfo(9000, 9000))


def test_a_proof_longer_than_63_hashes_is_malformed(mirror):
    pending(mirror, 0, 10)
    data = UploadHeader(ORIGIN, 0, 10).encode()
    data += (
        b"".join(len(e).to_bytes(2, "big") + e for e in ENTRIES[:10]) + bytes([64]) + bytes(2048)
    )
    assert send(mirror, data).status == 400


def test_entries_on_disk_that_were_changed_are_never_cosigned(mirror):
    pending(mirror, 0, 600)
    send(mirror, body(0, 600, count=2))
    path = mirror.store(ORIGIN).root / "tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b"entry 7\x00", b"entry X\x00"))
    with pytest.raises(StorageError, match="root"):
        send(mirror, body(512, 600))
    assert mirror.store(ORIGIN).read(CHECKPOINT_PATH) is None


def test_uploads_at_the_same_time_end_in_one_whole_copy(mirror):
    pending(mirror, 0, 3000)
    sent = []

    def client(seed):
        rand = random.Random(seed)
        while True:
            start = max(0, mirror.next_entry(ORIGIN) - rand.randrange(300))
            reply = send(mirror, body(start, 3000, count=rand.randrange(1, 5)))
            sent.append(reply.status)
            if reply.status == 200:
                return

    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert set(sent) <= {200, 202, 409}
    assert sent.count(200) == 4
    check_copy(mirror, 3000)


# ------------------------------------------------------------------------------ formats


@given(start=st.integers(0, 3000), count=st.integers(0, 3000))
def test_the_canonical_sequence_is_that_of_the_specification(start, count):
    """The formulas of c2sp.org/tlog-mirror, word for word."""
    end = start + count
    rounded_start, rounded_end = start // 256 * 256, (end + 255) // 256 * 256
    expected = [
        (max(start, rounded_start + i * 256), min(end, rounded_start + (i + 1) * 256))
        for i in range((rounded_end - rounded_start) // 256 if count else 0)
    ]
    assert list(package_spans(start, end)) == expected


def test_an_upload_has_the_bytes_of_the_specification():
    """Written out by hand: header, two entries after three, PROOF(5, D[8]) of RFC 9162."""
    tree = MemoryTree(leaf_hashes(ENTRIES[:8]))
    proof = tree.read_hashes([(0, 4), (0, 5), (1, 3), (2, 0)])
    header = struct.pack(">H3sQQH2s", 3, b"log", 3, 8, 2, b"tk")
    assert UploadHeader("log", 3, 8, b"tk").encode() == header
    entries = b"".join(struct.pack(">H7s", 7, each) for each in ENTRIES[3:5])
    package = make_package(3, ENTRIES[3:5], 8, tree)
    assert package.encode() == entries + b"\x04" + b"".join(proof)


def test_readers_never_give_less_than_asked():
    reader = ChunkReader([b"ab", b"", b"cde"])
    assert (reader.read(1), reader.read(3), reader.at_end()) == (b"a", b"bcd", False)
    with pytest.raises(Truncated):
        reader.read(2)
    assert ChunkReader([b""]).at_end()


def test_gzip_is_read_as_it_comes_and_nothing_may_follow_it():
    data = os.urandom(1000) * 300
    packed = gzip.compress(data)
    pieces = list(gunzip([packed[:100], packed[100:]]))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 65_536
    for wrong in (b"junk", packed + b"x", packed + packed):
        with pytest.raises(MalformedInput):
            list(gunzip([wrong]))


@pytest.mark.parametrize(
    "text", [b"1\n2\n", b"1\n2\n\n3", b"+1\n2\n\n", b"1\n02\n\n", b"1\n2\nA\n", b"1\n2\n\n\n", b""]
)
def test_an_answer_that_is_not_three_lines_is_malformed(text):
    with pytest.raises(MalformedInput):
        parse_mirror_info(text)
    assert parse_mirror_info(b"1\n2\nAAAA\n").encode() == b"1\n2\nAAAA\n"


# ------------------------------------------------------------------------------ end to end


@pytest.fixture
def log(tmp_path):
    """A published log of real signed events; gives (folder, policy, keys)."""
    entries = make_entries(1300)
    publisher = make_publisher(tmp_path / "log")
    publisher.publish(0, entries[:900])
    publisher.publish(900, entries[900:])
    policy = f"log {LOG_SIGNER.vkey}\nquorum none\n".encode()
    (tmp_path / "log/policy.txt").write_bytes(policy)
    (tmp_path / "log/keys").write_bytes(make_keys())
    return tmp_path / "log"


def test_a_log_is_pulled_into_a_copy_that_holds(log, tmp_path):
    run = CliRunner().invoke
    key = ["--key", str(tmp_path / "k"), "--name", "mirror.example/m2"]
    assert run(app, ["witness", *key, "--new-key"]).exit_code == 0
    options = [*key, "--policy", str(log / "policy.txt"), "--state", str(tmp_path / "copy")]
    result = run(app, ["mirror", "pull", str(log), *options])
    assert result.exit_code == 0, result.output
    copy = DirectoryStore(tmp_path / "copy" / origin_hash(ORIGIN))
    original = DirectoryStore(log)
    assert [read_tile(copy, each) for each in tiles_of(1300)] == [
        read_tile(original, each) for each in tiles_of(1300)
    ]
    assert parse_checkpoint(copy.read(CHECKPOINT_PATH))[0].size == 1300
    assert run(app, ["mirror", "pull", str(log), *options]).exit_code == 0, "again: nothing new"
    bundle = log / "tile/entries/001"
    data = bytearray(bundle.read_bytes())
    data[700] ^= 1
    bundle.write_bytes(data)
    other = [*options[:-1], str(tmp_path / "other")]
    refused = run(app, ["mirror", "pull", str(log), *other])
    assert (refused.exit_code, "refused-422" in refused.output or "422" in refused.output) == (
        1, True,
    )  # fmt: skip
    assert not (tmp_path / "other" / origin_hash(ORIGIN) / "checkpoint").exists()


def test_a_mirror_server_takes_a_push_and_guards_the_entries(log, tmp_path):
    command = [sys.executable, "-m", "backend"]
    key = ["--key", str(tmp_path / "k"), "--name", "mirror.example/m3"]
    made = subprocess.run([*command, "witness", *key, "--new-key"], capture_output=True, text=True)
    vkey = made.stdout.strip()
    options = [*key, "--policy", str(log / "policy.txt"), "--state", str(tmp_path / "copy")]
    process = subprocess.Popen(
        [*command, "mirror", "serve", *options, "--port", "0", "--read-token", "t0ken"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = json.loads(process.stderr.readline())
        threading.Thread(target=process.stderr.read, daemon=True).start()
        url = f"http://{line['host']}:{line['port']}"
        result = CliRunner().invoke(app, ["mirror", "push", str(log), url, "--mirror", vkey])
        assert result.exit_code == 0, result.output
        assert "mirror.example/m3" in result.stdout
        prefix = f"{url}/{origin_hash(ORIGIN)}"
        served = httpx.get(f"{prefix}/checkpoint").content
        keys = verifiers_for([LOG_SIGNER.vkey, parse_vkey(vkey)])
        assert len(open_note(served, keys).verified) == 2
        assert httpx.get(f"{prefix}/tile/0/000").status_code == 200
        assert httpx.get(f"{prefix}/tile/entries/000").status_code == 401
        for token, status in (("t0ken", 200), ("other", 401)):
            headers = {"Authorization": f"Bearer {token}"}
            found = httpx.get(f"{prefix}/tile/entries/000", headers=headers)
            assert found.status_code == status
        for path in ("mirror.sqlite", "../mirror.sqlite", "tile/0/0", ".lock", "tile/0/001~1"):
            assert httpx.get(f"{prefix}/{path}").status_code == 404
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_an_upload_in_plain_or_other_codings(mirror):
    pending(mirror, 0, 300)
    with TestClient(application(mirror_routes(mirror, Readers()))) as client:
        other = client.post("/add-entries", content=b"", headers={"Content-Encoding": "br"})
        assert other.status_code == 415
        junk = client.post("/add-entries", content=b"x", headers={"Content-Encoding": "gzip"})
        assert junk.status_code == 400
        found = client.post("/add-entries", content=body(0, 300))
        assert (found.status_code, found.headers["accept-encoding"]) == (200, "gzip")
        entries = client.get(f"/{origin_hash(ORIGIN)}/tile/entries/000")
        assert entries.status_code == 401, "no token is set: nobody reads entries"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, "text/plain", b"junk"), "malformed"),
        ((202, "text/plain", b"1\n2\n\n"), "malformed"),
        ((202, "text/x.tlog.mirror-info", b"1\n"), "malformed"),
        ((409, "text/x.tlog.mirror-info", b"7\n0\n\n"), "ahead"),
        ((409, "text/x.tlog.mirror-info", b"300\n0\n\n"), "refused-409"),
        ((422, "text/plain", b"no\n"), "refused-422"),
    ],
)
def test_whatever_a_mirror_answers_is_a_typed_failure(mirror, tmp_path, answer, reason):
    publisher = make_publisher(tmp_path / "log")
    publisher.publish(0, ENTRIES[:300])
    store = DirectoryStore(tmp_path / "log")

    class Strange(LocalMirror):
        def post(self, path, body, content_type):
            real = super().post(path, body, content_type)
            return real if path == "add-checkpoint" else answer

    with pytest.raises(WitnessFailed) as caught:
        upload(store, store.read(CHECKPOINT_PATH), Strange(mirror), [SIGNER.vkey])
    assert caught.value.reason == reason


def test_a_mirror_with_the_logs_key_is_refused_and_unknown_lines_are_not_kept(tmp_path, mirror):
    own = Ed25519Cosigner("m", signer("log"), lambda: 1)
    with pytest.raises(MalformedInput):
        Mirror([LOG_SIGNER.vkey], [own], tmp_path / "x")
    note = parse_note(head(300))
    more = parse_note(
        sign_checkpoint(parse_checkpoint(head(300))[0], [LOG_SIGNER, OTHER_WITNESS])
    ).signatures
    both = Note(note.text, more).encode()
    assert mirror.add_checkpoint(AddCheckpoint(0, (), both).encode()).status == 200
    send(mirror, body(0, 300))
    kept = parse_note(mirror.store(ORIGIN).read(CHECKPOINT_PATH))
    assert [item.name for item in kept.signatures] == [ORIGIN, SIGNER.vkey.name]


def test_an_unreachable_mirror_is_a_typed_failure(tmp_path):
    make_publisher(tmp_path).publish(0, ENTRIES[:3])
    store = DirectoryStore(tmp_path)
    with HttpTransport("http://127.0.0.1:9", 1.0) as transport:
        with pytest.raises(WitnessFailed, match="reached"):
            upload(store, store.read(CHECKPOINT_PATH), transport, [SIGNER.vkey])


@contextmanager
def listening(mirror):
    """Give a connection to a server of ``mirror``."""
    app = application(mirror_routes(mirror, Readers()))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join(20)


def start_upload(connection, data):
    connection.sendall(
        b"POST /add-entries HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data)
    )
    connection.sendall(data[:-50])


def test_an_upload_that_stands_still_ends_and_keeps_what_it_brought(mirror, monkeypatch):
    monkeypatch.setattr(mirror_server, "CHUNK_SECONDS", 0.3)
    pending(mirror, 0, 600)
    with listening(mirror) as connection:
        start_upload(connection, body(0, 600))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 202")
    assert mirror.next_entry(ORIGIN) == 512


def test_an_upload_that_drips_ends_too(mirror, monkeypatch):
    """A byte now and then resets the wait for the next one: a few such would hold every place."""
    monkeypatch.setattr(mirror_server, "UPLOAD_SECONDS", 0.5)
    pending(mirror, 0, 600)
    data = body(0, 600)
    with listening(mirror) as connection:
        start_upload(connection, data)
        connection.settimeout(0.05)
        answer = b""
        for byte in data[-50:-1]:
            connection.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65_536)
                break
        assert answer.startswith(b"HTTP/1.1 202")
    assert mirror.next_entry(ORIGIN) == 512


def test_an_empty_token_admits_nobody():
    assert not Readers("").admits(
        Request({"type": "http", "headers": [(b"authorization", b"Bearer ")]})
    )
