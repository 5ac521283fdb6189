"""Which inputs tell repairs that pass apart: those about the edges, and other objects of the same call."""

import base64
import pickle
import random

import pytest

from bloomery.optimize.proposers.repair.working import INSIDE


@pytest.fixture
def inputs(monkeypatch):
    monkeypatch.syspath_prepend(str(INSIDE))
    import bloomery_inputs

    return bloomery_inputs


def packed(*values):
    return base64.b64encode(pickle.dumps((list(values), {}))).decode()


class Node:
    def __init__(self, name):
        self.name, self.next, self.before = name, [], None


def test_every_argument_is_tried_empty_short_and_about_zero(inputs):
    calls = [("failed", "f", packed([3, 4, 5], "ab", 7))]
    found = inputs.inputs_of({"seed": 0, "drawn": 0, "calls": calls}, {"f": []})
    edges = [inputs.unpack(given)[0] for kind, _, given in found if kind == "edge"]
    assert edges == [
        [[], "ab", 7],
        [[3], "ab", 7],
        [[3, 4], "ab", 7],
        [[3, 4, 5], "", 7],
        [[3, 4, 5], "a", 7],
        [[3, 4, 5], "ab", 0],
        [[3, 4, 5], "ab", 1],
        [[3, 4, 5], "ab", -1],
    ]


def test_what_is_drawn_near_is_made_of_passing_calls_alone(inputs):
    calls = [("passed", "f", packed([1])), ("failed", "f", packed([100, 200, 300, 400]))]
    found = inputs.inputs_of({"seed": 1, "drawn": 60, "calls": calls}, {"f": []})
    kinds = {"near": [], "drawn": []}
    for kind, _, given in found:
        if kind in kinds:
            kinds[kind].append(max(inputs.unpack(given)[0][0], default=0))
    assert len(kinds["near"]) == len(kinds["drawn"]) == 30
    assert max(kinds["near"]) < 100 <= max(kinds["drawn"])


def test_an_object_gives_way_to_another_one_of_its_graph(inputs):
    first, second, third = Node("first"), Node("second"), Node("third")
    first.next, second.next = [second, 7], [third]
    rng = random.Random(0)
    second.before = first
    seen = {inputs.changed(rng, first, [first, "text"]).name for _ in range(60)}
    assert seen == {"first", "second", "third"}


def test_a_link_between_objects_is_laid_anew_and_the_recorded_call_stays(inputs):
    nodes = [Node(name) for name in "abc"]
    nodes[1].before, nodes[2].before = nodes[0], nodes[1]
    given = ([nodes[2]], {})
    rng = random.Random(3)
    seen = {_path(inputs.like(rng, [given], "f")[0][0]) for _ in range(200)}
    assert {"cba", "c..."} <= seen  # as it was, and round in circles
    assert _path(nodes[2]) == "cba"


def _path(node):
    text = ""
    while node is not None:
        if len(text) > 5:
            return text[0] + "..."
        text, node = text + node.name, node.before
    return text
