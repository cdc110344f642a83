"""An auditor signs only what was checked, whole, and found right."""

import pytest

from anchoring.auditor import cosign_checked
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.errors import VerificationFailed
from anchoring.log_report import LogReport, Problem
from tests.anchoring.support import LOG_SIGNER, ORIGIN, OTHER_WITNESS, WITNESS

ROOT = bytes(range(32))
SIGNED = sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), [LOG_SIGNER, WITNESS])


def report(**changes):
    return LogReport(**({"origin": ORIGIN, "size": 7, "root": ROOT.hex(), "indexes": 1} | changes))


def test_the_line_comes_after_the_others():
    line = OTHER_WITNESS.vkey.name.encode()
    cosigned = cosign_checked(SIGNED, report(), OTHER_WITNESS)
    assert cosigned.startswith(SIGNED)
    assert cosigned[len(SIGNED) :].startswith(b"\xe2\x80\x94 " + line)
    assert cosign_checked(cosigned, report(), OTHER_WITNESS) == cosigned


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"problem": Problem("index", "entry 3", "wrong")}, "with a problem"),
        ({"indexes": 0}, "nothing to vouch for"),
        ({"size": 8}, "another checkpoint"),
        ({"root": "00" * 32}, "another checkpoint"),
        ({"origin": "other.example"}, "another checkpoint"),
    ],
)
def test_nothing_else_is_signed(changes, words):
    with pytest.raises(VerificationFailed, match=words):
        cosign_checked(SIGNED, report(**changes), OTHER_WITNESS)
