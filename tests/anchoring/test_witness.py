"""The witness protocol: each refusal of tlog-witness v1.0.0, and no two branches, ever."""

import multiprocessing
import os
import signal
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.cosignature import (
    Ed25519Cosigner,
    MLDSA44CosignatureVerifier,
    MLDSA44Cosigner,
    verifiers_for,
)
from anchoring.errors import MalformedInput, StorageError, VerificationFailed, WitnessFailed
from anchoring.merkle import EMPTY_ROOT, MemoryTree, leaf_hash
from anchoring.merkle_proof import prove_consistency, prove_subtree_consistency, verify_consistency
from anchoring.note import Ed25519NoteSigner, Note, open_note, parse_note
from anchoring.witness import (
    AddCheckpoint,
    SignSubtree,
    Witness,
    origin_hash,
    parse_add_checkpoint,
)
from anchoring.witness_client import WitnessClient, merge_signatures
from anchoring.witness_store import KEPT_HEADS, SqliteHeadStore
from tests.anchoring.support import LOG_SIGNER, ORIGIN, OTHER_WITNESS, WITNESS, signer

TREE = MemoryTree([leaf_hash(b"%d" % n) for n in range(40)])
FORK = MemoryTree([leaf_hash(b"%d" % (n if n < 3 else -n)) for n in range(40)])
MLDSA = MLDSA44Cosigner("witness.example/pq", MLDSA44PrivateKey.generate(), lambda: 7)


def head(size, tree=TREE, by=(LOG_SIGNER,), origin=ORIGIN, root=None):
    root = root or (tree.root(size) if size else EMPTY_ROOT)
    return sign_checkpoint(Checkpoint(origin, size, root), list(by))


def request(old, size, tree=TREE, **changes):
    proof = prove_consistency(old, size, tree) if 0 < old <= size else []
    proof = changes.pop("proof", proof)
    return AddCheckpoint(old, tuple(proof), head(size, tree, **changes)).encode()


@pytest.fixture
def store(tmp_path):
    return SqliteHeadStore(tmp_path / "state" / "w.sqlite")


@pytest.fixture
def witness(store):
    return Witness([LOG_SIGNER.vkey], [WITNESS, MLDSA], store)


def test_heads_that_extend_are_cosigned_with_every_key(witness):
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 40)):
        reply = witness.add_checkpoint(request(old, size))
        assert reply.status == 200
        note = parse_note(f"{parse_note(head(size)).text}\n".encode() + reply.body)
        opened = open_note(note, verifiers_for([WITNESS.vkey, MLDSA.vkey]))
        assert [key for key, _ in opened.verified] == [WITNESS.vkey, MLDSA.vkey]


def test_an_empty_tree_may_be_the_first(witness):
    assert witness.add_checkpoint(request(0, 0)).status == 200
    assert witness.add_checkpoint(request(0, 5)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (request(9, 8), 400),
        (request(4, 8), 409),
        (request(0, 8), 409),
        (request(5, 8, FORK), 422),
        (request(5, 5, FORK), 422),
        (request(5, 8, proof=[]), 422),
        (request(5, 8, proof=[bytes(32)] * 3), 422),
        (request(5, 5, proof=[bytes(32)]), 422),
        (request(5, 8, origin="other.example/log"), 404),
        (request(5, 8, by=[OTHER_WITNESS]), 403),
        (request(5, 8, by=[Ed25519NoteSigner(ORIGIN, signer("stranger"))]), 403),
        (request(5, 8).replace(b"old 5", b"old 05"), 400),
        (request(5, 8).replace(b"old 5", b"old  5"), 400),
        (request(5, 8).replace(b"old 5", b"OLD 5"), 400),
        (request(5, 8)[:-1], 400),
        (request(5, 8, proof=[bytes(32)] * 64), 400),
        (b"", 400),
        (b"old 5\n\n", 400),
        (b"\xff" * 100, 400),
    ],
)
def test_refusals_change_nothing(witness, body, status):
    assert witness.add_checkpoint(request(0, 5)).status == 200
    before = witness.checkpoint(origin_hash(ORIGIN))
    reply = witness.add_checkpoint(body)
    assert reply.status == status
    assert witness.checkpoint(origin_hash(ORIGIN)) == before
    if status == 409:
        assert (reply.body, reply.content_type) == (b"5\n", "text/x.tlog.size")
    assert witness.add_checkpoint(request(5, 8)).status == 200, "the control"


