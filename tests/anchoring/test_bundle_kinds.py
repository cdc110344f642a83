"""Bundles of every kind on disk and on the command line; with chain evidence, on a real chain."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from anchoring.bundle import (
    Bundle,
    EventsBundle,
    PersonalFiles,
    build_batch,
    build_bundle,
    build_range,
    read_any_bundle,
    read_bundle,
    write_bundle,
    write_trust_inputs,
)
from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.cli import app
from anchoring.envelope import parse_entry
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.ethproof import build_anchor
from anchoring.events_file import encode_events
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.policy import parse_policy
from anchoring.proof_kinds import ProofKind, proof_kind, read_claim
from anchoring.report import Status
from anchoring.trust import Trust
from anchoring.verifier import Profile, TrustInputs, choose_profile, verify_bundle
from scripts.vectors.log import (
    ACME,
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    OTHER_EVENT_SIGNER,
    WITNESS,
    VectorLog,
    keys_file,
    policy_file,
)
from scripts.vectors.story import ACCOUNT, VALUES, tell
from tests.anchoring.test_every_bit import (
    INPUTS,
    erased,
    small_batch,
    small_range,
    small_stream,
    stream_bundle,
)

run = CliRunner().invoke
KINDS = {
    "tlog-proof": erased,
    "tlog-batch": small_batch,
    "tlog-range": small_range,
    "stream": small_stream,
}


def verify(proof, *options):
    result = run(app, ["verify", str(proof), *map(str, options)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def put(folder, bundle, name="it"):
    write_trust_inputs(folder, policy_file(), keys_file(), None)
    return write_bundle(folder, name, bundle)


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_reads_back_and_is_told_by_its_first_line(ending, tmp_path):
    bundle = KINDS[ending]()
    path = put(tmp_path, bundle)
    assert path.name == f"it.{ending}"
    assert read_any_bundle(path)[0] == bundle
    assert verify(path).exit_code == 4
    renamed = path.rename(tmp_path / "other-name")
    found = {f"--{name}": tmp_path / file for name, file in OTHERS[ending].items()}
    given = [word for pair in found.items() for word in pair]
    assert verify(renamed, *given).exit_code == 4


OTHERS = {
    "tlog-proof": {
        "event": "it.event",
        "personal": "it.personal",
        "erasure": "it.erasure.tlog-proof",
    },
    "tlog-batch": {"events": "it.events"},
    "tlog-range": {"events": "it.events"},
    "stream": {"events": "it.events", "batch": "it.tlog-batch"},
}


@pytest.mark.parametrize("ending", KINDS)
def test_the_files_beside_are_named_in_the_output(ending, tmp_path):
    path = put(tmp_path, KINDS[ending]())
    document = json.loads(verify(path, "--json").stdout)
    sources = document["inputs"]
    assert sources["policy"].startswith(f"{tmp_path / 'policy.txt'} (beside")
    for name, file in OTHERS[ending].items():
        name = "erasures" if name == "erasure" else name
        assert sources[name] == str(tmp_path / file)
    for name in sources:
        assert name in verify(path).stdout


@pytest.mark.parametrize("ending", KINDS)
def test_a_missing_file_is_malformed_and_named(ending, tmp_path):
    path = put(tmp_path, KINDS[ending]())
    for name, file in OTHERS[ending].items():
        if name in ("personal", "erasure"):
            continue
        moved = (tmp_path / file).rename(tmp_path / "away")
        result = verify(path)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert file in result.stderr
        moved.rename(tmp_path / file)
    assert verify(path).exit_code == 4


@pytest.mark.parametrize("option", ["event", "events", "batch", "anchor", "personal", "erasure"])
@pytest.mark.parametrize("ending", KINDS)
def test_a_named_file_must_exist_and_be_of_use(ending, option, tmp_path):
    path = put(tmp_path, KINDS[ending]())
    assert verify(path, f"--{option}", tmp_path / "no-such-file").exit_code == 2


def test_an_option_of_another_kind_is_refused(tmp_path):
    single, many = put(tmp_path, erased(), "one"), put(tmp_path, small_batch(), "many")
    events, event = tmp_path / "many.events", tmp_path / "one.event"
    assert verify(many, "--events", events).exit_code == 4
    assert "takes --events" in verify(many, "--event", event).stderr
    assert "takes --event," in verify(single, "--events", events).stderr
    assert "takes --batch" in verify(many, "--batch", many).stderr


@pytest.mark.parametrize("line", ["c2sp.org/tlog-proof@v2", "tallystick/batch@v2", "", "x"])
def test_an_unknown_first_line_is_malformed(line, tmp_path):
    path = put(tmp_path, erased())
    body = path.read_bytes().partition(b"\n")[2]
    path.write_bytes(line.encode() + b"\n" + body)
    result = verify(path)
    assert (result.exit_code, "first line" in result.stderr) == (2, True)
    assert json.loads(verify(path, "--json").stdout)["exit_code"] == 2
    with pytest.raises(MalformedInput):
        read_claim(path.read_bytes())


def test_a_header_without_a_newline_names_no_kind():
    assert proof_kind(b"tallystick/stream@v1\n") is ProofKind.STREAM
    for data in (b"", b"tallystick/stream@v1", b"tallystick/stream@v1 \n"):
        with pytest.raises(MalformedInput):
            proof_kind(data)
    with pytest.raises(MalformedInput):
        read_claim(small_stream().stream or b"")


def test_a_stream_is_told_in_words(tmp_path):
    story = tell()
    path = put(tmp_path, stream_bundle(story.log, ACME, ACCOUNT, story.index))
    sentence = "complete: 4 events of account-1 among the first 12 entries (index at entry 12)"
    assert sentence in verify(path).stdout
    document = json.loads(verify(path, "--json").stdout)
    assert document["verdicts"]["completeness"] == {"status": "ok", "detail": sentence}
    assert (document["facts"]["tenant"], document["facts"]["stream"]) == (ACME, ACCOUNT)
    assert (document["facts"]["count"], document["facts"]["index_size"]) == (4, 12)
    batch = verify(tmp_path / "it.tlog-batch", "--json")
    assert "completeness" not in json.loads(batch.stdout)["verdicts"]


def test_the_stream_that_was_asked_about_is_the_one_that_is_shown(tmp_path):
    story = tell()
    path = put(tmp_path, stream_bundle(story.log, ACME, "nothing-0", story.index))
    for options, code in (
        (["--stream", "nothing-0"], 4),
        (["--stream", "nothing-0", "--tenant", ACME], 4),
        (["--stream", "nothing-1"], 1),
        (["--tenant", "other"], 1),
        (["--stream", ""], 1),
    ):
        assert verify(path, *options).exit_code == code
    assert "the proof is of stream nothing-0" in verify(path, "--stream", ACCOUNT).stdout
    result = verify(tmp_path / "it.tlog-batch", "--stream", "nothing-0")
    assert (result.exit_code, "only a stream proof" in result.stderr) == (2, True)
    single = put(tmp_path, erased(), "one")
    assert verify(single, "--tenant", ACME).exit_code == 2


def test_personal_data_is_told_in_words(tmp_path):
    path = put(tmp_path, erased())
    document = json.loads(verify(path, "--json").stdout)
    assert document["verdicts"]["personal"]["detail"] == (
        "email erased by entry 13; name disclosed and erased by entry 13; phone disclosed"
    )
    (tmp_path / "it.personal").unlink()
    (tmp_path / "it.erasure.tlog-proof").unlink()
    assert "it.erasure.event has no proof" in verify(path).stderr
    (tmp_path / "it.erasure.event").unlink()
    assert "email withheld; name withheld; phone withheld" in verify(path).stdout


def test_several_erasures_lie_beside_one_proof(tmp_path):
    story = tell()
    log = story.log
    one, two = (
        build_bundle(log.entries[at], at, log.checkpoint(), log.tree)
        for at in (story.erasure, story.other_erasure)
    )
    contacts = [story.contact, story.other_contact]
    bundle = build_batch([log.entries[at] for at in contacts], contacts, log.checkpoint(), log.tree)
    both = replace(bundle, erasures=(one, two))
    path = put(tmp_path, both)
    assert read_any_bundle(path)[0] == both
    for contact, erasure in zip(contacts, (story.erasure, story.other_erasure), strict=True):
        assert f"email of entry {contact} erased by entry {erasure}" in verify(path).stdout
    shown = verify(path, "--erasure", tmp_path / "it.erasure-2.tlog-proof").stdout
    assert f"phone of entry {story.contact} withheld; email of entry {story.other_contact}" in shown
    assert f"erased by entry {story.other_erasure}" in shown
    assert f"erased by entry {story.erasure}" not in shown
    put(tmp_path, replace(bundle, erasures=(one,)))
    assert read_any_bundle(path)[0] == replace(bundle, erasures=(one,))


def test_what_is_left_of_an_older_bundle_of_the_name_is_removed(tmp_path):
    put(tmp_path, erased())
    bare = replace(erased(), personal=None, erasures=())
    assert read_any_bundle(put(tmp_path, bare))[0] == bare


def test_the_first_bad_entry_of_many_is_named():
    log = tell().log
    bad = log.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"}, OTHER_EVENT_SIGNER)
    log.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"}, OTHER_EVENT_SIGNER)
    foreign = log.append(ACME, ACCOUNT, "x", {}, origin="other.example")
    shown = [1, 3, bad, bad + 1, foreign]
    entries = [log.entries[at] for at in shown]
    report = verify_bundle(build_batch(entries, shown, log.checkpoint(), log.tree), INPUTS)
    assert report["signature"].status is Status.FAILED
    assert report["signature"].detail.startswith(f"entry {bad}: ")
    assert report["entry"].detail == f"entry {foreign}: the event is of another log"
    good = verify_bundle(small_batch(), INPUTS)
    assert good["entry"].detail == "2 entries"
    assert good["signature"].detail == f"2 signatures by event key {EVENT_SIGNER.key_id}"
    assert good["inclusion"].detail == "2 entries, 1 to 6, of 16"
    junk = log.add(b"no event")
    many = build_range(log.entries[junk - 2 :], junk - 2, log.checkpoint(), log.tree)
    report = verify_bundle(many, INPUTS)
    assert report["entry"].status is Status.MALFORMED
    assert report["entry"].detail.startswith(f"entry {junk}: ")
    assert report["inclusion"].status is Status.OK


def test_a_key_counts_for_its_entries_only():
    """In a batch each entry is held to the key's range by its own index."""
    batch = small_batch()
    for last, code in ((6, 4), (5, 1), (0, 1)):
        keys = EventKeys(ORIGIN, (EventKey(EVENT_SIGNER.public_key, 0, last),))
        inputs = replace(INPUTS, keys=write_event_keys(keys, [LOG_SIGNER]))
        assert verify_bundle(batch, inputs).exit_code == code


