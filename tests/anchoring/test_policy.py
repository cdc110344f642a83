"""Policies: the grammar of tlog-policy, the quorum, and logs that never vouch for themselves."""

import pytest

from anchoring.cosignature import Ed25519Cosigner
from anchoring.errors import MalformedInput
from anchoring.note import ALG_ED25519_COSIGNATURE, make_vkey
from anchoring.policy import parse_policy
from tests.anchoring.support import LOG_SIGNER, ORIGIN, signer

W = {
    name: Ed25519Cosigner(f"w.example/{name}", signer(name), lambda: 1).vkey
    for name in ("x1", "x2", "x3", "y1", "y2", "y3")
}
LINES = "".join(f"witness {name} {vkey}\n" for name, vkey in W.items())
NESTED = (
    f"log {LOG_SIGNER.vkey} https://log.example/\n{LINES}"
    "group x 2 x1 x2 x3\ngroup y any y1 y2 y3\ngroup xy all x y\nquorum xy\n"
)


@pytest.mark.parametrize(
    ("signed", "met"),
    [
        ("x1 x2 y1", True),
        ("x1 x2 x3 y1 y2 y3", True),
        ("x1 y1", False),
        ("x1 x2 x3", False),
        ("y1 y2 y3", False),
        ("", False),
    ],
)
def test_the_nested_example_of_the_specification(signed, met):
    policy = parse_policy(NESTED.encode())
    assert policy.is_met(W[name] for name in signed.split()) is met
    assert policy.log_keys(ORIGIN) == [LOG_SIGNER.vkey]


def test_none_asks_for_nothing():
    policy = parse_policy(b"quorum none\n")
    assert policy.is_met([])
    assert policy.log_keys(ORIGIN) == []


def test_spaces_tabs_comments_and_opaque_names():
    text = b"\t# comment\n\n  witness\t\xe2\x84\xaa  " + str(W["x1"]).encode() + b"\t\n"
    policy = parse_policy(text + b"quorum \xe2\x84\xaa\n")
    assert policy.is_met([W["x1"]])
    with pytest.raises(MalformedInput, match="not defined"):
        parse_policy(text + b"quorum K\n")


def test_a_key_of_a_log_never_counts():
    own = make_vkey("witness.example/me", ALG_ED25519_COSIGNATURE, LOG_SIGNER.vkey.key)
    text = f"log {LOG_SIGNER.vkey}\nwitness me {own}\nwitness x1 {W['x1']}\n"
    policy = parse_policy((text + "group any any me x1\nquorum any\n").encode())
    assert not policy.is_met([own])
    assert policy.is_met([own, W["x1"]])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "\n",
        "quorum none\nquorum none\n",
        "quorum missing\n",
        "quorum none extra\n",
        "frobnicate x\n",
        f"log {W['x1']}\nquorum none\n",
        f"witness x1 {LOG_SIGNER.vkey}\nquorum none\n",
        f"log {LOG_SIGNER.vkey}\nlog {LOG_SIGNER.vkey}\nquorum none\n",
        f"log {LOG_SIGNER.vkey} url url\nquorum none\n",
        f"witness none {W['x1']}\nquorum none\n",
        f"witness a {W['x1']}\nwitness a {W['x2']}\nquorum none\n",
        f"witness a {W['x1']}\nwitness b {W['x1']}\nquorum none\n",
        f"witness a {W['x1']}\ngroup a any a\nquorum none\n",
        f"group g any a\nwitness a {W['x1']}\nquorum none\n",
        f"witness a {W['x1']}\ngroup g any a a\nquorum g\n",
        f"witness a {W['x1']}\ngroup g any a\ngroup h any a\nquorum g\n",
        f"witness a {W['x1']}\ngroup g 0 a\nquorum g\n",
        f"witness a {W['x1']}\ngroup g 2 a\nquorum g\n",
        f"witness a {W['x1']}\ngroup g 01 a\nquorum g\n",
        f"witness a {W['x1']}\ngroup g any\nquorum g\n",
        f"witness a {W['x1']}\ngroup g any none\nquorum g\n",
        f"witness a {W['x1']}\nquorum a\r\n",
        f"witness a {W['x1']}\nquorum a\x0b\n",
        f"witness a {W['x1']}\nquorum a\x7f\n",
        f"witness a {str(W['x1'])[:-1]}\nquorum a\n",
        f"witness a\u00a0{W['x1']}\nquorum none\n",
    ],
)
def test_refused(text):
    with pytest.raises(MalformedInput):
        parse_policy(text.encode())


def nested(depth: int) -> bytes:
    groups = "".join(f"group g{n} any g{n - 1}\n" for n in range(2, depth + 1))
    return f"witness x1 {W['x1']}\ngroup g1 any x1\n{groups}quorum g{depth}\n".encode()


def test_groups_are_nested_at_most_64_deep():
    policy = parse_policy(nested(64))
    assert policy.is_met([W["x1"]])
    assert not policy.is_met([W["x2"]])


@pytest.mark.parametrize("depth", [65, 900, 4500])
def test_deeper_groups_are_refused_on_the_line_that_goes_too_deep(depth):
    with pytest.raises(MalformedInput, match=r"^policy line 66: groups are nested deeper than 64$"):
        parse_policy(nested(depth))
