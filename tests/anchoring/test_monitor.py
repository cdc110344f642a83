"""The monitor finds a fork, a rollback, a strange key, a wrong index, lag: and clears them."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from anchoring.alerts import Webhook, sign_body
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.cli import app
from anchoring.findings import Kind
from anchoring.http_source import HttpSource
from anchoring.keys import EventKey
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.merkle_proof import verify_consistency
from anchoring.monitor import Monitor
from anchoring.monitor_heads import first_waiting
from anchoring.monitor_round import Limits, Watched
from anchoring.monitor_state import StateFile
from anchoring.note import Ed25519NoteSigner
from anchoring.policy import parse_policy
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from anchoring.trust import Trust
from tests.anchoring.log_support import LogBuilder, make_ring
from tests.anchoring.support import (
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    ROOT,
    WITNESS,
    make_keys,
    make_policy,
    signer,
)
from tests.anchoring.web_support import receive_alerts, serve_folder

POLICY = parse_policy(make_policy("none"))
SECOND = signer("event-2")


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


class World:
    """A log in a folder, watched from there; ``look`` is one round of a monitor new each time."""

    def __init__(self, folder):
        self.folder = folder
        self.log = LogBuilder().fill(300)
        self.log.commit()
        self.log.publish(folder / "log")
        self.clock = Clock()
        self.file = StateFile(folder / "watch.json")
        self.options = {}
        self.source = DirectoryStore(folder / "log")
        self.pauses = []
        self.meanwhile = lambda: None

    def monitor(self):
        options = {"policy": POLICY} | self.options
        return Monitor(Watched(self.source, **options), self.file, self.clock, self.pause)

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.meanwhile()

    def look(self):
        return self.monitor().round()

    def kinds(self):
        return [(finding.kind, finding.subject) for finding in self.look().findings]

    def root(self, size=None):
        return MemoryTree([leaf_hash(entry) for entry in self.log.entries]).root(size)

    def put(self, name, data):
        (self.folder / "log" / name).write_bytes(data)

    def evidence(self):
        return {path.name for path in self.folder.glob("watch.json.*-*.*")}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_log_that_grows_is_fine(world):
    for size in (301, 302, 400, 777, 1_100):
        world.log.fill(size).publish(world.folder / "log")
        found = world.look()
        assert found.findings == []
        assert found.facts["entries"] == size
    assert world.evidence() == set()
    assert world.kinds() == []


def forked(world, at, size):
    other = LogBuilder()
    other.entries, other.heads = [], {}
    for entry in world.log.entries[:at]:
        other.append(entry)
    other.add("fork")
    other.fill(size)
    shutil.rmtree(world.folder / "log")
    other.publish(world.folder / "log")
    return other


@pytest.mark.parametrize(("at", "size"), [(10, 900), (300, 302), (256, 301)])
def test_a_fork_is_kept_as_evidence_until_the_log_is_back(world, at, size):
    assert world.kinds() == []
    shutil.copytree(world.folder / "log", world.folder / "good")
    first = (world.folder / "log/checkpoint").read_bytes()
    forked(world, at, size)
    second = (world.folder / "log/checkpoint").read_bytes()
    for _ in range(2):
        (finding,) = world.look().findings
        assert (finding.kind, finding.subject) == (Kind.SPLIT_VIEW, "log")
    kept = {(world.folder / name).read_bytes() for name in finding.evidence}
    assert {first, second} <= kept
    assert world.evidence() == set(finding.evidence)
    shutil.rmtree(world.folder / "log")
    shutil.move(world.folder / "good", world.folder / "log")
    assert world.kinds() == []


def test_the_evidence_of_a_fork_holds_without_the_monitor(world):
    """The proof in it leads to the newer root and not to the older one: both are signed."""
    world.look()
    old = world.root()
    other = forked(world, 50, 900)
    new = MemoryTree([leaf_hash(entry) for entry in other.entries]).root()
    (finding,) = world.look().findings
    (name,) = (name for name in finding.evidence if name.endswith(".consistency"))
    lines = (world.folder / name).read_text().splitlines()
    assert lines[:2] == ["from 301", "to 900"]
    proof = [bytes.fromhex(line) for line in lines[2:]]
    honest = MemoryTree([leaf_hash(entry) for entry in other.entries]).root(301)
    assert honest != old
    verify_consistency(301, 900, proof, honest, new)


def test_two_checkpoints_of_one_size(world):
    world.look()
    world.put("checkpoint", sign_checkpoint(Checkpoint(ORIGIN, 301, bytes(32)), [LOG_SIGNER]))
    assert world.kinds() == [(Kind.SPLIT_VIEW, "log")]


def test_a_smaller_log(world):
    world.look()
    smaller = sign_checkpoint(Checkpoint(ORIGIN, 200, world.root(200)), [LOG_SIGNER])
    world.put("checkpoint", smaller)
    (finding,) = world.look().findings
    assert finding.kind is Kind.ROLLBACK
    assert len(finding.evidence) == 2


def test_a_rotten_tile_is_no_fork(world):
    world.look()
    world.log.fill(600).publish(world.folder / "log")
    tile = world.folder / "log/tile/0/001"
    good = tile.read_bytes()
    tile.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert world.kinds() == [(Kind.CONTENT_MISMATCH, "log")]
    tile.unlink()
    assert world.kinds() == [(Kind.UNREACHABLE, "log")]
    tile.write_bytes(good)
    assert world.kinds() == []


def test_a_stranger_signs(world):
    world.look()
    stranger = Ed25519NoteSigner(ORIGIN, signer("stranger"))
    world.put("checkpoint", sign_checkpoint(Checkpoint(ORIGIN, 301, world.root()), [stranger]))
    (finding,) = world.look().findings
    assert finding.kind is Kind.BAD_SIGNATURE
    assert world.evidence() == set(finding.evidence)


def test_the_quorum_is_missing_and_the_rest_is_looked_at(world):
    world.options["policy"] = parse_policy(make_policy("both"))
    found = world.look()
    assert [finding.kind for finding in found.findings] == [Kind.QUORUM_MISSING]
    assert found.facts["entries"] == 301


def test_a_log_may_be_ahead_of_its_witnesses_for_a_while(world):
    world.options["policy"] = parse_policy(make_policy("w1"))
    world.options["limits"] = Limits(unwitnessed_seconds=600)
    head = Checkpoint(ORIGIN, 301, world.root())
    world.put("checkpoint", sign_checkpoint(head, [LOG_SIGNER, WITNESS]))
    assert world.kinds() == []
    world.put("checkpoint", sign_checkpoint(head, [LOG_SIGNER]))
    world.clock.now += 600
    assert world.kinds() == []
    world.clock.now += 1
    assert world.kinds() == [(Kind.QUORUM_MISSING, "log")]


@pytest.mark.parametrize("data", [b"junk", b""])
def test_a_checkpoint_that_is_none(world, data):
    world.put("checkpoint", data)
    assert world.kinds() == [(Kind.MALFORMED, "log")]


def test_no_checkpoint(world):
    (world.folder / "log/checkpoint").unlink()
    assert world.kinds() == [(Kind.UNREACHABLE, "log")]


def test_a_wrong_index(world):
    world.look()
    world.log.commit(root="11" * 32)
    world.log.publish(world.folder / "log")
    assert world.kinds() == [(Kind.INDEX_MISMATCH, "entries")]


def test_an_index_that_is_behind(world):
    world.options["limits"] = Limits(index_entries=100)
    assert world.kinds() == []
    world.log.fill(402).publish(world.folder / "log")
    assert world.kinds() == [(Kind.INDEX_LAG, "entries")]
    world.log.commit()
    world.log.publish(world.folder / "log")
    assert world.kinds() == []


def test_a_changed_entry(world):
    world.look()
    world.log.fill(400).publish(world.folder / "log")
    bundle = world.folder / "log/tile/entries/001.p/144"
    bundle.write_bytes(bundle.read_bytes().replace(b'"side":"buy"', b'"side":"SEL"'))
    assert world.kinds() == [(Kind.BAD_SIGNATURE, "entries")]


ONE = EventKey(EVENT_SIGNER.public_key, 0)


def test_a_key_that_the_log_announced_is_taken_over(world):
    world.look()
    first = world.log.announce(SECOND)
    world.log.publish(world.folder / "log")
    world.put("keys", make_ring(ONE, EventKey(SECOND.public_key, first)))
    assert world.kinds() == []


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ((ONE, EventKey(SECOND.public_key, 250)), "never announced"),
        ((EventKey(EVENT_SIGNER.public_key, 0, 400),), "the log 0 to -"),
    ],
)
def test_a_key_that_nobody_announced(world, ring, words):
    world.look()
    world.put("keys", make_ring(*ring))
    found = world.look().findings
    assert Kind.UNKNOWN_KEY in {finding.kind for finding in found}
    assert any(words in finding.message for finding in found)
    world.put("keys", make_ring(ONE))
    assert world.kinds() == []


def test_a_key_that_is_gone_or_moved(world):
    first = world.log.announce(SECOND)
    world.log.publish(world.folder / "log")
    second = EventKey(SECOND.public_key, first)
    world.put("keys", make_ring(ONE, second))
    assert world.kinds() == []
    world.put("keys", make_ring(ONE))
    (finding,) = world.look().findings
    assert (finding.kind, finding.subject) == (Kind.UNKNOWN_KEY, "keys")
    assert "is gone" in finding.message
    assert (world.folder / finding.evidence[0]).read_bytes() == make_ring(ONE)


def test_a_keys_file_by_a_stranger(world):
    world.put("keys", make_keys(signer_of=Ed25519NoteSigner(ORIGIN, signer("stranger"))))
    assert world.kinds() == [(Kind.BAD_SIGNATURE, "keys")]


def test_without_access_to_entries_every_new_key_is_unknown(world):
    with serve_folder(world.folder / "log", refuse="/tile/entries") as url:
        world.source = HttpSource(url)
        found = world.look()
        assert (found.findings, found.facts["entries"]) == ([], "not readable")
        first = world.log.announce(SECOND)
        world.log.publish(world.folder / "log")
        ring = make_ring(ONE, EventKey(SECOND.public_key, first))
        world.put("keys", ring)
        assert world.kinds() == [(Kind.UNKNOWN_KEY, "keys")]
        world.options["keys"] = ring  # the operator has looked, and knows it now
        assert world.kinds() == []


class TestLookingAgain:
    """The keys file of a live log follows its checkpoint by some milliseconds."""

    def rotate(self, world):
        """Publish an entry by a key that the log announced and the keys file does not list yet."""
        assert world.kinds() == []
        position = world.log.announce(SECOND)
        world.log.add(signer=SECOND)
        world.log.publish(world.folder / "log")
        first = EventKey(EVENT_SIGNER.public_key, 0)
        return make_ring(first, EventKey(SECOND.public_key, position))

    def test_a_key_that_is_listed_a_moment_later_is_no_finding(self, world):
        ring = self.rotate(world)
        world.meanwhile = lambda: world.put("keys", ring)
        found = world.look()
        assert found.findings == []
        assert found.facts["entries"] == len(world.log.entries)
        assert len(world.pauses) == 1
        assert world.evidence() == set()

    def test_the_log_may_have_grown_meanwhile(self, world):
        ring = self.rotate(world)

        def grow():
            world.put("keys", ring)
            world.log.fill(500).publish(world.folder / "log")

        world.meanwhile = grow
        found = world.look()
        assert (found.findings, found.facts["entries"]) == ([], 500)
        assert found.facts["size"] == 500

    def test_a_key_that_stays_unknown_is_one(self, world):
        self.rotate(world)
        (finding,) = world.look().findings
        assert (finding.kind, finding.subject) == (Kind.UNKNOWN_KEY, "entries")
        assert len(world.pauses) == 1

    def test_what_is_fine_is_not_looked_at_twice(self, world):
        world.look()
        assert world.pauses == []

    def test_an_accusation_outlives_a_second_look_that_fails(self, world):
        self.rotate(world)
        world.meanwhile = lambda: world.put("checkpoint", b"nothing\n")
        kinds = {finding.kind for finding in world.look().findings}
        assert kinds == {Kind.UNKNOWN_KEY, Kind.MALFORMED}


def test_a_log_that_starts_to_refuse_its_entries(world):
    """Otherwise it could end every check of them, with nobody told."""
    with serve_folder(world.folder / "log") as url:
        world.source = HttpSource(url)
        assert world.kinds() == []
    with serve_folder(world.folder / "log", refuse="/tile/entries") as url:
        world.source = HttpSource(url)
        assert world.kinds() == [(Kind.UNREACHABLE, "entries")]


def test_entries_that_the_user_may_read_and_cannot(world):
    world.options["must_read"] = True
    with serve_folder(world.folder / "log", refuse="/tile/entries") as url:
        world.source = HttpSource(url)
        assert world.kinds() == [(Kind.UNREACHABLE, "entries")]


def test_a_keys_file_that_disappears(world):
    assert world.kinds() == []
    (world.folder / "log/keys").unlink()
    bundle = world.folder / "log/tile/entries/001.p/45"
    bundle.write_bytes(bundle.read_bytes().replace(b'"side":"buy"', b'"side":"BUY"', 1))
    found = world.look()
    assert (Kind.UNREACHABLE, "keys") in {item.identity for item in found.findings}
    # The entries are still checked, with the keys that were published before.
    assert len(found.findings) == 2
    assert "keys" not in found.looked


def test_a_log_that_never_published_keys(world):
    (world.folder / "log/keys").unlink()
    found = world.look()
    assert (found.findings, found.facts["keys"]) == ([], "not published")


def test_an_event_is_quiet_by_its_type_alone(world):
    """A payload may have a member called type, and would hide that entries wait for an anchor."""
    start = len(world.log.entries)
    world.log.note("index.committed", "index-log", {"type": "anchor.confirmed"})
    world.log.publish(world.folder / "log")
    loud = world.log.note("order.placed", "order-0", {"type": "anchor.confirmed"})
    world.log.publish(world.folder / "log")
    assert first_waiting(world.source, start, loud) is None
    assert first_waiting(world.source, start, loud + 1) == loud


def test_an_old_checkpoint(world):
    """By the witnesses' own times where they signed, else by when it was first seen."""
    world.options["limits"] = Limits(checkpoint_seconds=100)
    world.clock.now = 1_700_000_100.0  # COSIGNED_AT + 100
    assert world.kinds() == []
    world.clock.now += 1
    assert world.kinds() == [(Kind.CHECKPOINT_STALE, "log")]
    uncosigned = sign_checkpoint(Checkpoint(ORIGIN, 301, world.root()), [LOG_SIGNER])
    world.put("checkpoint", uncosigned)
    world.clock.now = 1_700_000_200.0
    assert world.kinds() == []
    world.clock.now += 1
    assert world.kinds() == [(Kind.CHECKPOINT_STALE, "log")]


