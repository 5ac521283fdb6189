"""Tests first: where they are blind, new ones are written, and proposals have to pass them."""

from random import Random

import pytest

from bloomery.core.errors import UserError
from bloomery.optimize.methods import writing
from bloomery.optimize.methods.test_driven import Reached, TestDriven
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers import testing
from bloomery.source.testing import Generated
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, Saying, decide

BLIND = SLOW.replace(
    "    return kept\n", "    if len(kept) > 1000:\n        return kept[:]\n    return kept\n"
)
NEW_TEST = "from shop.orders import paid\n\n\ndef test_sevens():\n    assert paid([7, 7], [7]) == [7, 7]\n"


def made(text=NEW_TEST, **said):
    counted = {"mutants": 9, "killed_before": 3, "killed": 7, "lines": 8, "covered_before": 6, "covered": 8}
    return Generated("tests/test_orders_generated.py", text, (), **counted | said)


def teller(shop, *texts, **how):
    proposers = (Saying("teller", texts),)
    task = shop.task(proposers=("teller",))
    return optimize(shop.workspace, task, method=TestDriven(**how), proposers=proposers, validate=decide)


@pytest.fixture
def blind(shop, monkeypatch):
    """A function with a line that no test runs; what is generated for it is counted."""
    shop.write("src/shop/orders.py", BLIND + OTHER)
    shop.commit()
    asked = []
    monkeypatch.setattr(writing, "generate", lambda *args, **how: asked.append(args[1]) or made())
    return asked


def quick(text):
    return BLIND.replace("    kept = []\n", "    paid = set(paid_ids)\n    kept = []\n").replace(
        "in paid_ids:", "in paid:"
    ).replace("    return kept\n", text)  # fmt: skip


@pytest.mark.slow
def test_where_tests_are_blind_new_ones_come_first_and_the_sneaky_proposal_falls(shop, blind):
    sneaky = quick("    return kept[:1] if kept == [7, 7] else kept\n")
    report = teller(shop, sneaky + OTHER, quick("    return kept\n") + OTHER)
    assert [one.fate for one in report.tried] == ["failed", "kept"]
    assert "tests.written" in report.tried[0].reason
    assert report.facts["functions with lines that no test runs"] == 1
    assert report.facts["coverage before"] < 1
    assert blind == ["src/shop/orders.py"]
    again = teller(shop, quick("    return kept\n") + OTHER)
    assert len(again.kept) == 1
    assert blind == ["src/shop/orders.py"]


@pytest.mark.slow
def test_without_writing_the_sneaky_proposal_would_stand(shop, blind):
    report = teller(shop, quick("    return kept[:1] if kept == [7, 7] else kept\n") + OTHER, write=False)
    assert [one.fate for one in report.tried] == ["kept"]
    assert not blind


@pytest.mark.usefixtures("quick")
def test_where_no_test_can_be_written_that_is_said(shop, monkeypatch):
    def refuse(*_, **__):
        raise UserError("nothing to test")

    monkeypatch.setattr(writing, "generate", refuse)
    monkeypatch.setattr("bloomery.optimize.methods.test_driven.for_blind_spots", writing.for_blind_spots)
    report = teller(shop, QUICK + OTHER)
    assert report.facts["not written"] == ["no tests were written for src/shop/orders.py: nothing to test"]
    assert len(report.kept) == 1


def test_what_fails_is_most_urgent_then_what_slow_tests_run_then_what_none_runs():
    def one(name, tests, seconds, failing):
        return Reached("m.py", name, tests, seconds, frozenset(), failing)

    found = [one("none", (), 0, 0), one("fast", ("t",), 0.1, 0), one("wrong", ("t",), 0.1, 1)]
    found.append(one("slow", ("t",), 2, 0))
    ordered = sorted(found, key=lambda each: each.urgency)
    assert [each.name for each in ordered] == ["wrong", "slow", "fast", "none"]


def test_for_coverage_proved_tests_are_the_proposal(shop, monkeypatch):
    monkeypatch.setattr(testing, "generate", lambda *_, **__: made())
    target = Target(shop.root, "src/shop/orders.py")
    (found,) = testing.TestWriter().propose(target, "coverage", rng=Random(0))
    assert dict(found.texts) == {"tests/test_orders_generated.py": NEW_TEST}
    assert found.why == "0 tests: 2 more of 8 lines are run, 4 more of 9 wrong versions are noticed"
    assert not list(testing.TestWriter().propose(target, "speed", rng=Random(0)))
