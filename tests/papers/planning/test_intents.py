"""What each intent plans for, and what it leaves out."""

import pytest

from bloomery.core.errors import UnknownName, UserError
from bloomery.papers.planning import INTENTS, plan, render


def kinds(made) -> dict[str, int]:
    return {kind: len(made.of_kind(kind)) for kind in ("equation", "algorithm", "module")}


def test_validate_has_all_equations_and_neither_models_nor_training(papers):
    made = plan(papers, "validate")
    assert kinds(made) == {"equation": 8, "algorithm": 0, "module": 0}
    assert made.left_out == ("spring:algorithm 1", "spring:module basin")
    assert not [task for task in made.tasks if task.id.startswith(("4", "5"))]
    assert not [file for file in made.files if file.kind in ("config", "integration test")]
    text = render(made)
    assert "### Phase 4: Model Assembly\n**Duration:** none" in text
    assert "For the intent validate nothing is trained." in text


def test_full_has_everything_and_each_claim(papers):
    made = plan(papers, "full")
    assert kinds(made) == {"equation": 8, "algorithm": 1, "module": 1}
    assert [task.passes for task in made.tasks if task.kind == "claim"] == [
        "spring claim 1",
        "delta claim 1",
        "delta claim 2",
    ]
    assert "Results within 10 % of the papers' (3 claims)" in render(made)


def test_benchmark_leaves_out_what_no_model_uses(papers):
    made = plan(papers, "benchmark")
    assert set(made.left_out) == {"spring:7", "spring:9a"}  # Algorithm 1 and Basin need 3 and 5
    assert {part.id for part in made.parts} >= {"river:3", "delta:4"}  # papers without modules: equations
    assert made.claims


def test_extend_trains_the_ground_and_has_a_place_for_the_extension(papers):
    made = plan(papers, "extend")
    assert kinds(made) == kinds(plan(papers, "full"))
    assert "configs/extension.yaml" in {file.path for file in made.files}
    assert [task.title for task in made.tasks if task.kind == "extension"] == ["The extension"]
    assert not made.claims


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["delta:4"], {"delta:4", "river:2", "river:1", "spring:3"}),
        (["spring:5"], {"spring:5", "spring:3"}),
        (["Spring:Eq 5"], {"spring:5", "spring:3"}),
        (["basin"], {"spring:module basin", "spring:3", "spring:5"}),
        (["spring:Algorithm 1"], {"spring:algorithm 1", "spring:3", "spring:5"}),
        (["spring:A.1"], {"spring:9a"}),
        (["4", "9a"], {"delta:4", "river:2", "river:1", "spring:3", "spring:9a"}),
        (["river:2-3"], {"river:2", "river:3", "river:1", "spring:3"}),
        (["RIVER"], {"river:1", "river:2", "river:3", "spring:3"}),
    ],
)
def test_a_component_brings_all_that_it_stands_on_and_nothing_else(papers, asked, expected):
    made = plan(papers, "component", components=asked)
    assert {part.id for part in made.parts} == expected
    assert set(made.left_out) & expected == set()


def test_papers_that_a_component_does_not_touch_are_no_part_of_its_plan(papers):
    made = plan(papers, "component", components=["river:2"])
    assert [paper.id for paper in made.papers] == ["spring", "river"]
    assert made.project == "spring-river"
    assert made.chain == (("spring",), ("river",))
    assert made.cited == (("spring", "river"),)
    assert "delta:4" in made.left_out
    assert not [file.path for file in made.files if "delta" in file.path]
    assert {one.owner.partition(":")[0] for one in made.findings} <= {"spring", "river"}


def test_a_component_in_two_papers_is_asked_back(papers):
    with pytest.raises(UserError, match=r"spring:3, river:3|river:3, spring:3"):
        plan(papers, "component", components=["3"])


@pytest.mark.parametrize("name", ["spring:55", "lake:1", "Basn", "spring:"])
def test_an_unknown_component_is_named(papers, name):
    with pytest.raises(UnknownName, match=name):
        plan(papers, "component", components=[name])


def test_components_and_the_intent_go_together(papers):
    with pytest.raises(UserError, match="at least one"):
        plan(papers, "component")
    with pytest.raises(UserError, match="leave them out"):
        plan(papers, "full", components=["delta:4"])


def test_intent_and_environment_are_known_ones(papers):
    with pytest.raises(UnknownName, match="validate"):
        plan(papers, "validat")
    with pytest.raises(UnknownName, match="gpu"):
        plan(papers, "full", "gpus")
    with pytest.raises(UserError, match="at least one context"):
        plan([])


def test_the_intents_are_those_that_the_verb_offers():
    assert set(INTENTS) == {"validate", "full", "component", "extend", "benchmark"}
    plans = {name: intent.phases for name, intent in INTENTS.items()}
    assert plans["full"] == (1, 2, 3, 4, 5, 6, 7, 8)
    assert 5 not in plans["component"]