@pytest.fixture
def witness(world, tmp_path):
    """A folder served as a witness's monitoring address, and the file of this log in it."""
    place = tmp_path / "witness" / hashlib.sha256(ORIGIN.encode()).hexdigest()
    place.mkdir(parents=True)
    with serve_folder(tmp_path / "witness") as url:
        world.options["witnesses"] = (url,)
        yield url, place / "checkpoint"


def remembered(size, root, signers=(LOG_SIGNER, WITNESS)):
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), signers)


def test_what_a_witness_remembers_is_compared(world, witness):
    url, file = witness
    assert world.kinds() == [(Kind.UNREACHABLE, url)]
    file.write_bytes(remembered(150, world.root(150)))
    assert world.kinds() == []
    file.write_bytes(remembered(150, bytes(32)))
    (finding,) = world.look().findings
    assert (finding.kind, finding.subject) == (Kind.SPLIT_VIEW, url)
    assert len(finding.evidence) == 2
    stranger = Ed25519NoteSigner(ORIGIN, signer("stranger"))
    file.write_bytes(remembered(150, world.root(150), [stranger, WITNESS]))
    assert world.kinds() == [(Kind.BAD_SIGNATURE, url)]
    file.write_bytes(b"junk")
    assert world.kinds() == [(Kind.UNREACHABLE, url)]