def test_first_requests_with_a_proof_or_a_wrong_empty_root_are_refused(witness):
    assert witness.add_checkpoint(request(0, 5, proof=[bytes(32)])).status == 422
    text = f"{ORIGIN}\n0\n{'A' * 43}=\n"
    wrong = Note(text, (parse_note(head(0)).signatures[0],))
    line = LOG_SIGNER.sign(text.encode())
    wrong = Note(text, (type(wrong.signatures[0])(ORIGIN, LOG_SIGNER.vkey.key_id, line),))
    assert witness.add_checkpoint(AddCheckpoint(0, (), wrong.encode()).encode()).status == 422


def test_a_line_with_the_logs_name_and_id_that_does_not_verify_is_refused(witness):
    good, bad = parse_note(head(5)), parse_note(head(6))
    forged = Note(good.text, bad.signatures).encode()
    assert witness.add_checkpoint(AddCheckpoint(0, (), forged).encode()).status == 403


def test_lines_of_unknown_keys_are_ignored_and_not_kept(witness):
    assert witness.add_checkpoint(request(0, 5, by=[LOG_SIGNER, OTHER_WITNESS])).status == 200
    kept = parse_note(witness.checkpoint(origin_hash(ORIGIN)))
    names = [item.name for item in kept.signatures]
    assert names == [ORIGIN, WITNESS.vkey.name, MLDSA.vkey.name]


def test_monitors_read_what_was_cosigned(witness):
    assert witness.checkpoint(origin_hash(ORIGIN)) is None
    witness.add_checkpoint(request(0, 5))
    found = witness.checkpoint(origin_hash(ORIGIN))
    opened = open_note(found, verifiers_for([LOG_SIGNER.vkey, WITNESS.vkey, MLDSA.vkey]))
    assert len(opened.verified) == 3
    assert parse_checkpoint(found)[0].size == 5


def test_a_witness_with_the_logs_own_key_is_refused(store):
    own = Ed25519Cosigner("w", signer("log"), lambda: 1)
    with pytest.raises(MalformedInput, match="own key"):
        Witness([LOG_SIGNER.vkey], [own], store)


def test_the_head_outlives_the_process_and_a_failed_write_gives_no_cosignature(tmp_path):
    path = tmp_path / "w.sqlite"
    Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(path)).add_checkpoint(request(0, 5))
    again = Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(path))
    assert again.add_checkpoint(request(0, 8)).status == 409
    path.write_bytes(b"junk" * 1024)
    with pytest.raises(StorageError):
        again.add_checkpoint(request(5, 8))


def test_the_last_heads_are_kept_and_older_ones_go(store):
    witness = Witness([LOG_SIGNER.vkey], [WITNESS], store)
    for size in range(1, KEPT_HEADS + 4):
        assert witness.add_checkpoint(request(size - 1, size)).status == 200
    assert store.read_size(ORIGIN, 3) is None
    assert parse_checkpoint(store.read_size(ORIGIN, 4))[0].size == 4


EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa \
opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""


def test_the_example_of_the_specification_is_read(witness):
    """c2sp.org/tlog-witness, add-checkpoint; the keys of its log are not published."""
    found = parse_add_checkpoint(EXAMPLE.encode())
    assert (found.old_size, len(found.hashes)) == (20852014, 4)
    assert parse_checkpoint(found.checkpoint)[0].size == 20852163
    assert found.encode() == EXAMPLE.encode()
    assert witness.add_checkpoint(EXAMPLE.encode()).status == 404


# ------------------------------------------------------------------------------ subtrees


def subtree_request(start, end, size, by=(MLDSA,), **changes):
    proof = tuple(prove_subtree_consistency(start, end, size, TREE))
    root = MemoryTree([leaf_hash(b"%d" % n) for n in range(start, end)]).root()
    fields = {"root": root, "hashes": proof, **changes}
    return SignSubtree(start, end, fields["root"], fields["hashes"], head(size, by=by)).encode()


