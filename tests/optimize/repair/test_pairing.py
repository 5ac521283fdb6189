"""Programs with two faults, where no single edit is enough."""

import ast

import pytest

from bloomery.optimize.proposers.repair import repair
from bloomery.optimize.proposers.repair.candidates import Program
from bloomery.optimize.proposers.repair.edits import applied
from bloomery.optimize.proposers.repair.pairing import pairs

PROGRAM = """def fare(age, stops):
    price = 3 - stops
    if age > 12:
        price = price // 2
    return price
"""
TESTS = """
import pytest
from bus import fare

@pytest.mark.parametrize(
    ("age", "stops", "due"), [(30, 0, 3), (8, 3, 3), (30, 4, 7), (12, 5, 8), (11, 0, 1), (40, 1, 4)]
)
def test_fare(age, stops, due):
    assert fare(age, stops) == due
"""
RIGHT = PROGRAM.replace("3 - stops", "3 + stops").replace("age > 12", "age < 12")


@pytest.mark.slow
def test_two_faults_of_one_function_are_mended_together(tmp_path):
    (tmp_path / "bus.py").write_text(PROGRAM)
    (tmp_path / "test_bus.py").write_text(TESTS)
    found = repair(tmp_path, "bus.py", ["test_bus.py"], 600, seed=1)
    assert found.ranked[0].text == RIGHT
    assert found.ranked[0].operator == "comparison and arithmetic"


def made(program, seen):
    """The pairs of those edits that `seen` knows by the text they make, with the tests that pass then."""
    near = [edit for edit in program.edits(1, 200) if text(program, [edit]) in seen]

    def see(edits):
        return {at: seen[text(program, [edit])] for at, edit in enumerate(edits)}

    return list(pairs(near, see, program, 3, cost=5))


def text(program, edits):
    with applied([change for edit in edits for change in edit.changes]):
        return ast.unparse(program.tree)


def test_halves_that_together_mend_everything_come_first():
    tree = ast.parse(PROGRAM)
    program = Program(tree, "bus.py", dict.fromkeys(range(1, 6), 1.0), {})
    one, other = PROGRAM.replace("3 - stops", "3 + stops"), PROGRAM.replace("> 12", "< 12")
    lured = PROGRAM.replace("// 2", "* 2")
    seen = {
        one.strip(): [True, True, False, True],
        other.strip(): [False, False, True, True],
        lured.strip(): [True, True, False, False],
    }
    first = made(program, seen)[0]
    assert text(program, first.parts) == RIGHT.strip()
    assert (first.cost, first.lead) == (5, 2)


def test_edits_of_the_same_place_make_no_pair():
    program = Program(ast.parse(PROGRAM), "bus.py", dict.fromkeys(range(1, 6), 1.0), {})
    one = PROGRAM.replace("3 - stops", "3 + stops").strip()
    found = made(program, {one: [True, False, False]})
    assert found
    for pair in found:
        assert len({change.slot for part in pair.parts for change in part.changes}) == 2