@pytest.mark.parametrize("make", [small_batch, small_range])
def test_our_own_kinds_are_read_strictly_unless_told_otherwise(make):
    bundle = make()
    assert choose_profile(bundle, None) is Profile.TALLYSTICK
    report = verify_bundle(bundle, replace(INPUTS, keys=None), Profile.C2SP)
    assert report.exit_code == 4
    assert report["entry"].status is Status.NOT_CHECKED
    assert report["inclusion"].status is Status.OK


def test_a_batch_of_bytes_without_meaning_serves_the_lenient_profile():
    entries = [b"a", b"bc", b""]
    tree = MemoryTree([leaf_hash(entry) for entry in entries])
    log = tell().log
    log.entries, log.tree = entries, tree
    bundle = build_batch(entries, [0, 1, 2], log.checkpoint(), tree)
    assert verify_bundle(bundle, INPUTS, Profile.C2SP).exit_code == 4
    assert verify_bundle(bundle, INPUTS).exit_code == 2


def test_an_erasure_that_a_witness_did_not_sign_does_not_count():
    story = tell()
    log = story.log
    bare = log.checkpoint().rpartition("\u2014".encode())[0]
    erasure = build_bundle(log.entries[story.erasure], story.erasure, bare, log.tree)
    bundle = replace(erased(), erasures=(erasure,))
    report = verify_bundle(bundle, INPUTS)
    assert (report.exit_code, report["personal"].status) == (3, Status.NOT_MET)


