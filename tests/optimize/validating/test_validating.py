import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import State

LOOP = "    found = 0\n    for one in prices:\n        found = found + one\n    return found"
SUM = (LOOP, "    return sum(prices)")
SPEED = {"goal": "speed", "claim": False}
WRONG = ("found + one", "found - one")


def states(verdict) -> dict[str, str]:
    return {one.check: str(one.state) for one in verdict.evidence}


def test_a_change_that_breaks_no_test_is_sound_and_the_users_tree_is_as_it_was(shop) -> None:
    before = shop.snapshot()
    verdict = shop.validate(shop.edited(*SUM))
    assert verdict.sound
    told = states(verdict)
    assert told.pop("fixed") == "not_run"  # no test failed before
    assert told == dict.fromkeys(("judges", "syntax", "tests.touched", "tests.all"), "passed")
    assert "1 as before the change" in verdict.of("tests.all").how
    assert shop.snapshot() == before


def test_a_wrong_change_fails_in_the_test_that_touches_it_and_later_checks_are_not_run(shop) -> None:
    verdict = shop.validate(shop.edited(*WRONG))
    assert not verdict.sound
    assert states(verdict) == {
        "judges": "passed", "syntax": "passed", "tests.touched": "failed", "tests.all": "not_run",
        "fixed": "not_run",
    }  # fmt: skip
    assert verdict.of("tests.all").reason == "skipped: tests.touched failed"
    assert "test_total passed before the change: assert -3 == 3" in verdict.suggestions["tests.touched"]


@pytest.mark.slow  # runs twice
def test_what_was_skipped_is_made_all_the_same_where_that_is_asked_for(shop) -> None:
    verdict = shop.validate(shop.edited(*WRONG), go_on=True)
    assert states(verdict)["tests.all"] == "failed"


def test_a_text_that_does_not_parse_is_told_with_its_line_and_nothing_is_run(shop) -> None:
    verdict = shop.validate(shop.edited("    found = 0", "    found = = 0"))
    assert states(verdict)["syntax"] == "failed"
    assert "src/shop/prices.py:2: invalid syntax" in verdict.suggestions["syntax"]
    assert verdict.of("tests.touched").state is State.NOT_RUN


def test_a_patch_that_changes_the_test_it_is_judged_by_is_refused(shop) -> None:
    texts = shop.edited(*WRONG) | shop.edited("== 3", "== -3", "tests/test_total.py")
    verdict = shop.validate(texts)
    assert not verdict.sound
    assert "tests/test_total.py" in verdict.suggestions["judges"]


@pytest.mark.slow  # equivalence, twice
def test_the_same_meaning_is_accepted_and_another_one_is_not(shop) -> None:
    right = shop.validate(shop.edited("sorted(prices)[0]", "sorted(list(prices))[0]"), **SPEED)
    assert {c: s for c, s in states(right).items() if c.startswith("equi")} == dict.fromkeys(
        ("equivalence.text", "equivalence.reach", "equivalence.behaviour"), "passed"
    )
    assert right.sound
    wrong = shop.validate(shop.edited("sorted(prices)[0]", "min(prices)"), **SPEED)
    assert not wrong.sound
    assert "IndexError" in wrong.suggestions["equivalence.behaviour"]


@pytest.mark.slow  # two runs of mypy without a cache
def test_an_error_of_types_that_a_change_adds_fails_and_one_that_was_there_does_not(shop) -> None:
    shop.commit(shop.edited("def cheapest", 'OLD: int = "old"\n\n\ndef cheapest'))
    level = {"level": "standard"}
    assert states(shop.validate(shop.edited(*SUM), **level))["types"] == "passed"
    verdict = shop.validate(shop.edited("return found", "return str(found) and found or None"), **level)
    assert verdict.of("types").measured == 1
    assert 'expected "int"' in verdict.suggestions["types"]


def test_without_a_repository_that_is_said(tmp_path, shop) -> None:
    with pytest.raises(UserError, match="not in a git repository"):
        type(shop)(tmp_path).validate({"a.py": "x = 1\n"})
