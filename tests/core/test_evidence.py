import functools
import json
import math

import pytest

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Bar, Check, Evidence, Measured, State, gate, measure, not_run

ACCURACY = Check(name="accuracy", bar=Bar(op=">=", value=0.9), unit="share")
LATENCY = Check(name="latency", bar=Bar(op="<", value=100.0), unit="ms", required=False)


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("==", False, True, False),
    ],
)
def test_a_bar_holds_exactly_where_its_operator_does(op, below, equal, above):
    bar = Bar(op=op, value=0.5)
    assert [bar.holds(0.25), bar.holds(0.5), bar.holds(0.75)] == [below, equal, above]


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "=="])
def test_nan_meets_no_bar(op):
    assert not Bar(op=op, value=0.0).holds(math.nan)


@pytest.mark.parametrize("value", [0.9, 1e-30, -3.0, math.inf, 0.1 + 0.2])
def test_a_bar_reads_back_what_it_prints(value):
    bar = Bar(op=">=", value=value)
    assert Bar.parse(str(bar)) == bar


def test_a_bar_prints_as_a_person_writes_it():
    assert str(ACCURACY.bar) == ">= 0.9"


@pytest.mark.parametrize(("op", "value"), [("!=", 1.0), ("=>", 1.0), ("<", math.nan)])
def test_a_bar_that_cannot_be_met_is_refused(op, value):
    with pytest.raises(ValueError, match="bar"):
        Bar(op=op, value=value)


def test_a_measured_value_above_the_bar_passes_and_one_below_fails():
    assert measure(ACCURACY, lambda: 0.95).state is State.PASSED
    failed = measure(ACCURACY, lambda: 0.85)
    assert (failed.state, failed.measured) == (State.FAILED, 0.85)
    assert "0.85" in failed.reason


def test_nan_is_a_failure_and_not_a_missing_measurement():
    assert measure(ACCURACY, lambda: math.nan).state is State.FAILED


def test_a_missing_capability_is_not_run_and_says_why():
    def needs_a_tool() -> float:
        raise CapabilityMissing("bwrap is not installed")

    evidence = measure(ACCURACY, needs_a_tool)
    assert (evidence.state, evidence.measured) == (State.NOT_RUN, None)
    assert evidence.reason == "bwrap is not installed"


def test_any_other_exception_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        measure(ACCURACY, lambda: 1 / 0)


def test_evidence_says_which_function_measured_it_through_a_partial():
    def accuracy_of(model: str) -> float:
        return 0.99 if model == "good" else 0.0

    evidence = measure(ACCURACY, functools.partial(accuracy_of, "good"), inputs=["bafy1"])
    assert evidence.how.endswith("accuracy_of")
    assert evidence.inputs == ("bafy1",)


def test_evidence_survives_json_and_back():
    measured = Measured(value=0.95, interval=(0.9, 0.98), baseline=0.7, chance=0.1)
    evidence = measure(ACCURACY, lambda: measured, inputs=["bafy1", "bafy2"])
    assert Evidence.from_plain(json.loads(json.dumps(evidence.to_plain()))) == evidence
    assert (evidence.interval, evidence.baseline, evidence.chance) == ((0.9, 0.98), 0.7, 0.1)


def test_nobody_can_claim_a_pass_that_the_figures_contradict():
    with pytest.raises(ValueError, match="accuracy: state passed"):
        Evidence(check="accuracy", state=State.PASSED, measured=0.1, bar=">= 0.9")
    with pytest.raises(ValueError, match="accuracy: state passed"):
        Evidence(check="accuracy", state=State.PASSED, measured=None, bar=">= 0.9")


def test_what_was_not_run_must_say_why():
    with pytest.raises(ValueError, match="says why"):
        Evidence(check="accuracy", state=State.NOT_RUN, bar=">= 0.9")


def test_a_gate_opens_only_when_every_required_check_passed():
    passed, failed = measure(ACCURACY, lambda: 0.95), measure(ACCURACY, lambda: 0.5)
    assert gate([passed], [ACCURACY]).passed
    assert gate([failed], [ACCURACY]).reasons == ("accuracy: measured 0.5, >= 0.9 is required",)
    assert not gate([passed, failed], [ACCURACY]).passed


def test_what_was_not_run_or_is_absent_never_opens_a_gate():
    assert not gate([], [ACCURACY]).passed
    verdict = gate([not_run(ACCURACY, "no GPU")], [ACCURACY])
    assert (verdict.passed, verdict.reasons) == (False, ("accuracy: not run (no GPU), >= 0.9 is required",))


def test_a_check_that_is_not_required_never_decides():
    slow = measure(LATENCY, lambda: 1e6)
    assert slow.state is State.FAILED
    assert gate([slow, measure(ACCURACY, lambda: 1.0)], [ACCURACY, LATENCY]).passed


def test_a_gate_judges_by_its_own_bar_and_not_by_the_one_in_the_evidence():
    lax = measure(Check(name="accuracy", bar=Bar(op=">=", value=0.1)), lambda: 0.2)
    assert lax.state is State.PASSED
    assert not gate([lax], [ACCURACY]).passed
