"""Bundles that are whole and bundles that break one rule each, with what ``tally verify`` says.

``bases`` are real bundles; every case replaces some of their files.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.cosignature import MLDSA44Cosigner
from anchoring.encoding import encode_base64
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import EMPTY_ROOT
from anchoring.note import Ed25519NoteSigner, VerifierKey
from anchoring.tlog_proof import TlogProof, parse_tlog_proof
from tests.anchoring.support import (
    COSIGNED_AT,
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    OTHER_WITNESS,
    WITNESS,
    make_keys,
    make_policy,
    signer,
)
from tests.frontend.building import FILES, Case, Files, event_text, one_leaf, raw_entry
from tests.frontend.crafted import REGISTRY, evidences
from tests.frontend.event_cases import event_cases


def every_case(bases: Mapping[str, Files]) -> Iterator[Case]:
    yield from _whole_and_parts(bases)
    yield from _trust(bases["witnessed"])
    yield from _keys_and_policies(bases["witnessed"])
    yield from _proof_texts(bases["witnessed"])
    yield from event_cases()
    yield from _checkpoints()
    yield from _foreign()
    yield from _anchors(bases["witnessed"])


def _whole_and_parts(bases: Mapping[str, Files]) -> Iterator[Case]:
    for base, files in bases.items():
        yield Case(f"{base} whole", base)
        for part in FILES:
            yield Case(f"{base} without {part}", base, {part: None})
        for part in ("event", "proof", "anchor"):
            data = files[part] or b""
            for cut in (0, 1, len(data) // 2, len(data) - 1):
                yield Case(f"{base} {part} cut to {cut}", base, {part: data[:cut]})
            for tail in (b"\n", b" ", b"\x00"):
                yield Case(f"{base} {part} followed by {tail!r}", base, {part: data + tail})
            yield Case(f"{base} {part} with a mark", base, {part: b"\xef\xbb\xbf" + data})
    for part in ("policy", "keys", "trust"):
        yield Case(f"{part} of the other log", "witnessed", {part: bases["platform"][part]})
    yield Case("event of the other log", "witnessed", {"event": bases["platform"]["event"]})


def _trust(base: Files) -> Iterator[Case]:
    text = (base["trust"] or b"").decode()
    head, chain, registry, block = text.split("\n")[:4]
    number, digest = block.split(" ")[1:]
    later = f"block {int(number) + 1} {digest}"
    texts = {
        "no block": f"{head}\n{chain}\n{registry}\n",
        "another block": f"{head}\n{chain}\n{registry}\n{later}\n",
        "another hash": f"{head}\n{chain}\n{registry}\nblock {number} 0x{'00' * 32}\n",
        "another chain": f"{head}\nchain 1\n{registry}\n{block}\n",
        "another registry": f"{head}\n{chain}\nregistry 0x{'00' * 20}\n{block}\n",
        "another code": f"{head}\n{chain}\n{registry}\ncode 0x{'00' * 32}\n{block}\n",
        "blocks out of order": f"{head}\n{chain}\n{registry}\n{later}\n{block}\n",
        "a block twice": f"{head}\n{chain}\n{registry}\n{block}\n{block}\n",
        "no newline": text[:-1],
        "an empty line": text + "\n",
        "capitals": text.replace("0x", "0X"),
        "capital digits": f"{head}\n{chain}\n{registry.upper()}\n{block}\n",
        "a short hash": f"{head}\n{chain}\n{registry}\nblock {number} 0x00\n",
        "no hash": f"{head}\n{chain}\n{registry}\nblock {number}\n",
        "a number with a zero": f"{head}\n{chain}\n{registry}\nblock 0{number} {digest}\n",
        "a number with a line": f"{head}\n{chain}\n{registry}\nblock {number}_0 {digest}\n",
        "two spaces": f"{head}\n{chain}\n{registry}\nblock  {number} {digest}\n",
        "another version": text.replace("v1", "v2"),
        "carriage returns": text.replace("\n", "\r\n"),
    }
    for name, changed in texts.items():
        yield Case(f"trust with {name}", "witnessed", {"trust": changed.encode()})
    yield Case("trust that is not UTF-8", "witnessed", {"trust": b"\xff" + text.encode()})


def _keys_and_policies(base: Files) -> Iterator[Case]:
    stranger = Ed25519NoteSigner(ORIGIN, signer("stranger"))
    other_key = EventKeys(ORIGIN, (EventKey(signer("stranger").public_key, 0),))
    late = EventKeys(ORIGIN, (EventKey(EVENT_SIGNER.public_key, 7),))
    keys = {
        "signed by a stranger": make_keys(signer_of=stranger),
        "without the event's key": write_event_keys(other_key, [LOG_SIGNER]),
        "whose key ended before": make_keys(last=5),
        "whose key began later": write_event_keys(late, [LOG_SIGNER]),
        "with a changed line": make_keys().replace(b" 0 -\n", b" 1 -\n"),
        "with a leading zero": make_keys().replace(b" 0 -\n", b" 00 -\n"),
        "without a name": make_keys().replace(b"log.example/tallystick/keys", b"/keys"),
        "of nothing": b"",
    }
    for name, data in keys.items():
        yield Case(f"keys {name}", "witnessed", {"keys": data})
    policy = (base["policy"] or b"").decode()
    log_line = f"log {LOG_SIGNER.vkey}\n"
    own = Ed25519NoteSigner(ORIGIN, signer("w1")).vkey
    policies = {
        "asking for both": make_policy("both").decode(),
        "asking for the other": make_policy("w2").decode(),
        "asking for none": make_policy("none").decode(),
        "of a group of any": f"{log_line}witness w1 {WITNESS.vkey}\nwitness w2 "
        f"{OTHER_WITNESS.vkey}\ngroup g any w1 w2\nquorum g\n",
        "of a group of one": f"{log_line}witness w1 {WITNESS.vkey}\ngroup g 1 w1\nquorum g\n",
        "of a group of none": f"{log_line}witness w1 {WITNESS.vkey}\ngroup g 0 w1\nquorum g\n",
        "of nested groups": f"{log_line}witness w1 {WITNESS.vkey}\nwitness w2 "
        f"{OTHER_WITNESS.vkey}\ngroup a all w1\ngroup b any a w2\nquorum b\n",
        "whose witness is the log": f"log {own}\nlog {LOG_SIGNER.vkey}\n"
        f"witness w1 {WITNESS.vkey}\nquorum w1\n",
        "that does not know the witness": f"{log_line}quorum none\n",
        "that knows another log key": f"log {stranger.vkey}\nquorum none\n",
        "that knows another log": f"log {Ed25519NoteSigner('x.example', signer('log')).vkey}\n"
        "quorum none\n",
        "without a quorum": log_line,
        "with two quorums": f"{log_line}quorum none\nquorum none\n",
        "with an unknown quorum": f"{log_line}quorum w9\n",
        "with a log twice": f"{log_line}{log_line}quorum none\n",
        "with tabs and comments": "# c\n\t\nlog\t" + f"{LOG_SIGNER.vkey}\thttps://x\nquorum none\n",
        "with a member twice": f"{log_line}witness w1 {WITNESS.vkey}\ngroup g all w1 w1\n"
        "quorum g\n",
        "with a carriage return": policy.replace("\n", "\r\n"),
        "without the last newline": policy[:-1],
        "with a wrong key id": policy.replace("+", "+0", 1),
        "with a no-break space": policy.replace("quorum w1", "quorum\u00a0w1"),
        "with a witness as log": f"log {WITNESS.vkey}\nquorum none\n",
        "of nothing": "",
    }
    for name, text in policies.items():
        yield Case(f"policy {name}", "witnessed", {"policy": text.encode()})


def _proof_texts(base: Files) -> Iterator[Case]:
    text = (base["proof"] or b"").decode()
    proof = parse_tlog_proof(text.encode())
    index = f"index {proof.index}\n"
    hashes = [encode_base64(item) for item in proof.hashes]
    first = hashes[0]
    # The last digit before the padding has two bits that stand for nothing.
    loose = first[:-2] + chr(ord(first[-2]) + 1) + "="
    body, _, lines = text.rpartition("\n\n")
    signatures = lines.split("\n")[:-1]
    texts = {
        **{
            f"index {word!r}": text.replace(index, f"index {word}\n")
            for word in (
                *("06", "+6", " 6", "6 ", "6_0", "\u0666", "-6", "0x6", "6.0", "", "5", "7"),
                *("11", "9223372036854775807", "9223372036854775808", "99999999999999999999"),
            )
        },
        "no index": text.replace(index, ""),
        "index twice": text.replace(index, index + index),
        "trailing bits": text.replace(first, loose),
        "a space in a hash": text.replace(first, first[:9] + " " + first[9:]),
        "a short hash": text.replace(first, encode_base64(proof.hashes[0][:31])),
        "no padding": text.replace(first, first[:-1]),
        "url alphabet": text.replace(first, "-_" + first[2:]),
        "hashes swapped": text.replace(first, "@")
        .replace(hashes[1], first)
        .replace("@", hashes[1]),
        "a hash missing": text.replace(first + "\n", ""),
        "a hash twice": text.replace(first + "\n", f"{first}\n{first}\n"),
        "64 hashes": text.replace(first + "\n", (first + "\n") * 64),
        "an extra line": text.replace(index, f"extra aGk=\n{index}"),
        "an extra line of nothing": text.replace(index, f"extra \n{index}"),
        "an extra line after": text.replace(index, f"{index}extra aGk=\n"),
        "carriage returns": text.replace("\n", "\r\n"),
        "another version": text.replace("@v1", "@v2"),
        "two empty lines": text.replace("\n\n", "\n\n\n", 1),
        "no signature": body + "\n\n",
        "one signature": body + "\n\n" + signatures[0] + "\n",
        "only the witness": body + "\n\n" + signatures[1] + "\n",
        "signatures swapped": body + "\n\n" + "\n".join(reversed(signatures)) + "\n",
        "a signature twice": text + signatures[0] + "\n",
        "a hyphen for the dash": text.replace("\u2014", "-"),
        "an unknown line": text + f"\u2014 x.example {encode_base64(bytes(68))}\n",
        "a short line": text + f"\u2014 x.example {encode_base64(bytes(4))}\n",
        "a line of no name": text + f"\u2014  {encode_base64(bytes(68))}\n",
        "a line with a plus": text + f"\u2014 x+y {encode_base64(bytes(68))}\n",
        "a name with a no-break space": text + f"\u2014 x\u00a0y {encode_base64(bytes(68))}\n",
        "a name with a next line": text + f"\u2014 x\u0085y {encode_base64(bytes(68))}\n",
        "a name with a mark": text + f"\u2014 x\ufeffy {encode_base64(bytes(68))}\n",
        "a line of next lines": text.replace(signatures[1], signatures[1] + "\u2028"),
        "101 signatures": body + "\n\n" + (signatures[0] + "\n") * 101,
        "a tab in the origin": text.replace(ORIGIN + "\n", ORIGIN + "\t\n"),
        "another size": text.replace(f"{ORIGIN}\n11\n", f"{ORIGIN}\n12\n"),
        "a size with a zero": text.replace(f"{ORIGIN}\n11\n", f"{ORIGIN}\n011\n"),
    }
    for name, changed in texts.items():
        yield Case(f"proof with {name}", "witnessed", {"proof": changed.encode()})
    yield Case("proof that is not UTF-8", "witnessed", {"proof": text.encode("utf-16")})
    overlong = text.encode().replace(b"log.example", b"log\xc0\xaeexample")
    yield Case("proof with an overlong form", "witnessed", {"proof": overlong})


def _checkpoints() -> Iterator[Case]:
    entry = raw_entry(event_text())
    extended = one_leaf(entry, extensions=("more", "\u2028\u0085"))
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG_SIGNER, WITNESS])
    twin = Ed25519NoteSigner(ORIGIN, signer("log"))
    cases: dict[str, bytes] = {
        "an extension": extended,
        "size 0": TlogProof(0, (), empty).encode(),
        "size 0 and a root": TlogProof(0, (), empty)
        .encode()
        .replace(encode_base64(EMPTY_ROOT).encode(), encode_base64(bytes(32)).encode()),
        "an extra": one_leaf(entry, extra=b"hi"),
        "the log alone": one_leaf(entry, (LOG_SIGNER,)),
        "the witness alone": one_leaf(entry, (WITNESS,)),
        "both witnesses": one_leaf(entry, (LOG_SIGNER, WITNESS, OTHER_WITNESS)),
        "the log twice": one_leaf(entry, (LOG_SIGNER, twin, WITNESS)),
    }
    for name, proof in cases.items():
        files = {"event": entry, "proof": proof, "anchor": None}
        yield Case(f"checkpoint of {name}", "witnessed", files)
        yield Case(f"checkpoint of {name}, as foreign", "witnessed", files, "c2sp")
    signature = WITNESS.sign(b"")
    for name, raw in {
        "a huge time": b"\xff" + signature[1:],
        "no signature": signature[:8],
        "a short signature": signature[:-1],
    }.items():
        line = f"\u2014 {WITNESS.vkey.name} {encode_base64(WITNESS.vkey.key_id + raw)}\n"
        files = {"event": entry, "proof": one_leaf(entry, (LOG_SIGNER,)) + line.encode()}
        yield Case(f"cosignature of {name}", "witnessed", files | {"anchor": None})
    yield from _mldsa(entry)


def _mldsa(entry: bytes) -> Iterator[Case]:
    """Post-quantum cosignatures: of the log itself, of a witness, and with one part spoiled."""
    key = MLDSA44PrivateKey.from_seed_bytes(b"\x07" * 32)
    second = MLDSA44Cosigner(ORIGIN, key, lambda: COSIGNED_AT)
    witness = MLDSA44Cosigner("witness.example/pq", key, lambda: COSIGNED_AT)
    both = f"log {LOG_SIGNER.vkey}\nlog {second.vkey}\nquorum none\n".encode()
    wanted = f"log {LOG_SIGNER.vkey}\nwitness pq {witness.vkey}\nquorum pq\n".encode()
    unwanted = f"log {LOG_SIGNER.vkey}\nwitness pq {witness.vkey}\nquorum none\n".encode()
    signed = {"event": entry, "anchor": None}
    log = signed | {"proof": one_leaf(entry, (LOG_SIGNER, second)), "policy": both}
    yield Case("ML-DSA-44 of the log", "witnessed", log)
    missing = signed | {"proof": one_leaf(entry, (LOG_SIGNER,)), "policy": both}
    yield Case("ML-DSA-44 of the log missing", "witnessed", missing)
    # This signature type is over a checkpoint, which the list of keys is not.
    keys = make_keys() + _line(second.vkey, bytes(8 + 2420))
    yield Case("ML-DSA-44 under the keys file", "witnessed", log | {"keys": keys})
    asked = signed | {"proof": one_leaf(entry, (LOG_SIGNER, witness)), "policy": wanted}
    yield Case("ML-DSA-44 of a witness", "witnessed", asked)
    yield Case("ML-DSA-44 of a spare witness", "witnessed", asked | {"policy": unwanted})
    absent = signed | {"proof": one_leaf(entry, (LOG_SIGNER,)), "policy": wanted}
    yield Case("ML-DSA-44 of a witness missing", "witnessed", absent)
    long = MLDSA44Cosigner("w" * 256, key, lambda: COSIGNED_AT)
    named = f"log {LOG_SIGNER.vkey}\nwitness pq {long.vkey}\nquorum pq\n".encode()
    line = _line(long.vkey, bytes(8 + 2420))
    unsigned = signed | {"proof": absent["proof"] + line, "policy": named}
    yield Case("ML-DSA-44 of a name of 256 bytes", "witnessed", unsigned)
    yield from _spoiled_mldsa(witness, asked, absent["proof"])


def _spoiled_mldsa(
    witness: MLDSA44Cosigner, asked: Mapping[str, bytes | None], unsigned: bytes
) -> Iterator[Case]:
    """One honest cosignature with a byte of each of its parts changed, cut or added to."""
    text = parse_tlog_proof(unsigned).checkpoint.decode().rpartition("\n\n")[0] + "\n"
    raw = witness.sign(text.encode())
    parts = {
        "time": 7,
        "c": 8 + 31,
        "z": 8 + 32 + 1000,
        "h": 8 + 2420 - 20,
        "h count": len(raw) - 1,
    }
    changed = {f"another {name}": _flip(raw, at) for name, at in parts.items()}
    changed |= {
        "a byte less": raw[:-1],
        "a byte more": raw + b"\x00",
        "no signature": raw[:8],
        "a huge time": b"\x80" + raw[1:],
        "zeros": raw[:8] + bytes(2420),
        "ones": raw[:8] + b"\xff" * 2420,
    }
    for name, data in changed.items():
        files = {**asked, "proof": unsigned + _line(witness.vkey, data)}
        yield Case(f"ML-DSA-44 with {name}", "witnessed", files)


def _line(vkey: VerifierKey, raw: bytes) -> bytes:
    return f"\u2014 {vkey.name} {encode_base64(vkey.key_id + raw)}\n".encode()


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _foreign() -> Iterator[Case]:
    entry = b"any bytes \xff\x00"
    stranger = Ed25519NoteSigner("stranger.example", signer("stranger"))
    files = {
        "event": entry,
        "proof": one_leaf(entry, (LOG_SIGNER, WITNESS, stranger), extra=b"x", extensions=("e",)),
        "anchor": None,
        "keys": None,
    }
    yield Case("foreign entry", "witnessed", files)
    yield Case("foreign entry with keys", "witnessed", {**files, "keys": make_keys()})
    yield Case("foreign entry read strictly", "witnessed", files, "tallystick")
    yield Case("foreign entry changed", "witnessed", files | {"event": entry + b"\x00"})
    yield Case("our entry read as foreign", "witnessed", {}, "c2sp")


def _anchors(base: Files) -> Iterator[Case]:
    proof = parse_tlog_proof(base["proof"] or b"")
    _, size, root = proof.checkpoint.decode().split("\n")[:3]
    for name, data in evidences(int(size), base64.b64decode(root)).items():
        trust = _trust_in(data)
        yield Case(f"anchor: {name}", "witnessed", {"anchor": data, "trust": trust})
        yield Case(f"anchor, no trust: {name}", "witnessed", {"anchor": data, "trust": None})


def _trust_in(anchor: bytes) -> bytes:
    """Trust in the very block that the evidence names, so that only its inside can refuse it."""
    found = json.loads(anchor)
    return (
        f"tallystick trust v1\nchain 31337\nregistry 0x{REGISTRY.hex()}\n"
        f"block {found['block_number']} 0x{found['block_hash']}\n"
    ).encode()
