"""Which accepted proposals become patches, in which order, and what is applied without a person."""

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import Bar, Check, Measured, State, judge
from bloomery.optimize.changes import findings, open_ledger
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.putting_up import apply_automatically, best, check_least_gain, put_up
from bloomery.optimize.validating.levels import FASTER
from bloomery.optimize.validating.verdict import Verdict
from tests.optimize.runs.shops import OTHER, QUICK, SLOW

PATH = "src/shop/orders.py"
TEXT = SLOW + OTHER
RIGHT = judge(Check(name="right", bar=Bar(op="==", value=0)), 0, how="", duration_s=0)


def judged(name: str, lines: int, proposer: str = "repair", score: float | None = None, **facts) -> Judged:
    text = TEXT.replace("    kept = []\n", f"    kept = []  # {name}\n" + "    kept.clear()\n" * lines)
    proposal = Proposal(proposer, name, "", {PATH: text}, facts=facts)
    return Judged(proposal, Verdict("basic", (RIGHT,)), {} if score is None else {"score": score})


def first(*some: Judged) -> str:
    (kept,) = best(some, {PATH: TEXT})
    return kept.proposal.operator


def test_a_proposers_own_ranking_holds_among_its_proposals() -> None:
    likely, small = judged("likely", 5, rank=0), judged("small", 1, rank=1)
    assert first(small, likely) == "likely"
    assert first(judged("small", 1), judged("likely", 5)) == "small"


def test_a_ranking_says_nothing_of_other_proposers() -> None:
    ranked = judged("likely", 5, rank=0), judged("behind", 1, rank=1)
    assert first(*ranked, judged("another's", 3, "models")) == "another's"
    assert first(*ranked, judged("another's", 9, "models")) == "likely"


def test_what_is_slower_stands_behind_every_other_however_small_or_well_scored() -> None:
    slow = judged("slow", 1, rank=0, slower=True, score=9.0)
    assert first(slow, judged("large", 9, rank=1, slower=False)) == "large"
    assert first(slow, judged("large", 9, "models")) == "large"
    assert first(slow) == "slow"


def timed(operator: str, comment: str, *interval: float) -> Judged:
    """A change of the lines that `comment` is put into, as many times as fast as the interval says."""
    text = TEXT.replace("    kept = []\n", f"    kept = []  # {comment}\n")
    evidence = judge(FASTER, Measured(value=interval[0], interval=interval), how="", duration_s=0)
    verdict = Verdict("basic", (RIGHT, evidence), claims=frozenset({"faster"}))
    return Judged(Proposal("rewrites", operator, "", {PATH: text}), verdict)


def test_what_one_step_gains_does_not_hide_that_another_one_loses() -> None:
    both, quick = timed("quick+lame", "both", 4.0, 9.0), timed("quick", "one", 3.0, 9.0)
    assert first(both, quick, timed("lame", "other", 0.6, 0.8)) == "quick"
    assert best([both, timed("lame", "other", 0.6, 0.8)], {PATH: TEXT}) == []
    assert first(both, quick, timed("lame", "other", 0.9, 1.2)) == "quick+lame"  # it may enable the other
    assert first(both, quick, timed("another", "other", 0.6, 0.8)) == "quick+lame"


def test_a_repair_that_is_slower_says_so_in_its_evidence(shop) -> None:
    ledger = open_ledger(shop.workspace, shop.root)
    states = []
    for slows in (1.0, 6.5):
        cid = put_up(ledger, shop.task("fix"), judged(f"by {slows}", 1, slows=slows), "test-driven")
        (told,) = [one for one in findings(ledger, cid)[1].evidence if one.check == "growth"]
        states.append((told.state, told.measured, told.required))
    assert states == [(State.PASSED, 1.0, False), (State.FAILED, 6.5, False)]


@pytest.fixture
def faster(shop, monkeypatch):
    """A patch that is twice as fast, and surely 1.5 times; whether it is applied, and why not."""
    monkeypatch.setattr("bloomery.optimize.putting_up.measured_after", lambda *_: lambda root: (RIGHT,))
    ledger = open_ledger(shop.workspace, shop.root)
    evidence = judge(FASTER, Measured(value=2.0, interval=(1.5, 3.0)), how="", duration_s=0)
    verdict = Verdict("basic", (RIGHT, evidence), claims=frozenset({"faster"}))
    made = Judged(Proposal("teller", "quick", "", {PATH: QUICK + OTHER}), verdict)
    cid = put_up(ledger, shop.task(), made, "test-driven")
    return ledger, cid


def test_the_users_own_bar_holds_for_the_near_end_of_the_interval(shop, faster) -> None:
    done, why = apply_automatically(*faster, least_gain=1.6)
    assert not done
    assert "surely 1.5 times better, and 1.6 is the least" in why
    assert (shop.root / PATH).read_text() == TEXT
    assert apply_automatically(*faster, least_gain=1.5) == (True, "")
    assert (shop.root / PATH).read_text() == QUICK + OTHER
    (decision,) = faster[0].records.decisions(faster[1])
    assert "faster >= 1.5" in decision.reason


@pytest.mark.parametrize(("least", "applied"), [(1.2, True), (1.51, False)])
def test_without_a_bar_of_the_users_the_usual_one_holds(faster, monkeypatch, least, applied) -> None:
    monkeypatch.setattr("bloomery.optimize.putting_up.LEAST_GAINS", {"speed": least})
    assert apply_automatically(*faster)[0] == applied


def test_a_gain_that_was_not_measured_is_not_applied_by_itself(shop, faster) -> None:
    ledger, _ = faster
    made = judged("unmeasured", 1)
    cid = put_up(ledger, shop.task(), made, "test-driven")
    assert "gain: no evidence, >= 1.2 is required" in apply_automatically(ledger, cid)[1]
    assert apply_automatically(ledger, put_up(ledger, shop.task("fix"), judged("fix", 2), "t"))[0]


@pytest.mark.parametrize(
    ("goal", "approve", "least", "why"),
    [
        ("speed", "none", 1.5, "goes with --approve auto"),
        ("fix", "auto", 1.5, "speed and memory"),
        ("memory", "auto", 0.9, "1 or more"),
    ],
)
def test_a_bar_that_nothing_is_held_to_is_refused(goal, approve, least, why) -> None:
    check_least_gain(goal, approve, None)
    with pytest.raises(UserError, match=why):
        check_least_gain(goal, approve, least)