def test_a_witness_that_is_ahead(world, witness):
    url, file = witness
    world.log.fill(500)
    file.write_bytes(remembered(500, world.root()))
    assert world.kinds() == [(Kind.CHECKPOINT_STALE, url)]
    # The log's tiles are there already, only its checkpoint is not published yet.
    signed = (world.folder / "log/checkpoint").read_bytes()
    world.log.publish(world.folder / "log")
    world.put("checkpoint", signed)
    assert world.kinds() == []


@pytest.mark.chain
class TestChain:
    """A registry on a real chain."""

    @pytest.fixture
    def registry(self, world, chain):
        registry = chain.deploy_registry()
        world.options |= {"rpc": chain.rpc, "trust": Trust(31_337, registry)}
        return registry

    def test_the_registrys_head_is_on_this_history(self, world, chain, registry):
        chain.anchor(registry, 256, world.root(256))
        found = world.look()
        assert (found.findings, found.facts["anchored"]) == ([], 256)

    def test_the_registrys_head_is_of_another_history(self, world, chain, registry):
        chain.anchor(registry, 256, bytes(32))
        (finding,) = world.look().findings
        assert (finding.kind, finding.subject) == (Kind.SPLIT_VIEW, "chain")
        assert any(name.endswith(".registry") for name in finding.evidence)

    def test_the_registry_holds_more_than_the_log_shows(self, world, chain, registry):
        chain.anchor(registry, 302, bytes(32))
        assert world.kinds() == [(Kind.ROLLBACK, "chain")]

    def test_entries_that_wait_too_long(self, world, chain, registry):
        world.options["limits"] = Limits(lag_seconds=60)
        chain.anchor(registry, 256, world.root(256))
        assert world.kinds() == []
        world.clock.now += 60
        assert world.kinds() == []
        world.clock.now += 1
        assert world.kinds() == [(Kind.ANCHOR_LAG, "chain")]
        chain.anchor(registry, 301, world.root(301))
        assert world.kinds() == []

    def test_too_many_entries_wait(self, world, chain, registry):
        world.options["limits"] = Limits(lag_entries=45)
        chain.anchor(registry, 256, world.root(256))
        assert world.kinds() == []  # 45 wait; one of them is the index's own
        world.log.add()
        world.log.publish(world.folder / "log")
        assert world.kinds() == [(Kind.ANCHOR_LAG, "chain")]

    def test_events_about_anchors_and_the_index_do_not_wait_for_one(self, world, chain, registry):
        world.options["limits"] = Limits(lag_seconds=60)
        chain.anchor(registry, 301, world.root(301))
        world.log.note("anchor.included", "anchors", {"size": 301})
        world.log.commit()
        world.log.publish(world.folder / "log")
        assert world.kinds() == []
        world.clock.now += 5_000
        assert world.kinds() == []
        # One that does wait is as old as when it was first seen, not as those before it.
        world.log.add()
        world.log.publish(world.folder / "log")
        assert world.kinds() == []
        world.clock.now += 61
        assert world.kinds() == [(Kind.ANCHOR_LAG, "chain")]

    def test_another_chain_or_none(self, world, chain, registry):
        world.options["trust"] = Trust(1, registry)
        assert world.kinds() == [(Kind.MALFORMED, "chain")]
        world.options["rpc"] = HttpRpc("http://127.0.0.1:1")
        assert world.kinds() == [(Kind.UNREACHABLE, "chain")]