def test_an_erasure_of_another_log_does_not_count():
    other = verify_bundle(erased(), replace(INPUTS, policy=parse_policy(b"quorum none\n")))
    assert other["personal"].status is Status.FAILED
    assert verify_bundle(erased(), INPUTS)["personal"].status is Status.OK


def test_personal_files_of_a_foreign_entry_are_not_read():
    report = verify_bundle(erased(), INPUTS, Profile.C2SP)
    assert report["personal"].status is Status.NOT_CHECKED


def test_a_wrong_batch_or_range_is_never_given_out():
    log = tell().log
    checkpoint = log.checkpoint()
    build_batch(log.entries[1:3], [1, 2], checkpoint, log.tree)
    build_range(log.entries[1:3], 1, checkpoint, log.tree)
    for indices in ([1, 3], [2, 1], [1], [15, 16]):
        with pytest.raises((VerificationFailed, MalformedInput)):
            build_batch(log.entries[1:3], indices, checkpoint, log.tree)
    for start in (2, 15, -1):
        with pytest.raises((VerificationFailed, MalformedInput)):
            build_range(log.entries[1:3], start, checkpoint, log.tree)
    with pytest.raises(MalformedInput):
        build_range([], 1, checkpoint, log.tree)


def test_a_proof_of_one_does_not_serve_a_file_of_events():
    bundle = erased()
    many = EventsBundle(encode_events([bundle.event]), bundle.proof)
    report = verify_bundle(many, INPUTS)
    assert report["inclusion"].status is Status.MALFORMED
    assert "proof of one" in report["inclusion"].detail


