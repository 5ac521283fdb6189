"""What a verdict accepts: what was not measured is no pass, whether it is a check or a claim."""

import pytest

from bloomery.core.evidence import Bar, Check, judge, not_run
from bloomery.optimize.validating import Verdict

SYNTAX, FASTER = (
    Check(name="syntax", bar=Bar(op="==", value=0)),
    Check(name="faster", bar=Bar(op=">", value=1)),
)
SOUND = judge(SYNTAX, 0, how="", duration_s=0)


@pytest.mark.parametrize(
    ("claim", "accepted"),
    [
        (judge(FASTER, 1.5, how="", duration_s=0), True),
        (judge(FASTER, 1.0, how="", duration_s=0), False),
        (not_run(FASTER, "nothing to time"), False),
        (None, False),
    ],
)
def test_a_claim_has_to_be_measured_and_to_pass(claim, accepted):
    verdict = Verdict("basic", (SOUND, claim) if claim else (SOUND,), claims=frozenset({"faster"}))
    assert verdict.sound
    assert verdict.accepted is accepted


def test_no_evidence_is_no_pass():
    assert not Verdict("basic", ()).sound
    assert not Verdict("basic", (SOUND, not_run(FASTER, "nothing to time"))).accepted
