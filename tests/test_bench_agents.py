"""The judge of benchmarks/coordinating.py: it knows right from wrong in every kind of planted conflict."""

import random
from pathlib import Path

import pytest

from benchmarks.coordinating import Counts, answers, rows
from benchmarks.planted import KINDS, planted, program
from benchmarks.workloads import Load

UNITS = planted(random.Random(4), len(KINDS))
LOAD = Load(Path(), Path(), tuple(UNITS), {})


def edited(*sides: int, subtly: bool = False) -> tuple[str, set[str]]:
    """The program with these sides' edits of all units, and their names."""
    text, names = program(UNITS), set()
    for number, unit in enumerate(UNITS):
        for side in sides:
            edit = unit.edits[side]
            extra = (edit.subtly,) if subtly and edit.subtly else ()
            for old, new in (*edit.pairs, *extra):
                assert old in text or len(sides) == 2, f"{unit.kind}: {old}"
                text = text.replace(old, new, 1)
            names.add(LOAD.names(number)[side])
    return text, names


@pytest.mark.parametrize("sides", [(), (0,), (1,)])
def test_a_program_with_either_change_is_right(sides: tuple[int, ...]) -> None:
    assert answers(LOAD, *edited(*sides)) == [True] * len(UNITS)


def test_a_program_with_both_is_right_where_both_can_be() -> None:
    found = answers(LOAD, *edited(0, 1))
    assert found == [unit.can_be_both for unit in UNITS]
    assert sum(found) == 6


def test_a_change_that_is_not_there_is_missed_and_a_subtly_wrong_one_is_seen() -> None:
    names = edited(0)[1]
    assert not any(answers(LOAD, program(UNITS), names))
    subtle = [unit.edits[0].subtly is not None for unit in UNITS]
    assert answers(LOAD, edited(0, subtly=True)[0], names) == [not one for one in subtle]
    assert sum(subtle) == 2


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("subtly", [False, True])
def test_each_change_passes_its_own_check(side: int, subtly: bool) -> None:
    space: dict[str, object] = {}
    exec(edited(side, subtly=subtly)[0], space)
    for unit in UNITS:
        exec(
            unit.edits[side].check,
            {"work": type("work", (), {key: _plain(value) for key, value in space.items()})},
        )
        assert unit.edits[side].check.startswith("assert work.")


def _plain(value: object) -> object:
    return staticmethod(value) if callable(value) and not isinstance(value, type) else value


def test_a_wrong_merge_counts_against() -> None:
    counts = Counts()
    counts.pairs.update({("k", "resolved"): 5, ("k", "wrong"): 4, ("k", "person"): 1})
    counts.tasks.update({("", True): 9, ("wrong", False): 1})
    counts.up.update({True: 9, False: 1})
    row = rows(counts)[0]
    assert (row["ours"], row["met"], row["note"]) == (0.5, False, "1 person, 5 resolved, 4 wrong")
