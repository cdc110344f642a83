"""Key files at rest: encrypted where a passphrase is set, replaced whole, refused when wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anchoring.signing import Ed25519Signer, RotatingSigner
from backend.cli import application
from backend.kernel.errors import KeyUnavailable
from backend.platform.home import Home
from backend.platform.key_files import chain_keys, encrypt_all, event_keys
from backend.settlement.wallet import create_keystore, load_keystore

ORIGIN = "test.example/keys"
SECRET = "correct horse battery staple"


def make(folder: Path, passphrase: str | None = None) -> Home:
    home = Home(folder, passphrase)
    home.make()
    return home


def fill(home: Home) -> dict[str, str]:
    """One key of every kind; their public halves."""
    created = create_keystore(home.keys / "anchorer.json", home.passphrase(), kdf="pbkdf2")
    return {
        "event": home.event_signer("api").key_id,
        "log": str(home.log_signer(ORIGIN).vkey),
        "more": str(home.new_log_key(ORIGIN).vkey),
        "pq": str(home.post_quantum_signer(ORIGIN).vkey),
        "chain": created,
    }


def read(home: Home) -> dict[str, str]:
    first, more, pq = sorted(
        home.log_signers(ORIGIN), key=lambda each: (each.vkey.algorithm, each.vkey.key_id)
    )
    own = str(home.log_signer(ORIGIN).vkey)
    plain = [str(first.vkey), str(more.vkey)]
    plain.remove(own)
    return {
        "event": home.event_signer("api").key_id,
        "log": own,
        "more": plain[0],
        "pq": str(pq.vkey),
        "chain": load_keystore(home.keys / "anchorer.json", home.passphrase()).address,
    }


def test_with_a_passphrase_no_key_lies_in_the_open(tmp_path: Path) -> None:
    home = make(tmp_path, SECRET)
    known = fill(home)
    for path in home.keys.glob("*.key"):
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"), path.name
        assert path.stat().st_mode & 0o777 == 0o600
    assert read(home) == known
    assert encrypt_all(home) == []


@pytest.mark.parametrize("passphrase", ["wrong", None])
def test_a_wrong_or_missing_passphrase_is_a_typed_error(
    tmp_path: Path, passphrase: str | None
) -> None:
    fill(make(tmp_path, SECRET))
    other = Home(tmp_path, passphrase)
    for use in (
        lambda: other.event_signer("api"),
        lambda: other.rotating_signer("api"),
        lambda: other.log_signer(ORIGIN),
        lambda: other.post_quantum_signer(ORIGIN),
        lambda: event_keys(other),
        lambda: other.replace_event_key("api", lambda signer: None),
    ):
        with pytest.raises(KeyUnavailable):
            use()
    if passphrase:
        with pytest.raises(KeyUnavailable):
            encrypt_all(other)
    assert Home(tmp_path, SECRET).event_signer("api")


def test_keys_that_lie_in_the_open_are_refused_until_they_are_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = fill(make(tmp_path))
    home = Home(tmp_path, SECRET)
    with pytest.raises(KeyUnavailable, match="tally keys encrypt"):
        home.event_signer("api")
    monkeypatch.setenv("TALLYSTICK_HOME", str(tmp_path))
    refused = CliRunner().invoke(application(), ["keys", "encrypt", "--json"])
    assert refused.exit_code == 1
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", SECRET)
    done = CliRunner().invoke(application(), ["keys", "encrypt", "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["encrypted"]) == 5
    assert read(home) == known
    for path in home.keys.glob("*.key"):
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"), path.name
    with pytest.raises(KeyUnavailable):
        Home(tmp_path).event_signer("api")
    again = CliRunner().invoke(application(), ["keys", "encrypt", "--json"])
    assert json.loads(again.stdout) == {"encrypted": []}


def test_an_interrupted_encryption_is_simply_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = fill(make(tmp_path))
    home = Home(tmp_path, SECRET)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            encrypt_all(home)
    assert read(Home(tmp_path)) == known, "nothing was lost"
    encrypt_all(home)
    assert read(home) == known
    assert not [path.name for path in home.keys.iterdir() if path.name.startswith(".")]


def test_what_the_files_hold_is_listed_without_a_password(tmp_path: Path) -> None:
    home = make(tmp_path)
    known = fill(home)
    assert [each.key_id for each in event_keys(home)] == [known["event"]]
    (chain,) = chain_keys(home)
    assert (chain.name, chain.address.lower()) == ("anchorer", known["chain"].lower())
    (home.keys / "other.json").write_text("{}")
    assert len(chain_keys(home)) == 1


# ------------------------------------------------------------------------------ rotation


def test_a_signer_follows_its_file_after_a_pause_and_not_before(tmp_path: Path) -> None:
    home = make(tmp_path)
    source = home.rotating_signer("api")
    source._look_at = float("inf")
    old = source.current().key_id
    new = home.replace_event_key("api", lambda signer: None)
    assert new != old
    assert source.current().key_id == old
    source._look_at = 0.0
    assert source.current().key_id == new


def test_a_file_that_is_gone_or_broken_changes_nothing(tmp_path: Path) -> None:
    home = make(tmp_path)
    source = home.rotating_signer("api")
    key = source.current().key_id
    path = home.keys / "event-api.key"
    kept = path.read_bytes()
    for damage in (path.unlink, lambda: path.write_bytes(b"no key")):
        damage()
        source._look_at = 0.0
        assert source.current().key_id == key
    path.write_bytes(kept)
    path.chmod(0o600)
    source._look_at = 0.0
    assert source.current().key_id == key


def test_looking_costs_nothing_between_two_looks() -> None:
    looks = []
    signer = Ed25519Signer.generate()
    source = RotatingSigner(lambda: signer, lambda: looks.append(1), pause_seconds=3_600)
    for _ in range(1_000):
        assert source.current() is signer
    assert len(looks) == 1