def test_subtrees_of_cosigned_checkpoints_are_signed_without_a_time(witness):
    for start, end in ((8, 13), (0, 14), (12, 14), (0, 1)):
        reply = witness.sign_subtree(subtree_request(start, end, 14))
        assert reply.status == 200
        note = parse_note(b"x\n\n" + reply.body)
        root = MemoryTree([leaf_hash(b"%d" % n) for n in range(start, end)]).root()
        line = note.signatures[0].signature
        assert line[:8] == bytes(8)
        verifier = MLDSA44CosignatureVerifier(MLDSA.vkey)
        verifier.verify_subtree(ORIGIN, start, end, root, line)
        with pytest.raises(VerificationFailed):
            verifier.verify_subtree(ORIGIN, start, end, bytes(32), line)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (subtree_request(8, 13, 14).replace(b"subtree 8 13", b"subtree 7 13"), 400),
        (subtree_request(8, 13, 14).replace(b"subtree 8 13", b"subtree 8 15"), 400),
        (subtree_request(8, 13, 14).replace(b"subtree 8 13", b"subtree 8  13"), 400),
        (subtree_request(8, 13, 14, root=bytes(32)), 422),
        (subtree_request(8, 13, 14, hashes=()), 422),
        (subtree_request(8, 13, 14, by=[LOG_SIGNER]), 403),
        (subtree_request(8, 13, 14, by=[WITNESS]), 403),
        (b"subtree 8 13\n", 400),
    ],
)
def test_other_subtrees_are_refused(witness, body, status):
    assert witness.sign_subtree(body).status == status


# ------------------------------------------------------------------------------ the client


class Direct:
    """A witness in this process."""

    def __init__(self, witness):
        self.witness = witness
        self.sent = []

    def post(self, path, body, content_type):
        self.sent.append(body.split(b"\n")[0])
        reply = self.witness.add_checkpoint(body)
        return reply.status, reply.content_type, reply.body


def prove(old, new):
    return prove_consistency(old, new, TREE)


def test_the_client_proves_from_the_size_that_the_witness_names(witness):
    witness.add_checkpoint(request(0, 5))
    transport = Direct(witness)
    client = WitnessClient(transport, [WITNESS.vkey, MLDSA.vkey])
    lines = client.cosign(head(9), prove)
    assert transport.sent == [b"old 0", b"old 5"]
    merged = merge_signatures(head(9), lines)
    keys = [LOG_SIGNER.vkey, WITNESS.vkey, MLDSA.vkey]
    assert len(open_note(merged, verifiers_for(keys)).verified) == 3
    assert merge_signatures(merged, lines) == merged
    client.cosign(head(12), prove)
    assert transport.sent[2:] == [b"old 9"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, "text/plain", b""), "malformed"),
        ((200, "text/plain", b"junk\n"), "malformed"),
        ((200, "text/plain", None), "bad-signature"),
        ((404, "text/plain", b"no\n"), "refused-404"),
        ((409, "text/plain", b"5\n"), "malformed"),
        ((409, "text/x.tlog.size", b"5"), "malformed"),
        ((409, "text/x.tlog.size", b"+5\n"), "malformed"),
        ((409, "text/x.tlog.size", b"10\n"), "ahead"),
        ((409, "text/x.tlog.size", b"5\n"), "refused-409"),
        ((500, "text/plain", b""), "refused-500"),
    ],
)
def test_whatever_a_witness_answers_is_a_typed_failure(answer, reason):
    class Strange:
        def post(self, path, body, content_type):
            status, kind, data = answer
            if data is None:
                data = parse_note(head(8, by=[WITNESS])).signatures[0].line().encode()
            return status, kind, data

    with pytest.raises(WitnessFailed) as caught:
        WitnessClient(Strange(), [WITNESS.vkey]).cosign(head(9), prove)
    assert caught.value.reason == reason