def told(received):
    """What the receiver heard since the last time."""
    documents = [json.loads(body) for _, body in received.posts]
    received.posts.clear()
    return [(each["kind"], each["state"]) for each in documents]


def test_an_alert_is_sent_once_until_it_clears(world):
    with receive_alerts() as received:
        hook = Webhook(received.url, pause=lambda _seconds: None)

        def look():
            watching = world.monitor()
            failures = watching.tell(watching.round(), hook)
            return told(received), len(failures)

        assert look() == ([], 0)
        good = (world.folder / "log/checkpoint").read_bytes()
        world.put("checkpoint", remembered(301, bytes(32), [LOG_SIGNER]))
        assert look() == ([("split-view", "firing")], 0)
        assert look() == ([], 0)
        (world.folder / "log/checkpoint").unlink()
        # Nothing is known of the split view while the log is away: it does not clear.
        assert look() == ([("unreachable", "firing")], 0)
        world.put("checkpoint", good)
        assert look() == ([("split-view", "cleared"), ("unreachable", "cleared")], 0)
        assert look() == ([], 0)


def test_an_alert_that_could_not_be_delivered_is_sent_in_the_next_round(world):
    with receive_alerts() as received:
        hook = Webhook(received.url, pause=lambda _seconds: None)
        world.put("checkpoint", remembered(301, bytes(32), [LOG_SIGNER]))
        received.answers = [404]
        watching = world.monitor()
        assert len(watching.tell(watching.round(), hook)) == 1
        received.posts.clear()
        watching = world.monitor()
        assert watching.tell(watching.round(), hook) == []
        assert told(received) == [("content-mismatch", "firing")]


