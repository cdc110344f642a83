"""The commands: exit codes, one JSON document, and no traceback for whatever lies on disk."""

import json

import pytest
from typer.testing import CliRunner

from anchoring.bundle import read_bundle, write_bundle, write_trust_inputs
from anchoring.cli import app
from anchoring.errors import MalformedInput
from tests.anchoring.log_support import LogBuilder
from tests.anchoring.support import make_policy

pytestmark = pytest.mark.chain

run = CliRunner().invoke


@pytest.fixture
def proof(sample, tmp_path):
    path = write_bundle(tmp_path, "trade-1", sample.bundle)
    write_trust_inputs(tmp_path, sample.policy, sample.keys, sample.trust.encode())
    return path


def verify(proof, *options):
    result = run(app, ["verify", str(proof), *map(str, options)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def test_files_beside_the_proof_are_used_and_named(proof):
    result = verify(proof)
    assert result.exit_code == 0
    for text in ("verified", "policy.txt (beside", "keys (beside", "trust (beside", "block"):
        assert text in result.stdout
    for check in ("entry", "signature", "inclusion", "checkpoint", "witnesses", "anchor"):
        assert check in result.stdout


def test_json_is_one_document(proof):
    result = verify(proof, "--json")
    document = json.loads(result.stdout)
    assert (document["exit_code"], document["overall"]) == (0, "verified")
    assert {item["status"] for item in document["verdicts"].values()} == {"ok"}
    assert document["inputs"]["keys"].startswith(str(proof.parent / "keys"))


def test_files_given_elsewhere_are_used(proof, tmp_path):
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    options = []
    names = {"event": "trade-1.event", "anchor": "trade-1.anchor", "policy": "policy.txt"}
    for option, name in (names | {"keys": "keys", "trust": "trust"}).items():
        (proof.parent / name).rename(elsewhere / name)
        options += [f"--{option}", elsewhere / name]
    assert verify(proof).exit_code == 2
    result = verify(proof, *options)
    assert result.exit_code == 0
    assert "(given)" in result.stdout


@pytest.mark.parametrize("name", ["trade-1.anchor", "trust"])
def test_without_evidence_or_trust_it_is_not_anchored(proof, name):
    (proof.parent / name).unlink()
    result = verify(proof)
    assert result.exit_code == 4
    assert "valid but not anchored" in result.stdout


@pytest.mark.parametrize("name", ["trade-1.event", "trade-1.tlog-proof", "policy.txt", "keys"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_missing_file_is_one_line_and_exit_2(proof, name, flags):
    (proof.parent / name).unlink()
    result = verify(proof, *flags)
    assert result.exit_code == 2
    if flags:
        assert json.loads(result.stdout)["exit_code"] == 2
    else:
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert name in result.stderr


@pytest.mark.parametrize("option", ["--event", "--anchor", "--policy", "--keys", "--trust"])
def test_a_named_file_must_exist(proof, option):
    assert verify(proof, option, proof.parent / "no-such-file").exit_code == 2
    assert verify(proof, option, proof.parent).exit_code == 2


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("trade-1.event", {2}),
        ("trade-1.tlog-proof", {2}),
        ("trade-1.anchor", {2}),
        ("policy.txt", {2}),
        ("keys", {2}),
        ("trust", {2}),
    ],
)
@pytest.mark.parametrize("junk", [b"", b"junk", b"\xff\x00", b"[" * 60_000])
def test_malformed_files(proof, name, codes, junk):
    (proof.parent / name).write_bytes(junk)
    assert verify(proof).exit_code in codes
    assert json.loads(verify(proof, "--json").stdout)["exit_code"] in codes


def test_a_tampered_event_fails(proof, sample):
    (proof.parent / "trade-1.event").write_bytes(sample.entries[0])
    assert verify(proof).exit_code == 1


def test_a_quorum_that_is_not_reached(proof):
    (proof.parent / "policy.txt").write_bytes(make_policy("both"))
    result = verify(proof)
    assert result.exit_code == 3
    assert "policy not met" in result.stdout


def test_a_chain_node_serves_as_trust(proof, chain, sample):
    trust = sample.trust.encode().split(b"block ")[0]
    (proof.parent / "trust").write_bytes(trust)
    assert verify(proof).exit_code == 4
    assert verify(proof, "--rpc", chain.rpc.url).exit_code == 0
    assert verify(proof, "--rpc", "http://127.0.0.1:1").exit_code == 4
    assert verify(proof, "--rpc", "not a url").exit_code == 4


def test_the_foreign_profile_reads_any_entry(proof):
    result = verify(proof, "--profile", "c2sp")
    assert (result.exit_code, "not-checked" in result.stdout) == (0, True)
    assert verify(proof, "--profile", "nonsense").exit_code == 2


def test_bundles_read_back_and_names_stay_in_the_folder(sample, tmp_path):
    assert read_bundle(write_bundle(tmp_path, "a.b", sample.bundle)) == sample.bundle
    for name in ("", "../x", "a/b"):
        with pytest.raises(MalformedInput):
            write_bundle(tmp_path, name, sample.bundle)


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "log"
    LogBuilder().fill(300, streams=3).publish(folder)
    return folder


def test_verify_log_on_a_folder(log):
    result = run(app, ["verify-log", str(log)])
    assert result.exit_code == 0
    assert "the log holds" in result.stdout
    document = json.loads(run(app, ["verify-log", str(log), "--json"]).stdout)
    assert (document["entries"], document["streams"], document["problem"]) == (300, 4, None)


def test_verify_log_names_the_first_problem(log):
    (log / "tile/0/001.p/44").unlink()
    result = run(app, ["verify-log", str(log), "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problem"]["where"] == "tile/0/001.p/44"
    assert "tile/0/001.p/44" in run(app, ["verify-log", str(log)]).stdout


@pytest.mark.parametrize("name", ["checkpoint", "policy.txt", "keys"])
def test_verify_log_without_its_inputs(log, name):
    (log / name).unlink()
    result = run(app, ["verify-log", str(log)])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_verify_log_of_nothing(tmp_path):
    assert run(app, ["verify-log", str(tmp_path / "no")]).exit_code == 2
    assert run(app, ["verify-log", "http://127.0.0.1:1/log"]).exit_code == 2


def test_verify_log_against_the_registry(log, chain, tmp_path):
    registry = chain.deploy_registry()
    chain.anchor(registry, 256, bytes(32))
    trust = tmp_path / "trust"
    text = f"tallystick trust v1\nchain 31337\nregistry 0x{registry.hex()}\n"
    trust.write_text(text)
    result = run(
        app, ["verify-log", str(log), "--trust", str(trust), "--rpc", chain.rpc.url, "--json"]
    )
    assert json.loads(result.stdout)["problem"]["where"] == "head of size 256"
    assert run(app, ["verify-log", str(log), "--rpc", chain.rpc.url]).exit_code == 2
