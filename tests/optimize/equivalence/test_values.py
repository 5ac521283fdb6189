"""Values are expressions that can be built, the same ones for the same seed."""

import ast
from random import Random

import pytest

from bloomery.optimize.equivalence.edges import OPEN_KINDS
from bloomery.optimize.equivalence.inside import objects
from bloomery.optimize.equivalence.kinds import Kind, classes_of
from bloomery.optimize.equivalence.mining import mine
from bloomery.optimize.equivalence.values import Values

SOURCE = "def f(n):\n    return 'ab' if n > 41 else 2.5\n"


def values(seed: int = 0) -> Values:
    tree = ast.parse(SOURCE)
    return Values(Random(seed), mine([tree], [], ["f"]), classes_of(tree))


@pytest.mark.parametrize("kind", OPEN_KINDS, ids=str)
def test_every_edge_and_every_drawn_value_can_be_built(kind: Kind) -> None:
    made = values()
    texts = [*made.edges(kind), *(made.draw(kind) for _ in range(30))]
    built = [eval(text, dict(vars(objects))) for text in texts]
    assert len(built) == len(texts) >= 31


def test_equal_seeds_draw_equal_values() -> None:
    kind = Kind("list", (Kind("float"),))
    first, second, other = (
        [made.draw(kind) for _ in range(20)] for made in (values(1), values(1), values(2))
    )
    assert first == second
    assert first != other


def test_constants_of_the_source_come_with_their_neighbours() -> None:
    edges = values().edges(Kind("int"))
    assert {"40", "41", "42", "-41"} <= set(edges)
    assert "2.5" in values().edges(Kind("float"))
    assert "'abab'" in values().edges(Kind("str"))


def test_a_list_of_records_ties_in_each_field() -> None:
    kind = Kind("list", (Kind("tuple", (Kind("int"), Kind("str")), "each"),))
    lists = [eval(text, dict(vars(objects))) for text in values().edges(kind)]
    long = [rows for rows in lists if len(rows) == 4]
    assert any(len({row[0] for row in rows}) == 1 for rows in long)
    assert any(len({str.__str__(row[1]) for row in rows}) == 1 for rows in long)
