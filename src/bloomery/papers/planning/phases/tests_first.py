"""Phase 2: a test for each equation, before there is code."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check
from bloomery.papers.planning.phases.setup import CONFTEST
from bloomery.papers.planning.planned import Group, Part, Phase
from bloomery.papers.planning.tasks import Tasks
from bloomery.papers.written import number_key

STANDARD = (
    ("test_output_shape", "the result has the declared shape"),
    ("test_gradient", "the gradient agrees with finite differences in float64"),
    ("test_numerical_stability", "the result is finite over the declared domain"),
    ("test_determinism", "equal inputs and seeds give equal bits"),
    ("test_batch_independence", "a row's result does not depend on the other rows"),
    ("test_edge_cases", "zeros, ones, one token, an empty batch"),
)


def tests_first(design: Design, tasks: Tasks) -> Phase:
    groups: list[Group] = []
    for paper, parts in design.of_paper.items():
        equations = [part for part in parts if part.kind == "equation"]
        if equations:
            groups.append(_paper(design, tasks, f"2.{len(groups) + 1}", paper, equations))
    return Phase(
        number=2,
        title="Equation Tests (Test-First)",
        about="Each equation gets its test before it gets its code, against an oracle that shares none of "
        "that code: a closed form, a limiting case, float64 by hand.",
        groups=tuple(groups),
    )


def _paper(design: Design, tasks: Tasks, group: str, paper: str, equations: list[Part]) -> Group:
    for part in sorted(equations, key=lambda one: (number_key(one.label), one.label)):
        tasks.add(
            group,
            "equation test",
            f"{part.label}: {part.name}" if part.name else part.label,
            key=f"test {part.id}",
            after=(CONFTEST,),
            doubts=part.doubts,
            file=part.test,
            equations=(part.id,),
            priority=part.priority,
        )
    return Group(
        number=group,
        title=f"{paper} equations",
        commands=(f"uv run pytest tests/test_equations/{design.homes[paper]} -v",),
        expected='Every test fails with "not implemented", none is an error of its own',
        checks=(
            Check(text="All tests written", of=(group,), at_least="failing"),
            Check(
                text="All tests were seen to fail, each with the number of its equation",
                of=(f"gate {paper} tests seen to fail",),
            ),
            Check(
                text=f"Each equation has the {len(STANDARD)} standard tests, or the reason why one does not "
                "apply, and one against an independent oracle",
                of=tuple(part.id for part in equations),
                at_least="failing",
            ),
        ),
    )