def test_a_cosignature_without_a_time_and_one_of_an_unknown_key_are_not_taken():
    timeless = Ed25519Cosigner(WITNESS.vkey.name, signer("w1"), lambda: 0)

    class Answering:
        def __init__(self, by):
            self.by = by

        def post(self, path, body, content_type):
            lines = parse_note(head(9, by=self.by)).signatures
            return 200, "text/plain", "".join(line.line() for line in lines).encode()

    with pytest.raises(WitnessFailed, match="without a time"):
        WitnessClient(Answering([timeless]), [WITNESS.vkey]).cosign(head(9), prove)
    with pytest.raises(WitnessFailed, match="no trusted key"):
        WitnessClient(Answering([OTHER_WITNESS]), [WITNESS.vkey]).cosign(head(9), prove)
    found = WitnessClient(Answering([OTHER_WITNESS, WITNESS]), [WITNESS.vkey]).cosign(
        head(9), prove
    )
    assert [line.name for line in found] == [WITNESS.vkey.name]


# ------------------------------------------------------------------------------ concurrency


def _attack(path, tree_name, results, seed):
    """Send heads of one branch as fast as possible; collect what was cosigned."""
    witness = Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(path))
    tree = {"tree": TREE, "fork": FORK}[tree_name]
    known = 0
    found = []
    for size in [(seed * 7 + step * 5) % 40 + 1 for step in range(25)]:
        for _ in range(3):
            if known > size:
                break
            reply = witness.add_checkpoint(request(known, size, tree))
            if reply.status == 200:
                found.append((size, tree.root(size)))
            if reply.status != 409:
                known = size if reply.status == 200 else known
                break
            known = int(reply.body)
    results.extend(found)


def _check_one_branch(heads, final):
    """Everything cosigned is a prefix of the last head: no two are inconsistent."""
    assert heads
    trees = [t for t in (TREE, FORK) if t.root(final.size) == final.root]
    assert trees
    for size, root in heads:
        assert size <= final.size
        proof = prove_consistency(size, final.size, trees[0])
        verify_consistency(size, final.size, proof, root, final.root)


def test_threads_never_get_two_branches_cosigned(tmp_path):
    path = tmp_path / "w.sqlite"
    SqliteHeadStore(path)
    results = []
    threads = [
        threading.Thread(target=_attack, args=(path, ("tree", "fork")[n % 2], results, n))
        for n in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    final, _ = parse_checkpoint(SqliteHeadStore(path).read(ORIGIN))
    _check_one_branch(results, final)


def test_processes_never_get_two_branches_cosigned(tmp_path):
    path = tmp_path / "w.sqlite"
    SqliteHeadStore(path)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        results = manager.list()
        workers = [
            context.Process(target=_attack, args=(path, ("tree", "fork")[n % 2], results, n))
            for n in range(4)
        ]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        assert [each.exitcode for each in workers] == [0] * 4
        found = list(results)
    final, _ = parse_checkpoint(SqliteHeadStore(path).read(ORIGIN))
    _check_one_branch(found, final)


def test_the_check_of_branches_sees_two_of_them():
    """The control of the two tests above."""
    final = Checkpoint(ORIGIN, 9, TREE.root(9))
    _check_one_branch([(5, TREE.root(5))], final)
    with pytest.raises(VerificationFailed):
        _check_one_branch([(5, TREE.root(5)), (6, FORK.root(6))], final)


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.01, 0.02, 0.05, 0.1])
def test_a_killed_witness_never_forgets_what_it_answered(tmp_path, delay):
    """The head is on disk before the reply exists, whenever the process dies."""
    path = tmp_path / "w.sqlite"
    SqliteHeadStore(path)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            witness = Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(path))
            for size in range(1, 41):
                if witness.add_checkpoint(request(size - 1, size)).status == 200:
                    os.write(writing, b"%d\n" % size)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        first = pipe.readline()
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        told = [int(line) for line in [first, *pipe.read().split()]]
    os.waitpid(pid, 0)
    head, _ = parse_checkpoint(SqliteHeadStore(path).read(ORIGIN))
    assert head.size >= max(told)
    assert head.root == TREE.root(head.size)
    again = Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(path))
    assert again.add_checkpoint(request(head.size, 40)).status == 200
