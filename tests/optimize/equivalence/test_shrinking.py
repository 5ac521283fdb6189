"""Smaller inputs are smaller, and the smallest of all is within reach."""

import ast

from bloomery.optimize.equivalence.shrinking import simplified, size, smaller
from bloomery.optimize.equivalence.trials import Step


def test_every_proposal_is_smaller_and_parses() -> None:
    steps = (Step((("a0", "[3, -17, {'k': 'long text'}]"),), "f(a0)"), Step((("a0", "[0.25]"),), "f(a0)"))
    found = smaller(steps)
    assert len(found) > 10
    assert all(size(one) < size(steps) for one in found)
    for one in found:
        for step in one:
            assert all(ast.parse(text, mode="eval") for _, text in step.lets)


def test_greedy_shrinking_finds_a_smallest_list_that_holds_a_seven() -> None:
    text = "[12, 7, 'x', [1, 2], -3]"
    while better := [one for one in simplified(text) if "7" in one and len(one) < len(text)]:
        text = min(better, key=len)
    assert text == "[7]"
