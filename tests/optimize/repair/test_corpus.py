"""The corpus of broken programs is what it says: right where it is right, broken where it is broken."""

import copy

import pytest

from benchmarks.repair import FOLDER, case, is_correct
from bloomery.core.sandbox import Limits, call

NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def test_there_are_forty_programs_in_two_halves():
    assert len(NAMES) == 40
    assert [case(name).half for name in NAMES].count("held") == 20


@pytest.mark.parametrize("name", NAMES)
def test_the_right_program_passes_every_test(name):
    one = case(name)
    space = {}
    exec(f"{one.right}\n{one.driver}", space)
    for given, answer in [*one.space["GIVEN"], *one.space["HELD_OUT"]]:
        assert space[one.space["ENTRY"]](*copy.deepcopy(given)) == answer


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_broken_program_fails_some_seen_tests_and_passes_some(name):
    one = case(name)
    asked = [copy.deepcopy(given) for given, _ in one.space["GIVEN"]]
    said = call(f"{one.broken}\n{one.driver}", one.space["ENTRY"], asked, limits=Limits(time_s=10))
    wanted = [answer for _, answer in one.space["GIVEN"]]
    passed = [got.state == "returned" and got.value == want for got, want in zip(said, wanted, strict=True)]
    assert 0 < sum(passed) < len(passed)


def test_the_right_text_is_correct_and_the_broken_is_not():
    one = case("merged_spans")
    assert is_correct(one, one.right)
    assert not is_correct(one, one.broken)
