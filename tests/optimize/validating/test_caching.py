from dataclasses import replace

import pytest

from bloomery.core.evidence import State
from bloomery.optimize.validating import Cache, Forgetful
from bloomery.optimize.validating.caching import InProcess, circumstances, remembered
from bloomery.optimize.validating.checks import existing

SUM = ("found = found + one", "found = one + found")


def counted(monkeypatch) -> list[int]:
    """How many tests each run of pytest on a changed tree was asked for."""
    runs: list[int] = []

    def noted(tree, targets, **given):
        tried = whole(tree, targets, **given)
        runs.append(len(tried.statuses()))
        return tried

    whole = existing.try_tests
    monkeypatch.setattr(existing, "try_tests", noted)
    return runs


@pytest.mark.slow
def test_the_same_change_is_answered_from_the_cache_and_another_is_not(shop, tmp_path, monkeypatch) -> None:
    runs, cache = counted(monkeypatch), Cache(tmp_path / "cache")
    first = shop.validate(shop.edited(*SUM), cache=cache)
    again = shop.validate(shop.edited(*SUM), cache=cache)
    assert len(runs) == 1
    assert [replace(one, duration_s=0.0) for one in again.evidence] == [
        replace(one, duration_s=0.0) for one in first.evidence
    ]
    assert again.suggestions == first.suggestions
    other = shop.validate(shop.edited("found + one", "found - one"), cache=cache)
    assert len(runs) == 2
    assert other.of("tests.touched").state is State.FAILED


@pytest.mark.slow  # six runs of pytest
def test_another_test_is_another_question(shop, tmp_path, monkeypatch) -> None:
    runs, cache = counted(monkeypatch), Cache(tmp_path / "cache")
    assert shop.validate(shop.edited(*SUM), cache=cache).sound
    shop.commit(shop.edited("== 3", "== 3 and total([]) == 0", "tests/test_total.py"))
    assert (
        shop.validate(shop.edited("found = 0", "found = 0 if prices else 1"), cache=cache)
        .of("tests.touched")
        .state
        is State.FAILED
    )
    assert len(runs) == 2


@pytest.mark.slow  # two runs of pytest
def test_every_test_runs_where_that_is_asked_for_or_at_level_paranoid(shop, monkeypatch) -> None:
    runs = counted(monkeypatch)
    shop.validate(shop.edited(*SUM), cache=Forgetful())
    shop.validate(shop.edited(*SUM), cache=Forgetful(), every_test=True)
    assert runs == [1, 2]


def test_an_answer_that_is_damaged_or_another_questions_is_none(tmp_path) -> None:
    cache, question = Cache(tmp_path), {"check": "x", "trees": ["a"]}
    cache.keep(question, {"state": "passed"})
    assert cache.find(question) == {"state": "passed"}
    (path,) = tmp_path.rglob("*.json")
    text = path.read_text()
    path.write_text(text.replace('"x"', '"y"'))
    assert cache.find(question) is None
    path.write_text(text[:-5])
    assert cache.find(question) is None


def test_what_may_not_be_kept_is_made_again(tmp_path) -> None:
    made = []

    def work():
        made.append(1)
        return len(made), len(made) > 1

    for answers in (Cache(tmp_path), InProcess()):
        made.clear()
        assert [remembered(answers, {"check": "x"}, work)[0] for _ in range(4)] == [1, 2, 2, 2]


def test_a_process_forgets_the_oldest_answers(tmp_path) -> None:
    answers = InProcess(most=2)
    for at in range(3):
        answers.keep({"check": at}, at)
    assert [answers.find({"check": at}) for at in range(3)] == [None, 1, 2]


def test_our_own_code_is_part_of_every_question(monkeypatch) -> None:
    now = circumstances()
    circumstances.cache_clear()
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert circumstances() != now
    circumstances.cache_clear()
