"""The keys file (who may sign which entries) and private key files."""

import pytest

from anchoring.checkpoint import parse_checkpoint_text
from anchoring.cosignature import verifiers_for
from anchoring.errors import KeyFileError, MalformedInput, UnknownKey, VerificationFailed
from anchoring.keys import (
    EventKey,
    EventKeys,
    parse_event_keys,
    parse_event_keys_text,
    read_private_key,
    write_event_keys,
    write_private_key,
)
from anchoring.note import open_note
from anchoring.signing import key_id_of
from tests.anchoring.support import LOG_SIGNER, ORIGIN, signer

OLD, NEW = signer("old"), signer("new")
KEYS = EventKeys(ORIGIN, (EventKey(OLD.public_key, 0, 9), EventKey(NEW.public_key, 10)))


def test_the_file_reads_back_and_is_signed_by_the_log():
    data = write_event_keys(KEYS, [LOG_SIGNER])
    keys, note = parse_event_keys(data)
    assert keys == KEYS
    assert open_note(note, verifiers_for([LOG_SIGNER.vkey])).signed_by(LOG_SIGNER.vkey)
    with pytest.raises(VerificationFailed):
        open_note(data.replace(b" 9\n", b" 8\n"), verifiers_for([LOG_SIGNER.vkey]))


def test_a_key_counts_only_from_its_first_to_its_last_entry():
    assert KEYS.lookup(OLD.key_id, 0).public_key == OLD.public_key
    assert KEYS.lookup(OLD.key_id, 9).public_key == OLD.public_key
    assert KEYS.lookup(NEW.key_id, 10**12).public_key == NEW.public_key
    for key_id, index in ((OLD.key_id, 10), (NEW.key_id, 9), (key_id_of(bytes(32)), 5)):
        with pytest.raises(UnknownKey):
            KEYS.lookup(key_id, index)


def test_no_keys_file_is_a_checkpoint():
    with pytest.raises(MalformedInput):
        parse_checkpoint_text(KEYS.text())


LINE = KEYS.keys[0].line()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n{LINE}",
        f"/keys\n{LINE}",
        f"{ORIGIN}/keys\n{LINE}"[:-1],
        f"{ORIGIN}/keys\n{LINE}{LINE}",
        f"{ORIGIN}/keys\n\n{LINE}",
        f"{ORIGIN}/keys\n{LINE.replace(' ed25519 ', ' none ')}",
        f"{ORIGIN}/keys\n{LINE.replace(' 0 9', ' 9 0')}",
        f"{ORIGIN}/keys\n{LINE.replace(' 0 9', ' 00 9')}",
        f"{ORIGIN}/keys\n{LINE.replace(' 0 9', ' 0  9')}",
        f"{ORIGIN}/keys\n{LINE.replace(' 0 9', ' 0 -1')}",
        f"{ORIGIN}/keys\n{LINE.replace(OLD.key_id, NEW.key_id)}",
        f"{ORIGIN}/keys\n{LINE.replace('= 0', ' 0')}",
    ],
)
def test_refused(text):
    with pytest.raises(MalformedInput):
        parse_event_keys_text(text)


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_file_reads_back_and_is_private(tmp_path, passphrase):
    path = tmp_path / "event.pem"
    write_private_key(path, OLD, passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private_key(path, passphrase).public_key == OLD.public_key
    with pytest.raises(KeyFileError):
        read_private_key(path, b"wrong" if passphrase else b"none needed")
    with pytest.raises(KeyFileError):
        write_private_key(path, NEW)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="0600"):
        read_private_key(path, passphrase)


def test_what_is_no_key_is_refused(tmp_path):
    path = tmp_path / "junk"
    with pytest.raises(KeyFileError):
        read_private_key(path)
    path.touch(0o600)
    with pytest.raises(KeyFileError):
        read_private_key(path)
    with pytest.raises(KeyFileError):
        write_private_key(tmp_path / "no" / "folder", OLD)
