"""The browser's verifier is held to ours by vectors; here they are held to ours.

``frontend/src/proof`` runs them with vitest. Where this fails, the verifier has changed: make the
vectors anew (``python -m tests.frontend.make_vectors``) and change the browser's with it.
"""

import json

import pytest

from tests.frontend.kinds import kind_bases
from tests.frontend.make_vectors import (
    FIRST_LETTER,
    VECTORS,
    WALLET,
    case_document,
    flip_document,
    read_bases,
)
from tests.frontend.sentences import sentence_vectors, signature_vectors


@pytest.fixture(scope="module")
def bases():
    return read_bases()


def committed(path):
    return json.loads(path.read_text("utf-8"))


def test_the_real_bundles_are_verified(bases):
    cases = case_document(bases)
    for name in bases:
        assert cases[f"{name} whole"]["expected"]["overall"] == "verified"


def test_the_cases_say_what_the_verifier_says(bases):
    # ML-DSA-44 signs with randomness, so only what is made of those signatures can be compared.
    made, kept = case_document(bases), committed(VECTORS / "cases.json")
    assert made.keys() == kept.keys()
    for name, case in made.items():
        assert case["expected"] == kept[name]["expected"], name
        if "ML-DSA-44" not in name:
            assert case == kept[name], name


def test_the_changed_bytes_lead_where_the_verifier_says(bases):
    assert flip_document(bases) == committed(VECTORS / "flips.json")


def test_no_changed_byte_is_verified():
    document = committed(VECTORS / "flips.json")
    refused = {
        chr(FIRST_LETTER + at): "failed" in each or "malformed" in each
        for at, each in enumerate(document["classes"])
    }
    verified = {
        (run, at)
        for run, letters in document["runs"].items()
        for at, letter in enumerate(letters)
        if not refused[letter]
    }
    # Another name in a proof of absence can make it a true proof that this other one is absent.
    text = kind_bases()["absent"]["stream"].decode()
    start, end = text.index("tenant "), text.index("count ")
    assert {run.rpartition("/")[0] for run, _ in verified} <= {"absent/stream"}
    assert all(start <= at < end for _, at in verified)


def test_the_sentences_are_those_of_the_platform():
    assert sentence_vectors() == committed(WALLET / "sentences.json")


def test_the_signatures_are_read_as_the_platform_reads_them():
    assert signature_vectors() == committed(WALLET / "signatures.json")
