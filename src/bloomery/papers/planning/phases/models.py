"""Phase 4: a model for each paper, of its modules and those they stand on."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check
from bloomery.papers.planning.planned import Group, Part, Phase
from bloomery.papers.planning.tasks import Tasks

MODEL_TESTS = (
    ("test_forward_pass", "tokens go in, finite logits of the right shape come out"),
    ("test_backward_pass", "every parameter gets a gradient"),
    ("test_parameter_count", "there are as many parameters as the paper or its formula says"),
    ("test_checkpoint_save_load", "what was saved and loaded gives the same logits"),
)
EXTENSION = "extensions/extension.py"
EXTENSION_TEST = "tests/test_integration/test_extension.py"
ROUND_TRIP = "tests/test_integration/test_forward_backward.py"


def models(design: Design, tasks: Tasks) -> Phase:
    by_id = {part.id: part for part in design.parts}
    first = "4.1" if design.has("extension") else "4"
    for paper, parts in design.of_paper.items():
        top = max(part.level for part in parts)
        tasks.add(
            first,
            "model",
            design.model(paper),
            key=f"model {paper}",
            after=_tops(parts, by_id),
            file=design.source(f"models/{design.homes[paper]}.py"),
            passes=design.model_test(paper),
            detail=f"Level 0-{top} modules",
        )
    tasks.add(
        first,
        "model",
        "from_config",
        after=[f"model {paper}" for paper in design.of_paper],
        file=design.source("model.py"),
        passes=ROUND_TRIP,
        detail="any of the models, by the name in its config",
    )
    tests = [design.model_test(paper) for paper in design.of_paper]
    groups = [
        Group(
            number=first,
            title="Models",
            commands=("uv run pytest tests/test_integration -v",),
            expected="All pass",
            checks=tuple(
                Check(text=f"`{name}`: {what}", of=tuple(f"{test}::{name}" for test in tests))
                for name, what in MODEL_TESTS
            ),
        )
    ]
    if design.has("extension"):
        groups.append(_extension(design, tasks))
    return Phase(
        number=4,
        title="Model Assembly",
        about="All modules together, as one model for each paper.",
        groups=tuple(groups),
    )


def _tops(parts: list[Part], by_id: dict[str, Part]) -> list[str]:
    """The parts of a paper on which no other of its parts stands."""
    paper = parts[0].paper
    return [
        f"code {part.id}"
        for part in parts
        if not any(one in by_id and by_id[one].paper == paper for one in part.used_by)
    ]


def _extension(design: Design, tasks: Tasks) -> Group:
    tasks.add(
        "4.2",
        "extension",
        "The extension",
        after=(design.source("model.py"),),
        file=design.source(EXTENSION),
        passes=EXTENSION_TEST,
        priority="P1",
        detail="one change to the ground, off by default: off, the logits are the ground's to the bit",
    )
    return Group(
        number="4.2",
        title="Extension",
        commands=(f"uv run pytest {EXTENSION_TEST} -v",),
        expected="All pass",
        checks=(Check(text="Switched off, the extension changes no bit", of=(EXTENSION_TEST,)),),
    )
