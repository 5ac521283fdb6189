import ast
import itertools

import pytest

from bloomery.optimize.proposers.repair.counting import STEP, counted

PROGRAM = """
def loops(n):
    for _ in range(n):
        pass
    while n:
        n -= 1

def nested(n):
    return [a + b for a in range(n) for b in range(n)]

def chained(n):
    return (lambda x: x + 1)(n)
"""


class Enough(Exception):
    pass


def steps_of(source, call, most=100):
    tree = ast.parse(source)
    with counted(tree):
        code = compile(tree, "program", "exec")
    count = itertools.count(1)

    def step():
        if next(count) > most:
            raise Enough
        return True

    space = {STEP: step}
    exec(code, space)
    eval(call, space)
    return next(count) - 1


@pytest.mark.parametrize(
    ("call", "steps"),
    [
        ("loops(3)", 1 + 3 + 3),  # the function, each turn of either loop
        ("nested(3)", 1 + 3 + 9),  # the function, each turn of the outer part, of the inner part
        ("chained(1)", 1 + 1),
    ],
)
def test_each_function_loop_and_part_of_a_comprehension_counts(call, steps):
    assert steps_of(PROGRAM, call) == steps


@pytest.mark.parametrize("body", ["while True: pass", "[x for x in iter(int, 1)]", "return f()"])
def test_what_never_ends_runs_out_of_steps(body):
    with pytest.raises(Enough):
        steps_of(f"def f():\n    {body}\n", "f()")


def test_the_tree_is_as_it_was_afterwards():
    tree = ast.parse(PROGRAM)
    before = ast.dump(tree)
    with counted(tree):
        assert STEP in ast.dump(tree)
    assert ast.dump(tree) == before


def test_the_tree_is_as_it_was_where_it_holds_itself():
    tree = ast.parse(PROGRAM)
    before = ast.dump(tree)
    loop = tree.body[0].body[0]
    loop.body.append(loop)
    with pytest.raises(RecursionError), counted(tree):
        raise AssertionError("a tree without end was counted")
    loop.body.pop()
    assert ast.dump(tree) == before
