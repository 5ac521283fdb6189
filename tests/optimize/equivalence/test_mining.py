"""Calls are taken from tests and docstrings where they mean the same elsewhere."""

import ast

from bloomery.optimize.equivalence.mining import mine


def test_calls_of_tests_and_examples_are_found() -> None:
    source = 'def f(a, b=0):\n    """Adds.\n\n    >>> f(1, b=2)\n    3\n    """\n    return a + b\n'
    test = "def test_f(tmp):\n    xs = [1, 2]\n    assert f(xs) == f(tmp) == f([7])\n"
    found = mine([ast.parse(source)], [ast.parse(test)], ["f"]).calls["f"]
    assert set(found) == {(("", "1"), ("b", "2")), (("", "[1, 2]"),), (("", "[7]"),)}


def test_a_call_of_something_local_is_left_out() -> None:
    found = mine(
        [ast.parse("def f(a): ...")], [ast.parse("def t(x):\n    f(x + 1)\n    f(open('y'))")], ["f"]
    )
    assert found.calls["f"] == []