def test_a_stream_is_proven_by_a_batch_even_where_a_range_would_do():
    log = VectorLog()
    log.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"})
    good = stream_bundle(log, ACME, ACCOUNT, log.commit_index())
    assert verify_bundle(good, INPUTS).exit_code == 4
    other = build_range(log.entries, 0, log.checkpoint(), log.tree)
    report = verify_bundle(replace(good, proof=other.proof), INPUTS)
    assert report["inclusion"].status is Status.MALFORMED
    assert report.exit_code == 2


@pytest.mark.parametrize(("profile", "code"), [(Profile.TALLYSTICK, 2), (Profile.C2SP, 4)])
def test_extension_lines_are_not_ours_in_a_batch_either(profile, code):
    log = tell().log
    head = Checkpoint(ORIGIN, len(log.entries), log.tree.root(), ("more",))
    signed = sign_checkpoint(head, [LOG_SIGNER, WITNESS])
    bundle = build_batch(log.entries[1:3], [1, 2], signed, log.tree)
    assert verify_bundle(bundle, INPUTS, profile).exit_code == code


def test_a_proof_of_many_is_none_of_one(tmp_path):
    with pytest.raises(MalformedInput, match="many"):
        read_bundle(put(tmp_path, small_batch()))


@pytest.mark.parametrize("data", [b"", b"\x00", b"[" * 60_000, b"\xff" * 100])
def test_junk_is_malformed_and_never_raises(data):
    bundles = [EventsBundle(data, data), EventsBundle(data, data, data, data, data)]
    bundles.append(Bundle(data, data, data, data, (Bundle(data, data),)))
    bundles.append(replace(small_stream(), stream=data))
    bundles.append(replace(small_batch(), personal=data))
    for bundle in bundles:
        assert verify_bundle(bundle, INPUTS).exit_code == 2