def test_an_alert_nobody_heard_of_clears_in_silence(world):
    with receive_alerts() as received:
        hook = Webhook(received.url, pause=lambda _seconds: None)
        good = (world.folder / "log/checkpoint").read_bytes()
        world.put("checkpoint", remembered(301, bytes(32), [LOG_SIGNER]))
        received.answers = [404]
        watching = world.monitor()
        watching.tell(watching.round(), hook)
        received.posts.clear()
        world.put("checkpoint", good)
        watching = world.monitor()
        watching.tell(watching.round(), hook)
        assert received.posts == []


run = CliRunner().invoke


def command(world, *options):
    arguments = ["monitor", str(world.folder / "log"), "--state", str(world.file.path), "--once"]
    result = run(app, [*arguments, *map(str, options)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_command_tells_what_it_found_by_exit_code(world):
    result = command(world)
    assert (result.exit_code, "size 301" in result.stdout) == (0, True)
    document = json.loads(command(world, "--json").stdout)
    assert (document["exit_code"], document["findings"]) == (0, [])
    assert document["facts"]["indexed"] == 300
    forked(world, 50, 900)
    with receive_alerts() as received:
        result = command(world, "--webhook", received.url)
    assert result.exit_code == 1
    assert "split-view: log:" in result.stdout
    assert "evidence: watch.json.split-view-" in result.stdout
    assert told(received) == [("split-view", "firing")]
    (world.folder / "log/checkpoint").unlink()
    assert command(world).exit_code == 4


def test_the_webhooks_secret_is_read_from_a_file(world, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef\n")
    (world.folder / "log/checkpoint").unlink()
    with receive_alerts() as received:
        command(world, "--webhook", received.url, "--webhook-secret-file", secret)
    ((headers, body),) = received.posts
    timestamp = int(headers["Tallystick-Timestamp"])
    assert headers["Tallystick-Signature"] == sign_body(b"0123456789abcdef", timestamp, body)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--webhook", "ftp://x"), "starts with https"),
        (("--webhook-secret-file", "x"), "needs --webhook"),
        (("--rpc", "http://127.0.0.1:1"), "needs a trust file"),
        (("--policy", "nowhere"), "policy"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(world, options, words):
    result = command(world, *options)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert words in result.stderr


def test_a_state_that_is_damaged_or_taken(world):
    assert command(world).exit_code == 0
    with world.file.held():
        result = command(world)
        assert (result.exit_code, "another monitor" in result.stderr) == (2, True)
    world.file.path.write_bytes(b"{}x")
    assert command(world).exit_code == 2
    world.file.path.unlink()
    world.file.walk_path.write_bytes(b"junk" * 300)
    result = command(world)
    assert (result.exit_code, "malformed: entries" in result.stdout) == (2, True)


def test_it_goes_on_until_it_is_told_to_end(world):
    """A process of its own: one line a round; the last round's exit code."""
    command = [sys.executable, "-m", "backend", "monitor", str(world.folder / "log")]
    command += ["--state", str(world.file.path), "--interval", "0.1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            rounds = (json.loads(line) for line in process.stdout)
            assert [next(rounds)["exit_code"] for _ in range(2)] == [0, 0]
            world.log.fill(310).publish(world.folder / "log")
            assert next(each for each in rounds if each["facts"]["size"] == 310)["exit_code"] == 0
            world.put("checkpoint", remembered(310, bytes(32)))
            found = next(each for each in rounds if each["exit_code"])
            assert [each["kind"] for each in found["findings"]] == ["split-view"]
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 1
