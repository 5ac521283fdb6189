"""The same papers give the same bytes, however they are given; any papers give a plan that can be read."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloomery.core.errors import UserError
from bloomery.papers.context import Algorithm, Context, Equation, Reference
from bloomery.papers.planning import parse, plan, render

NUMBERS = ("1", "2", "3", "9a", "A.2", "4'", "10")
IDS = ("one", "two", "th-ree", "4th")
names = st.sampled_from(
    ["", "Loss", "loss!", "Ünïcode | bar", "class", "```yaml", "## METADATA", '"quoted" $x$']
)
references = st.builds(
    lambda number, paper: Reference("equation", number, paper),
    st.sampled_from(NUMBERS),
    st.sampled_from(["", *IDS]),
)
sides = st.lists(references, max_size=2).map(tuple)


def contexts_of(paper: str) -> st.SearchStrategy[Context]:
    numbers = st.lists(st.sampled_from(NUMBERS), unique=True, max_size=4)
    equations = numbers.flatmap(
        lambda chosen: st.tuples(
            *(st.builds(Equation, st.just(one), names, requires=sides, used_by=sides) for one in chosen)
        )
    )
    algorithm = st.builds(Algorithm, st.just("1"), names, pseudocode=st.sampled_from(["", "1: x [Eq 2]"]))
    algorithms = st.lists(algorithm, max_size=1).map(tuple)
    return st.builds(Context, st.just(paper), names, equations=equations, algorithms=algorithms)


collections = (
    st.lists(st.sampled_from(IDS), unique=True, min_size=1)
    .flatmap(lambda ids: st.tuples(*map(contexts_of, ids)))
    .map(list)
)


@settings(max_examples=25)
@given(collections, st.sampled_from(["full", "validate", "benchmark", "extend"]), st.randoms())
def test_order_changes_no_byte_and_every_plan_is_read_back(contexts, intent, random):
    text = render(plan(contexts, intent))
    shuffled = [
        replace(context, equations=tuple(random.sample(context.equations, len(context.equations))))
        for context in random.sample(contexts, len(contexts))
    ]
    again = plan(shuffled, intent)
    assert render(again) == text
    assert parse(text) == again


@settings(max_examples=25)
@given(collections)
def test_tasks_wait_only_for_earlier_ones_and_files_are_unique(contexts):
    made = plan(contexts)
    seen: set[str] = set()
    for task in made.tasks:
        assert set(task.needs) <= seen
        seen.add(task.id)
    paths = [file.path for file in made.files]
    assert len(paths) == len(set(paths))
    assert len({path.lower() for path in paths}) == len(paths)  # file systems that fold case


def test_the_order_of_statuses_changes_no_byte(papers):
    made = plan(papers)
    states = {"delta:4": "passing", "river:1": "failing", "gate pytest": "passing"}
    assert render(made, states) == render(made, dict(reversed(states.items())))


def test_the_date_is_that_of_the_newest_context_or_the_one_given(papers):
    assert plan(papers).generated == "2025-03-04"
    assert plan(papers, generated="2026-01-01").generated == "2026-01-01"
    assert "**Generated:** no date stated" in render(plan([Context("bare")]))


@pytest.mark.parametrize(
    ("wanted", "folder"),
    [
        ("", "spring-river-delta"),
        ("Water Works!", "water-works"),
        ("torch", "torch-project"),  # a package of that name would hide what the project imports
        ("queue", "queue-project"),
        ("class", "class-project"),
    ],
)
def test_the_project_is_named_for_its_papers_or_as_wanted(papers, wanted, folder):
    package = folder.replace("-", "_")
    made = plan(papers, project=wanted)
    assert (made.project, made.package) == (folder, package)
    assert f"src/{package}/model.py" in {file.path for file in made.files}


def test_a_thousand_equations_are_all_planned():
    contexts = [
        Context(
            f"p{paper}",
            equations=tuple(
                Equation(
                    str(number),
                    f"Part {number}",
                    requires=(Reference("equation", str(number - 1)),) if number > 1 else (),
                )
                for number in range(1, 51)
            ),
        )
        for paper in range(20)
    ]
    made = plan(contexts)
    assert len(made.of_kind("equation")) == 1000
    assert max(part.level for part in made.parts) == 50
    assert render(made).count("| p7 |") == 50


def test_a_name_without_words_is_refused(papers):
    with pytest.raises(UserError, match="cannot name a project"):
        plan(papers, project="!?")