@pytest.mark.chain
def test_every_kind_is_verified_whole_with_chain_evidence(chain, tmp_path):
    story = tell()
    log = story.log
    head, _ = parse_checkpoint(log.checkpoint())
    registry = chain.deploy_registry()
    block = chain.anchor(registry, head.size, head.root)
    evidence = build_anchor(chain.rpc, registry, block)
    trust = Trust(evidence.chain_id, registry, {block: evidence.block_hash})
    write_trust_inputs(tmp_path, policy_file(), keys_file(), trust.encode())
    checkpoint, shown = log.checkpoint(), [1, 3, story.contact]
    bundles = {
        "batch": build_batch(
            [log.entries[at] for at in shown], shown, checkpoint, log.tree, evidence
        ),
        "range": build_range(log.entries[3:9], 3, checkpoint, log.tree, evidence),
        "stream": replace(stream_bundle(log, ACME, ACCOUNT, story.index), anchor=evidence.encode()),
        "erased": replace(erased(), anchor=evidence.encode()),
    }
    for name, bundle in bundles.items():
        path = write_bundle(tmp_path, name, bundle)
        result = verify(path)
        assert result.exit_code == 0, result.output
        inputs = TrustInputs(parse_policy(policy_file()), keys_file(), trust)
        other = replace(bundle, anchor=evidence.encode().replace(b'"size":16', b'"size":15'))
        assert verify_bundle(other, inputs).exit_code == 1
    early = log.checkpoint(9)
    with pytest.raises(VerificationFailed):
        build_batch([log.entries[1]], [1], early, log.tree, evidence)


def test_personal_files_are_built_with_the_proof():
    story = tell()
    log, at = story.log, story.contact
    personal = PersonalFiles({"email": VALUES["email"]})
    bundle = build_bundle(log.entries[at], at, log.checkpoint(), log.tree, None, personal)
    assert verify_bundle(bundle, INPUTS)["personal"].detail.startswith("email disclosed")
    assert "personal" in parse_entry(bundle.event).envelope.payload


def test_a_file_without_end_is_refused(tmp_path):
    """A bundle comes from someone else, and may hold a link to a device."""
    path = put(tmp_path, small_batch())
    events = path.with_name("it.events")
    events.unlink()
    events.symlink_to("/dev/zero")
    result = verify(path)
    assert result.exit_code == 2
    assert "longer than 64 MiB" in result.stderr


def test_names_in_a_bundle_cannot_steer_the_terminal(tmp_path):
    log = VectorLog()
    log.append(ACME, "account\x1b[2J\x1b[Hverified\u202e", "cash.deposited", {"amount": "1.00"})
    bundle = build_bundle(log.entries[0], 0, log.checkpoint(), log.tree)
    result = verify(put(tmp_path, bundle))
    assert r"account\x1b[2J\x1b[Hverified\u202e version 1" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\u202e" not in result.stdout


def test_a_value_beside_many_events_is_said_to_be_of_its_own():
    """Else a value of one person's event could be passed off as another's."""
    story = tell()
    log = story.log
    places = [story.contact, story.other_contact]
    entries = [log.entries[at] for at in places]
    personal = PersonalFiles({"email": VALUES["email"]})
    bundle = build_batch(entries, places, log.checkpoint(), log.tree, None, personal)
    detail = verify_bundle(bundle, INPUTS)["personal"].detail
    assert f"email of entry {story.contact} disclosed" in detail
    assert f"email of entry {story.other_contact} withheld" in detail
