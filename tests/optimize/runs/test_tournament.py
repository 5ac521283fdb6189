"""Meetings, scores, unlike rivals, and counter-examples that cross over."""

import pytest

from bloomery.optimize.equivalence import Effort
from bloomery.optimize.equivalence.trials import Step
from bloomery.optimize.methods import adversarial
from bloomery.optimize.methods.adversarial import Adversarial, diverse
from bloomery.optimize.methods.crossing import CounterExample, crossed
from bloomery.optimize.methods.tournament import Entrant, meeting, quality, scores
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Proposal, Target
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, WRONG, Saying, decide

SNEAKY = QUICK.replace("    return kept\n", "    return kept[:1] if kept == [7, 7] else kept\n")
TWO_SEVENS = Step((("a0", "[7, 7]"), ("a1", "[7]")), "paid(a0, a1)")


def test_a_meeting_is_won_only_where_the_intervals_are_apart():
    assert meeting((2.0, 3.0), (1.0, 1.5)) == 1
    assert meeting((1.0, 1.5), (2.0, 3.0)) == 0
    assert meeting((1.0, 2.5), (2.0, 3.0)) == 0.5


def test_scores_are_the_weighted_shares_of_meetings_won():
    weights = {"speed": 0.75, "readability": 0.25}
    fast = Entrant("fast", {"speed": (3, 4), "readability": (0.1, 0.1)})
    plain = Entrant("plain", {"speed": (1, 1), "readability": (0.9, 0.9)})
    unknown = Entrant("unknown", {})
    # fast beats plain in speed, loses in readability, draws with unknown in both
    assert scores([fast, plain, unknown], weights) == pytest.approx([(0.75 + 0.5) / 2, (0.25 + 0.5) / 2, 0.5])
    assert sum(scores([fast, plain, unknown], weights)) == pytest.approx(3 / 2)  # of three pairs


def test_a_text_that_is_harder_to_read_scores_less():
    good = "def total(amounts):\n    return sum(amounts)\n"
    bad = "def TOTAL( XsY ) :\n    import os;Q=0\n    for I in XsY:\n        Q = Q+I\n    return Q ; \n"
    fine, poor = (quality({"m.py": text}) for text in (good, bad))
    assert fine["readability"][0] > poor["readability"][0]
    assert fine["maintainability"][0] > poor["maintainability"][0]


def test_rivals_are_the_ones_least_alike(tmp_path):
    (tmp_path / "m.py").write_text("a = 1\nb = 2\n")

    def proposal(who, operator, text):
        return Proposal(who, operator, "", {"m.py": text})

    pool = [
        proposal("one", "o", "a = 3\nb = 2\n"),
        proposal("one", "o", "a = 3\nb = 2\n\n"),
        proposal("one", "p", "a = 3\nb = 4\n"),
        proposal("two", "q", "a = 1\nb = 5\n"),
    ]
    assert diverse(pool, Target(tmp_path, "m.py"), 3) == [pool[0], pool[3], pool[2]]
    assert diverse(pool, Target(tmp_path, "m.py"), 9)[0] is pool[0]


def test_what_brings_one_rival_down_is_tried_on_the_others(tmp_path):
    (tmp_path / "m.py").write_text(SLOW)
    rivals = [Proposal("liar", name, "", {"m.py": text}) for name, text in
              (("wrong", WRONG), ("sneaky", SNEAKY), ("right", QUICK))]  # fmt: skip
    example = CounterExample(0, (TWO_SEVENS,), "the returned value")
    told = crossed(Target(tmp_path, "m.py"), rivals, [example], Effort(shrink=False))
    assert list(told) == [1]
    assert told[1][0] is example
    assert "value" in told[1][1]


@pytest.fixture
def found(monkeypatch):
    """Against the first rival an input was found that its validation did not have."""
    example = CounterExample(0, (TWO_SEVENS,), "the returned value")
    monkeypatch.setattr(adversarial, "stressed", lambda *_: ([example], {0: example.what}))


def rivalry(shop):
    teller = Saying("teller", (SNEAKY.replace("kept[:1]", "kept[1:]") + OTHER, SNEAKY + OTHER, QUICK + OTHER))
    task = shop.task(proposers=("teller",))
    return optimize(shop.workspace, task, method=Adversarial(), proposers=(teller,), validate=decide)


@pytest.mark.usefixtures("quick", "found")
def test_the_planted_rival_wins_and_the_sneaky_one_falls_by_anothers_counter_example(shop):
    report = rivalry(shop)
    assert {one.operator: one.fate for one in report.tried} == {
        "saying 0": "failed", "saying 1": "failed", "saying 2": "kept",
    }  # fmt: skip
    assert "rivals.counter-examples" in report.tried[1].reason
    assert report.facts["brought down by another's"] == 1
    assert [one.facts["place"] for one in report.tried if one.fate == "kept"] == [1]


@pytest.mark.usefixtures("quick", "found")
def test_without_crossing_over_the_sneaky_one_would_stand(shop, monkeypatch):
    monkeypatch.setattr(adversarial, "crossed", lambda *_: {})
    assert [one.fate for one in rivalry(shop).tried].count("failed") == 1


@pytest.mark.usefixtures("quick")
def test_where_nothing_is_to_be_gained_nobody_wins(shop, monkeypatch):
    monkeypatch.setattr(adversarial, "stressed", lambda *_: ([], {}))
    shop.write("src/shop/orders.py", QUICK + OTHER)
    shop.commit()
    assert not rivalry(shop).kept
