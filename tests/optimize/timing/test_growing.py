"""What is known is grown in a way that keeps its form, and only what the original takes is timed."""

from pathlib import Path
from typing import Any

import pytest

from bloomery.optimize.timing import Call, Workload, spread, workloads
from bloomery.optimize.timing.growing import grown, repeated
from bloomery.source.recording import Recorded, RecordedCall

PLACES = "{'A': ['B', 'C'], 'B': ['D'], 'C': [], 'D': []}"


def ways(*given: str) -> dict[str, list[Any]]:
    """The second rung of each way, as values."""
    call = Call("f", tuple(("", one) for one in given))
    return {rungs[0].source: [eval(text) for _, text in rungs[1].calls[0].given] for rungs in grown(call)}


def reached(graph: dict[Any, Any], start: Any) -> set[Any]:
    seen, left = {start}, [start]
    while left:
        new = [one for one in graph[left.pop()] if one not in seen]
        seen.update(new)
        left += new
    return seen


@pytest.mark.parametrize("source", ["2 copies of its arguments", "2 copies of its arguments in a chain"])
def test_copies_of_a_graph_are_joined_and_its_second_named_node_is_the_last_ones(source: str) -> None:
    graph, start, goal = ways(PLACES, "'A'", "'D'")[source]
    assert (len(graph), start, goal) == (16, "A", "D3")
    assert goal in reached(graph, start)
    assert all(near in graph for one in graph.values() for near in one)


def test_trees_of_copies_are_shallow_and_chains_are_long() -> None:
    """From the last node of a copy into the first of the next, or of the next two."""
    found = ways(PLACES, "'A'", "'D'")
    assert found["2 copies of its arguments"][0]["D"] == ["A1", "A2"]
    assert found["2 copies of its arguments in a chain"][0]["D"] == ["A1"]


def test_links_go_both_ways_where_all_do() -> None:
    graph, _ = ways("{1: {2: 7}, 2: {1: 7}}", "1")["2 copies of its arguments"]
    assert (graph[2], graph[3]) == ({1: 7, 3: 7, 5: 7}, {4: 7, 2: 7})
    rows, _ = ways("[[1], [0]]", "0")["2 copies of its arguments"]
    assert rows[:3] == [[1], [0, 2, 4], [3, 1]]


def test_pairs_are_joined_by_more_pairs_and_the_count_of_nodes_grows() -> None:
    pairs, count = ways("[(0, 1), (1, 2)]", "3")["2 copies of its arguments"]
    assert count == 12
    assert {one for pair in pairs for one in pair} == set(range(12))
    assert (2, 3) in pairs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["[1, 2, 5]", "3"], [[1, 2, 5, 6, 7, 10, 11, 12, 15, 16, 17, 20], 12]),
        (["{3, 4}"], [{3, 4, 5, 6, 7, 8, 9, 10}]),
        (["{'a': 1, 'b': 2}"], [{f"{a}{n}": v for n in ("", 1, 2, 3) for a, v in (("a", 1), ("b", 2))}]),
        (["[True, None]"], [[True, None] * 4]),
        (["(1, 2)"], [tuple(range(1, 9))]),
    ],
)
def test_copies_have_other_names_and_lengths_grow_with_them(given: list[str], expected: list[Any]) -> None:
    """Sorted lists stay sorted, permutations stay permutations, values of a mapping what they are."""
    assert ways(*given)["2 copies of its arguments"] == expected


def test_matrices_grow_both_ways_with_their_side() -> None:
    found = ways("[[1, 0], [0, 5]]", "2")["2 times its matrix each way"]
    assert found == [[[1, 0] * 3, [0, 5] * 3] * 3, 6]


def test_numbers_grow_together_and_lengths_do_not() -> None:
    assert ways("12", "5")["its numbers times 1.41"] == [24, 10]
    assert ways("[4, 1]", "2", "9")["its numbers times 1.41"] == [[4, 1], 2, 18]
    assert list(grown(Call("f", (("", "(1, 'x')"), ("", "True"), ("", "g()"))))) == []


def test_nothing_is_larger_than_can_be_read() -> None:
    for rungs in grown(Call("f", (("", repr(["x" * 900])),))):
        assert all(len(rung.calls[0].given[0][1]) <= 1_000_000 for rung in rungs)
        assert len(rungs) == 10
    assert repeated(Call("f", (("", "g()"),))) == ()


STEPS = """
def steps(graph, start, goal):
    queue, seen = [start], []
    while queue:
        node = queue.pop(0)
        if node == goal:
            return len(seen)
        if node not in seen:
            seen.append(node)
            queue += graph[node]
    return -1
"""


def test_graphs_that_tests_name_grow_until_they_can_be_timed(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(STEPS)
    given = (("", PLACES), ("", "'A'"), ("", "'D'"))
    recorded = Recorded({"m.py": (RecordedCall("steps", given, "test_m.py::test", 1.0),)})
    changed = STEPS.replace("return -1", "return 0 - 1")
    found = workloads(tmp_path, "m.py", {"m.py": changed}, recorded=recorded)
    first = found[0]
    assert "copies of its arguments" in first.source
    assert (first.made, first.spare) == (True, False)
    assert len(eval(first.calls[0].given[0][1])) > 100


def test_what_tests_call_is_timed_beside_something_larger(tmp_path: Path) -> None:
    """However long it takes: a gain of order may hide in it, or a loss."""
    text = "def total(xs: list[int]) -> int:\n    return sum(xs.index(x) for x in xs)\n"
    (tmp_path / "m.py").write_text(text)
    call = RecordedCall("total", (("", "list(range(600))"),), "test_m.py::test", 1.0)
    changed = text.replace("return sum", "return +sum")
    found = workloads(tmp_path, "m.py", {"m.py": changed}, recorded=Recorded({"m.py": (call,)}))
    assert [one.made for one in spread(found, 3)][:2] == [False, True]


def test_one_large_workload_of_each_function_goes_before_a_second_known_one() -> None:
    some = [("f", False), ("f", False), ("g", False), ("f", True), ("f", True)]
    found = [Workload(name, (), str(at), made=made) for at, (name, made) in enumerate(some)]
    assert [one.source for one in spread(found, 4)] == ["0", "2", "3", "1"]
