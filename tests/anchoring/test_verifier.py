"""The verifier on a real bundle: accepted whole, refused with any byte changed."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from anchoring.bundle import Bundle, build_bundle
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.cosignature import MLDSA44Cosigner
from anchoring.envelope import sign_entry
from anchoring.errors import VerificationFailed
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.note import Ed25519NoteSigner, parse_note
from anchoring.policy import parse_policy
from anchoring.report import CHECKS, Report, Status, Verdict
from anchoring.tlog_proof import TlogProof, parse_tlog_proof
from anchoring.trust import Trust
from anchoring.verifier import Profile, TrustInputs, choose_profile, verify_bundle
from tests.anchoring.support import (
    COSIGNED_AT,
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    OTHER_WITNESS,
    WITNESS,
    envelope,
    make_keys,
    make_policy,
    signer,
)

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def inputs(sample):
    return TrustInputs(parse_policy(sample.policy), sample.keys, sample.trust)


def replace(value, **changes):
    return dataclasses.replace(value, **changes)


def check(bundle, inputs, profile=Profile.TALLYSTICK):
    return verify_bundle(bundle, inputs, profile)


def test_the_bundle_is_verified(sample, inputs):
    report = check(sample.bundle, inputs)
    assert [verdict.status for verdict in report.verdicts] == [Status.OK] * 6
    assert (report.exit_code, report.overall) == (0, "verified")
    assert report.facts["index"] == sample.index
    assert report.facts["block_hash"] == "0x" + sample.evidence.block_hash.hex()


@pytest.mark.parametrize("part", ["event", "proof", "anchor"])
def test_no_changed_byte_is_accepted(sample, inputs, part):
    """Every byte, three bits of it; without the trust file the evidence is never accepted."""
    original = getattr(sample.bundle, part)
    allowed = {"event": {1, 2}, "proof": {1, 2, 3}, "anchor": {1, 2}}[part]
    for at in range(len(original)):
        for mask in (0x01, 0x10, 0x20) if part != "anchor" else (0x01, 0x20):
            changed = bytearray(original)
            changed[at] ^= mask
            report = check(replace(sample.bundle, **{part: bytes(changed)}), inputs)
            assert report.exit_code in allowed, (part, at, mask, report)


@pytest.mark.parametrize("part", ["event", "proof", "anchor"])
def test_no_shortened_or_lengthened_file_is_accepted(sample, inputs, part):
    original = getattr(sample.bundle, part)
    variants = [original[:cut] for cut in range(0, len(original), 17)]
    variants += [original + tail for tail in (b"\n", b" ", b"\x00", original)]
    variants += [original[:at] + b"0" + original[at:] for at in range(0, len(original), 13)]
    for changed in variants:
        report = check(replace(sample.bundle, **{part: changed}), inputs)
        assert report.exit_code in {1, 2}


def test_the_evidence_is_checked_in_itself_even_without_trust(sample, inputs):
    untrusting = replace(inputs, trust=None)
    assert check(sample.bundle, untrusting).exit_code == 4
    original = sample.bundle.anchor
    chain = original.index(b'"chain_id"')
    for at in range(0, len(original), 3):
        changed = bytearray(original)
        changed[at] ^= 1
        report = check(replace(sample.bundle, anchor=bytes(changed)), untrusting)
        # Only the chain's id is not bound to the header; it takes a trust file to compare it.
        assert report.exit_code in ({2, 4} if chain <= at < chain + 20 else {1, 2})


def test_another_entry_of_the_same_log_is_refused(sample, inputs):
    report = check(replace(sample.bundle, event=sample.entries[sample.index + 1]), inputs)
    assert report["inclusion"].status is Status.FAILED
    assert report["signature"].status is Status.OK
    assert report.exit_code == 1


def test_without_evidence_it_is_valid_but_not_anchored(sample, inputs):
    report = check(replace(sample.bundle, anchor=None), inputs)
    assert (report.exit_code, report["anchor"].status) == (4, Status.NOT_ANCHORED)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"blocks": {}}, 4),
        ({"blocks": {10**6: bytes(32)}}, 4),
        ({"chain_id": 1}, 1),
        ({"registry": bytes(20)}, 1),
        ({"code_hash": bytes(32)}, 1),
    ],
)
def test_what_the_trust_file_says_counts(sample, inputs, change, code):
    report = check(sample.bundle, replace(inputs, trust=replace(sample.trust, **change)))
    assert report.exit_code == code


def test_another_block_at_the_trusted_number_is_refused(sample, inputs):
    blocks = {sample.evidence.block_number: bytes(32)}
    report = check(sample.bundle, replace(inputs, trust=replace(sample.trust, blocks=blocks)))
    assert report["anchor"].status is Status.FAILED


def test_a_chain_node_can_vouch_for_a_final_block(chain, sample, inputs):
    bare = Trust(sample.trust.chain_id, sample.trust.registry)
    assert check(sample.bundle, replace(inputs, trust=bare, rpc=chain.rpc)).exit_code == 0
    both = check(sample.bundle, replace(inputs, rpc=chain.rpc))
    assert "trust file and the chain node" in both["anchor"].detail


@pytest.mark.parametrize(
    ("method", "answer", "code"),
    [
        ("eth_chainId", "0x1", 1),
        ("eth_getBlockByNumber", {"hash": "0x" + "00" * 32, "number": "0xff"}, 1),
        ("eth_getBlockByNumber", None, 4),
        ("eth_chainId", "junk", 4),
    ],
)
def test_a_chain_node_that_contradicts_or_does_not_know(
    chain, sample, inputs, method, answer, code
):
    def rpc(name, params):
        return answer if name == method else chain.rpc(name, params)

    assert check(sample.bundle, replace(inputs, rpc=rpc)).exit_code == code


def test_a_block_that_is_not_final_is_not_yet_an_anchor(chain, sample, inputs):
    def rpc(name, params):
        if params and params[0] == "finalized":
            return {"number": hex(sample.evidence.block_number - 1)}
        return chain.rpc(name, params)

    report = check(sample.bundle, replace(inputs, rpc=rpc))
    assert (report.exit_code, "not final" in report["anchor"].detail) == (4, True)


def test_a_chain_node_alone_names_no_registry(chain, sample, inputs):
    report = check(sample.bundle, replace(inputs, trust=None, rpc=chain.rpc))
    assert report["anchor"].status is Status.NOT_ANCHORED


def test_too_few_witnesses(sample, inputs):
    strict = replace(inputs, policy=parse_policy(make_policy("both")))
    report = check(sample.bundle, strict)
    assert (report.exit_code, report["witnesses"].status) == (3, Status.NOT_MET)
    relaxed = replace(inputs, policy=parse_policy(make_policy("none")))
    assert check(sample.bundle, relaxed).exit_code == 0


def with_checkpoint(sample, signers, checkpoint=None):
    """The same proof under other signature lines."""
    proof = parse_tlog_proof(sample.bundle.proof)
    head = checkpoint or Checkpoint(ORIGIN, sample.evidence.size, sample.evidence.root)
    signed = sign_checkpoint(head, signers)
    return replace(sample.bundle, proof=replace(proof, checkpoint=signed).encode())


STRANGER = Ed25519NoteSigner("stranger.example", signer("stranger"))


def test_an_unknown_line_is_refused_in_ours_and_counted_in_others(sample, inputs):
    bundle = with_checkpoint(sample, [LOG_SIGNER, WITNESS, STRANGER])
    assert check(bundle, inputs)["checkpoint"].status is Status.FAILED
    report = check(bundle, inputs, Profile.C2SP)
    assert (report.exit_code, report.ignored_signatures) == (0, 1)
    assert report["entry"].status is Status.NOT_CHECKED


def test_a_repeated_line_is_refused_in_ours(sample, inputs):
    bundle = with_checkpoint(sample, [LOG_SIGNER, WITNESS, WITNESS])
    assert check(bundle, inputs).exit_code == 1
    assert check(bundle, inputs, Profile.C2SP).exit_code == 0


@pytest.mark.parametrize("profile", list(Profile))
def test_without_the_logs_signature_nothing_counts(sample, inputs, profile):
    report = check(with_checkpoint(sample, [WITNESS, OTHER_WITNESS]), inputs, profile)
    assert report["checkpoint"].status is Status.FAILED
    report = check(with_checkpoint(sample, [STRANGER]), inputs, profile)
    assert report["checkpoint"].status is Status.FAILED
    assert report["witnesses"].status is Status.NOT_CHECKED


@pytest.mark.parametrize("profile", list(Profile))
def test_a_known_but_invalid_line_spoils_the_checkpoint(sample, inputs, profile):
    proof = parse_tlog_proof(sample.bundle.proof)
    note = parse_note(proof.checkpoint)
    bad = replace(note.signatures[1], signature=bytes(72))
    checkpoint = replace(note, signatures=(note.signatures[0], bad)).encode()
    bundle = replace(sample.bundle, proof=replace(proof, checkpoint=checkpoint).encode())
    assert check(bundle, inputs, profile).exit_code == 1


def test_extra_and_extension_lines_are_not_ours(sample, inputs):
    proof = parse_tlog_proof(sample.bundle.proof)
    bundle = replace(sample.bundle, proof=replace(proof, extra=b"x").encode())
    assert check(bundle, inputs).exit_code == 2
    assert check(bundle, inputs, Profile.C2SP).exit_code == 0
    head = Checkpoint(ORIGIN, sample.evidence.size, sample.evidence.root, ("more",))
    bundle = with_checkpoint(sample, [LOG_SIGNER, WITNESS], head)
    assert check(bundle, inputs).exit_code == 2
    assert check(bundle, inputs, Profile.C2SP).exit_code == 0


def test_the_logs_post_quantum_signature_cannot_be_stripped(sample, inputs):
    second = MLDSA44Cosigner(
        ORIGIN, MLDSA44PrivateKey.from_seed_bytes(bytes(32)), lambda: COSIGNED_AT
    )
    policy = parse_policy(make_policy() + f"log {second.vkey}\n".encode())
    both = replace(inputs, policy=policy)
    assert check(with_checkpoint(sample, [LOG_SIGNER, WITNESS, second]), both).exit_code == 0
    assert check(sample.bundle, both)["checkpoint"].status is Status.FAILED


def test_an_event_key_out_of_its_range_or_unknown(sample, inputs):
    retired = replace(inputs, keys=make_keys(last=sample.index - 1))
    assert check(sample.bundle, retired)["signature"].status is Status.FAILED
    assert check(sample.bundle, replace(inputs, keys=make_keys(sample.index))).exit_code == 0
    assert check(sample.bundle, replace(inputs, keys=None))["signature"].status is Status.FAILED
    assert check(sample.bundle, replace(inputs, keys=b"junk")).exit_code == 2


def test_a_keys_file_that_the_log_did_not_sign(sample, inputs):
    forger = Ed25519NoteSigner(ORIGIN, signer("forger"))
    report = check(sample.bundle, replace(inputs, keys=make_keys(signer_of=forger)))
    assert report["signature"].status is Status.FAILED


def test_a_log_that_the_policy_does_not_know(sample, inputs):
    policy = parse_policy(f"log {STRANGER.vkey}\nquorum none\n".encode())
    report = check(sample.bundle, replace(inputs, policy=policy))
    assert (report.exit_code, report["checkpoint"].status) == (1, Status.FAILED)


def test_an_event_of_another_log_in_this_tree(sample, inputs):
    entry = sign_entry(envelope(1, origin="other.example"), EVENT_SIGNER)
    tree = MemoryTree([leaf_hash(entry)])
    signed = sign_checkpoint(Checkpoint(ORIGIN, 1, tree.root()), [LOG_SIGNER, WITNESS])
    report = check(build_bundle(entry, 0, signed, tree), inputs)
    assert report["entry"].status is Status.FAILED
    assert report["inclusion"].status is Status.OK


def test_evidence_for_another_size_is_refused(sample, inputs):
    """The same log, one entry later: the chain says nothing about that checkpoint."""
    entries = [*sample.entries, sign_entry(envelope(99), EVENT_SIGNER)]
    tree = MemoryTree([leaf_hash(entry) for entry in entries])
    head = Checkpoint(ORIGIN, len(entries), tree.root())
    signed = sign_checkpoint(head, [LOG_SIGNER, WITNESS])
    bundle = build_bundle(entries[0], 0, signed, tree)
    report = check(replace(bundle, anchor=sample.bundle.anchor), inputs)
    assert (report.exit_code, report["anchor"].status) == (1, Status.FAILED)
    with pytest.raises(VerificationFailed):
        build_bundle(entries[0], 0, signed, tree, sample.evidence)


def test_a_wrong_proof_is_never_given_out(sample):
    tree = MemoryTree([leaf_hash(entry) for entry in sample.entries])
    checkpoint = parse_tlog_proof(sample.bundle.proof).checkpoint
    with pytest.raises(VerificationFailed):
        build_bundle(sample.entries[0], 1, checkpoint, tree)


def test_junk_is_malformed_and_never_raises(inputs):
    for data in (b"", b"\x00", b"{}", b"\xff" * 100, b"[" * 60_000):
        report = check(Bundle(data, data, data), inputs)
        assert report.exit_code == 2
    empty = TlogProof(0, (), sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), [LOG_SIGNER]))
    assert check(Bundle(b"", empty.encode()), inputs).exit_code == 2


def test_the_lenient_profile_cannot_be_chosen_by_changing_bytes(sample):
    foreign = replace(sample.bundle, event=b"any bytes")
    assert choose_profile(sample.bundle, sample.keys) is Profile.TALLYSTICK
    assert choose_profile(foreign, sample.keys) is Profile.TALLYSTICK
    assert choose_profile(sample.bundle, None) is Profile.TALLYSTICK
    assert choose_profile(foreign, None) is Profile.C2SP


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 0),
        ([Status.NOT_CHECKED], 0),
        ([Status.NOT_ANCHORED], 4),
        ([Status.NOT_ANCHORED, Status.NOT_MET], 3),
        ([Status.NOT_ANCHORED, Status.NOT_MET, Status.FAILED], 1),
        ([Status.NOT_ANCHORED, Status.NOT_MET, Status.FAILED, Status.MALFORMED], 2),
    ],
)
def test_precedence_of_the_exit_codes(statuses, code):
    found = [*statuses, *([Status.OK] * (6 - len(statuses)))]
    verdicts = tuple(Verdict(name, status, "") for name, status in zip(CHECKS, found, strict=True))
    assert Report(verdicts).exit_code == code
