"""Where cases come from: what can be called, with what, and what is near what already got somewhere."""

import ast
import textwrap
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from bloomery.source.python import parse_text
from bloomery.source.testing.callees import Parameter, callees, classes
from bloomery.source.testing.cases import Case
from bloomery.source.testing.drawing import Drawing
from bloomery.source.testing.effort import BUDGETS, budget
from bloomery.source.testing.mining import calls, examples, mine
from bloomery.source.testing.pools import Pools, joined
from bloomery.source.testing.varying import simpler, varied

TEXT = textwrap.dedent('''
    from dataclasses import dataclass
    from enum import Enum


    class Colour(Enum):
        RED = 1
        BLUE = 2


    @dataclass
    class Point:
        x: int
        y: int = 0

        def moved(self, by: int) -> "Point":
            return Point(self.x + by, self.y)


    class Shelf:
        """A shelf.

        >>> shelf = Shelf(4)
        >>> shelf.put("a")
        """

        def __init__(self, size: int) -> None:
            self.size = size

        def put(self, name: str) -> None: ...

        @property
        def free(self) -> bool:
            return self.size > 7

        @classmethod
        def empty(cls, size: int) -> "Shelf":
            return cls(size)

        def __len__(self) -> int:
            return 0

        def _hidden(self) -> None: ...


    def paint(colour: Colour, point: Point, *names: str, loud: bool = False) -> str:
        if len(names) > 9 or colour == "teal" or point.x % 6 == 0 or point.y % 35 == 0:
            return "x"
        return "y"


    async def later(n: int) -> int:
        return n


    def _private(): ...


    if __name__ == "__main__":
        def script(): ...
''')


@pytest.fixture
def drawing() -> Drawing:
    parsed = parse_text(TEXT, Path("rules.py"))
    made = classes(parsed.tree)
    return Drawing(callees(parsed), made, Pools(mine(parsed.tree), made, {}), Random(1))


def test_what_can_be_called_is_public_and_can_be_made(drawing: Drawing):
    assert {name: one.kind for name, one in drawing.callees.items()} == {
        "Point.__init__": "init",
        "Point.moved": "method",
        "Shelf.__init__": "init",
        "Shelf.put": "method",
        "Shelf.free": "property",
        "Shelf.empty": "static",
        "Shelf.__len__": "method",
        "paint": "function",
        "later": "function",
    }


def test_what_all_names_is_what_is_public():
    parsed = parse_text("__all__ = ['a']\ndef a(): ...\ndef b(): ...\n", Path("rules.py"))
    assert [one.name for one in callees(parsed)] == ["a"]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("Point.__init__", "Point("),
        ("Shelf.free", "shelf.free"),
        ("Shelf.__len__", "len(shelf)"),
        ("Shelf.empty", "Shelf.empty("),
        ("later", "asyncio.run(later("),
        ("paint", "paint(Colour."),
    ],
)
def test_each_kind_of_thing_is_called_in_its_way(drawing: Drawing, name: str, begins: str):
    cases = list(drawing.of(name, 10))
    assert all(one.call.startswith(begins) for one in cases)
    for case in cases:
        ast.parse("\n".join((*case.setup, case.call)))
        assert all(f"{watched} = " in "\n".join(case.setup) for watched in case.watched)


def test_arguments_stand_by_place_until_one_is_left_out():
    given = [Parameter("a", None), Parameter("b", None, None, False), Parameter("c", None, None, False)]
    named = Parameter("d", None, None, False, named=True)
    assert joined([("a", "1"), ("b", "2"), ("c", "3")], tuple(given)) == "1, 2, 3"
    assert joined([("a", "1"), ("c", "3")], tuple(given)) == "1, c=3"
    assert joined([("a", "1"), ("d", "4")], (given[0], named)) == "1, d=4"
    late = (given[0], Parameter("b", None, None, False), Parameter("*n", None, None, False))
    assert joined([("a", "1"), ("*n", "2")], late) == "1, 2"
    assert joined([("b", "1"), ("*n", "2")], late) == "b=1"
    assert joined([("*n", "1"), ("*n", "2"), ("d", "4")], (Parameter("*n", None), named)) == "1, 2, d=4"


def test_values_are_mined_where_decisions_are_made():
    found = mine(ast.parse(TEXT))
    assert {"8", "10", "9", "210"} <= set(found.ints)  # 210: both moduli
    assert "'teal'" in found.strings
    assert {8, 9, 10} <= set(found.sizes)
    assert not any("shelf" in text.lower() for text in found.strings)


def test_docstring_examples_are_calls_with_what_comes_before_them():
    (tree,) = examples(ast.parse(TEXT))
    found = [(setup, ast.unparse(node)) for setup, node in calls(tree, frozenset({"Shelf"}))]
    assert found == [((), "Shelf(4)"), (("shelf = Shelf(4)",), "shelf.put('a')")]
    (known,) = calls(ast.parse("f(unknown)\nf(1)"), frozenset({"f"}))
    assert ast.unparse(known[1]) == "f(1)"


def test_equal_seeds_draw_equal_cases():
    def draw(seed: int) -> list[Case]:
        parsed = parse_text(TEXT, Path("rules.py"))
        made = classes(parsed.tree)
        known = Drawing(callees(parsed), made, Pools(mine(parsed.tree), made, {}), Random(seed))
        return [case for name in known.callees for case in known.of(name, 5)]

    assert draw(1) == draw(1) != draw(2)


def test_simpler_cases_say_less_and_varied_ones_are_others():
    case = Case("f", ("queue = Queue(17)", "queue.push([4, 5])"), "queue.pop(limit=3)")
    shorter = {(*one.setup, one.call) for one in simpler(case)}
    assert ("queue = Queue(17)", "queue.pop(limit=3)") in shorter
    assert ("queue = Queue(1)", "queue.push([4, 5])", "queue.pop(limit=3)") in shorter
    assert ("queue = Queue(17)", "queue.push([4])", "queue.pop(limit=3)") in shorter
    assert ("queue = Queue(17)", "queue.push([4, 5])", "queue.pop()") in shorter
    mined = mine(ast.parse("x > 41"))
    made = [varied(case, [case], mined, Random(seed)) for seed in range(300)]
    assert all(one is None or one.key != case.key for one in made)
    assert any(one and "42" in "".join((*one.setup, one.call)) for one in made)


def test_a_guess_stays_a_guess():
    case = Case("f", (), "f(7)", (), "guess")
    assert {one.origin for one in simpler(case)} == {"guess"}


def test_efforts_grow_and_others_are_refused():
    counts = [(one.cases, one.rounds, one.varied, one.judges, one.mutants) for one in BUDGETS.values()]
    for low, high in pairwise(counts):
        assert all(a < b for a, b in zip(low, high, strict=True))
    with pytest.raises(Exception, match="standard"):
        budget("standart")  # type: ignore[arg-type]
