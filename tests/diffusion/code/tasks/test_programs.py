"""Canonical programs do what the interpreter says, in each language whose toolchain is here."""

import pytest

from bloomery.core.errors import CapabilityMissing, ConfigError, UnknownName
from bloomery.diffusion.code.judging import judge_each
from bloomery.diffusion.code.judging.program import LANGUAGES, same
from bloomery.diffusion.code.judging.toolchains import toolchain
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.inputs import examples
from bloomery.diffusion.code.tasks.interpreting import OutOfBounds, interpret
from bloomery.diffusion.code.tasks.operation import Kind, Step
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.diffusion.code.tasks.writing import write

SINGLES = [(Step(one.name, 3 if one.has_parameter else None),) for one in OPERATIONS.values()]
COMPOSED = [one.meaning for side in ("train", "test") for one in draw(60, seed=7, side=side, depths=(2, 3))]


def test_python_programs_agree_with_the_interpreter():
    for meaning in [*SINGLES, *COMPOSED]:
        space = {}
        exec(write(meaning, "python").source, space)  # ours: nobody generated it
        for one in examples(meaning, count=12, seed=1, hidden=True):
            assert same(one.result, space["solve"](*one.arguments)), (meaning, one)


def disagreements(meanings, language):
    try:
        toolchain(language)
    except CapabilityMissing as missing:
        pytest.skip(reason=str(missing))
    asked = [examples(meaning, count=10, seed=2, hidden=True) for meaning in meanings]
    got = judge_each([write(meaning, language) for meaning in meanings], asked)
    return [(meaning, one.reason) for meaning, one in zip(meanings, got, strict=True) if not one.passed]


def test_some_javascript_programs_agree_with_the_interpreter():
    assert not disagreements([*SINGLES[::20], *COMPOSED[:3]], "javascript")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_all_operations_and_many_compositions_agree_in_every_language(language):
    assert not disagreements([*SINGLES, *COMPOSED[::3]], language)


@pytest.mark.parametrize(
    ("meaning", "value", "result"),
    [
        ((Step("keep_even"), Step("sum")), [1, 2, -4], -2),
        ((Step("prefix_sums"),), [1, 2, 3], [1, 3, 6]),
        ((Step("running_maximum"),), [1, 3, 2], [1, 3, 3]),
        ((Step("differences"),), [5, 2, 9], [-3, 7]),
        ((Step("alternating_sum"),), [5, 2, 9], 12),
        ((Step("every", 2),), [5, 2, 9], [5, 9]),
        ((Step("drop_last_characters", 2), Step("upper")), "abcd", "AB"),
        ((Step("words"), Step("longest"), Step("length")), "a bcd  ef", 3),
        ((Step("digit_sum"),), -37, 10),
        ((Step("largest"),), [], 0),
        ((Step("shortest"),), [], ""),
        ((Step("distinct"), Step("rotate")), [3, 1, 3, 2], [1, 2, 3]),
    ],
)
def test_the_interpreter_gives_what_one_works_out_by_hand(meaning, value, result):
    assert interpret(meaning, value) == result


def test_values_that_not_every_language_holds_are_out_of_bounds():
    with pytest.raises(OutOfBounds):
        interpret((Step("square"), Step("square")), 2**16)
    with pytest.raises(OutOfBounds):
        interpret((Step("up_to"),), 10**9)
    assert interpret((Step("square"),), 2**15) == 2**30


@pytest.mark.parametrize(
    "meaning",
    [
        (),
        (Step("keep_above"),),
        (Step("keep_above", 10),),
        (Step("sum", 3),),
        (Step("sum"), Step("sum")),
        (Step("reverse"),) * 4,
    ],
)
def test_what_is_no_meaning_has_no_program(meaning):
    with pytest.raises(ConfigError):
        write(meaning, "go")


def test_an_unknown_operation_names_the_nearest():
    with pytest.raises(UnknownName, match="sort_up"):
        write((Step("sort_upp"),), "go")


def test_every_kind_of_value_is_taken_and_given():
    assert (
        {one.takes for one in OPERATIONS.values()} == set(Kind) == {one.gives for one in OPERATIONS.values()}
    )
