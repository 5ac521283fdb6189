from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloomery.core.errors import UserError
from bloomery.papers.context import (
    Algorithm,
    Architecture,
    Context,
    Equation,
    Module,
    PriorWork,
    Requirement,
    Step,
)
from bloomery.papers.cycles import components
from bloomery.papers.graph import OneSided, graph
from bloomery.papers.references import Reference, parse


def equation(number: str, requires: str = "", used_by: str = "", **more: tuple[str, ...]) -> Equation:
    return Equation(number, requires=parse(requires), used_by=parse(used_by), **more)


SLOTS = Context(
    "slots",
    title="Slots",
    equations=(
        equation("10", "Eq 2"),
        equation("1", used_by="Eq 2, Algorithm 1 line 2"),
        equation("2", "Eq 1", "Eq 10", aliases=("S.2",)),
        equation("3", "Eq 77, ABSENT Eq 1, sliding windows, Reader"),
    ),
    algorithms=(
        Algorithm(
            "1",
            pseudocode="Algorithm 1\n1: y // [Eq 2]\n2: M",
            lines=(Step("2", equation="1", function="Memory.write"),),
        ),
    ),
    architecture=Architecture(modules=(Module("Memory"), Module("Reader", detail="reads by Eq 10"))),
)
TIDE = Context(
    "tide",
    equations=(equation("1", "SLOTS Eq S.2"),),
    prior_work=PriorWork((Requirement("SLOTS (Example et al.)"),)),
)


def test_both_ends_make_one_edge_and_say_so() -> None:
    said = {(edge.source, edge.target): edge.said_by for edge in graph([SLOTS]).edges}
    assert said == {
        ("slots:1", "slots:2"): ("requires", "used by"),
        ("slots:1", "slots:algorithm 1"): ("used by", "lines"),
        ("slots:1", "slots:module memory"): ("lines",),
        ("slots:2", "slots:10"): ("requires", "used by"),
        ("slots:2", "slots:algorithm 1"): ("pseudocode",),
        ("slots:10", "slots:module reader"): ("module",),
        ("slots:module reader", "slots:3"): ("requires",),
    }


def test_what_one_end_does_not_say_is_one_sided() -> None:
    assert graph([SLOTS]).one_sided == (OneSided("slots:2", "slots:algorithm 1", "used by"),)
    silent = Context("a", equations=(equation("1", used_by="Eq 2"), equation("2")))
    assert graph([silent]).one_sided == (OneSided("a:1", "a:2", "requires"),)


def test_what_is_not_there_dangles_and_prose_does_not() -> None:
    found = [(one.owner, one.side, str(one.reference), one.known_paper) for one in graph([SLOTS]).dangling]
    assert found == [("slots:3", "requires", "Eq 77", True), ("slots:3", "requires", "ABSENT Eq 1", False)]


def test_papers_refer_to_each_other_by_number_or_alias() -> None:
    both = graph([TIDE, SLOTS])
    assert both.needs("tide:1") == ["slots:2"]
    edges = {(edge.source, edge.target): edge.said_by for edge in both.edges}
    assert edges["slots", "tide"] == ("prior work", "cited")
    assert both.levels(("paper",)) == [["slots"], ["tide"]]


def test_levels_follow_the_longest_way_and_numbers_count_as_people_do() -> None:
    assert graph([SLOTS]).levels(("equation",)) == [["slots:1", "slots:3"], ["slots:2"], ["slots:10"]]
    assert graph([SLOTS]).levels() == [
        ["slots:1"],
        ["slots:2", "slots:module memory"],
        ["slots:10", "slots:algorithm 1"],
        ["slots:module reader"],
        ["slots:3"],
    ]
    assert graph([SLOTS, TIDE]).levels() == graph([TIDE, SLOTS]).levels()


def test_a_cycle_is_named_in_its_order_and_shares_a_level() -> None:
    round_ = Context(
        "a",
        equations=(
            equation("1", "Eq 3"),
            equation("2", "Eq 1"),
            equation("3", "Eq 2"),
            equation("4", "Eq 3"),
            equation("5", "Eq 5"),
        ),
    )
    found = graph([round_])
    assert found.cycles() == [["a:1", "a:2", "a:3"], ["a:5"]]
    assert found.levels() == [["a:1", "a:2", "a:3", "a:5"], ["a:4"]]
    assert graph([SLOTS, TIDE]).cycles() == []


def test_mermaid_draws_each_paper_and_dots_what_one_end_says() -> None:
    quoted = Context("b", equations=(Equation("1", 'the "first"'), equation("2", "Eq 1")))
    assert graph([quoted]).mermaid() == (
        'graph TD\n    subgraph p0["b"]\n        n0["Eq 1: the #quot;first#quot;"]\n        n1["Eq 2"]\n'
        "    end\n    n0 -.-> n1\n"
    )


def test_two_contexts_of_one_paper_are_refused() -> None:
    with pytest.raises(UserError, match="two contexts have the paper id slots"):
        graph([SLOTS, SLOTS])


def reachable(after: dict[str, list[str]], start: str) -> set[str]:
    seen, waiting = set(), [start]
    while waiting:
        for other in after[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 7).flatmap(lambda n: st.lists(st.lists(st.integers(0, n - 1)), min_size=n, max_size=n)))
def test_components_are_the_sets_that_reach_each_other_and_come_after_what_they_reach(
    rows: list[list[int]],
) -> None:
    after = {str(at): [str(other) for other in row] for at, row in enumerate(rows)}
    reach = {node: reachable(after, node) | {node} for node in after}
    parts = components(after)
    assert sorted(node for part in parts for node in part) == sorted(after)
    for part in parts:
        for node in part:
            assert set(part) == {other for other in reach[node] if node in reach[other]}
    for at, part in enumerate(parts):
        earlier = {node for before in parts[:at] for node in before}
        assert reach[part[0]] - set(part) <= earlier


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=16))
def test_levels_rise_along_every_edge_outside_cycles_and_cycles_are_closed_walks(
    pairs: list[tuple[int, int]],
) -> None:
    needs: dict[int, list[Reference]] = {number: [] for number in range(9)}
    for source, target in pairs:
        needs[target].append(Reference("equation", str(source)))
    found = graph(
        [Context("a", equations=tuple(Equation(str(n), requires=tuple(r)) for n, r in needs.items()))]
    )
    level = {node: at for at, nodes in enumerate(found.levels()) for node in nodes}
    after = {node: found.needed_by(node) for node in level}
    for edge in found.edges:
        if edge.source in reachable(after, edge.target):
            assert level[edge.source] == level[edge.target]
        else:
            assert level[edge.source] < level[edge.target]
    for cycle in found.cycles():
        assert all(later in after[node] for node, later in pairwise([*cycle, cycle[0]]))
