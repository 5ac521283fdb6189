"""The five points at which somebody can see how far the project is, and the degrees of success."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check, Checkpoint, Goal
from bloomery.papers.planning.phases.core import ground_of, pytest
from bloomery.papers.planning.phases.finishing import QUALITY
from bloomery.papers.planning.phases.training import SMALL

STEPS = 100
LONG_RUN = 1000
GOALS_OF_CLAIMS = {"full": 10, "stretch": 5}  # per cent of the paper's number


def checkpoints_of(design: Design) -> tuple[Checkpoint, ...]:
    return (_foundation(design), _papers(design), _model(design), _training(design), _quality())


def _foundation(design: Design) -> Checkpoint:
    tests = tuple(f"tests/test_layers/{one.test}" for one in ground_of(design))
    return Checkpoint(
        number=1, title="Foundation Tests Pass", commands=pytest(tests), expected="All pass", of=tests
    )


def _papers(design: Design) -> Checkpoint:
    commands = []
    for paper, parts in design.of_paper.items():
        folders = sorted({part.test.rpartition("/")[0] for part in parts})
        commands.append(f"uv run pytest {' '.join(folders)} -v  # {paper}")
    return Checkpoint(
        number=2,
        title="Each Paper Complete",
        commands=tuple(commands),
        expected="All pass, none skipped",
        of=tuple(part.id for part in design.parts),
    )


def _model(design: Design) -> Checkpoint:
    left_out = "" if design.has("model") else f"The intent {design.intent.name} assembles no model."
    return Checkpoint(
        number=3,
        title="Full Model Runs",
        language="python",
        commands=(
            "import torch",
            "",
            f"from {design.package}.model import from_config",
            "",
            f'model = from_config("{SMALL}")',
            "tokens = torch.randint(0, model.vocab_size, (2, 64))",
            "logits = model(tokens)",
            "assert logits.shape == (2, 64, model.vocab_size)",
            "assert torch.isfinite(logits).all()",
        ),
        expected="No assertion fails",
        of=("gate forward pass",),
        left_out=left_out,
    )


def _training(design: Design) -> Checkpoint:
    left_out = "" if design.has("training") else f"The intent {design.intent.name} trains nothing."
    command = f"uv run python -m {design.package}.train --config {SMALL} --max-steps {STEPS}"
    return Checkpoint(
        number=4,
        title="Training Runs",
        commands=(command,),
        expected=f"No errors, and the loss after {STEPS} steps is below the first",
        of=(f"gate training {STEPS} steps",),
        left_out=left_out,
    )


def _quality() -> Checkpoint:
    return Checkpoint(
        number=5,
        title="Quality Gates Pass",
        commands=tuple(command for _, command, _ in QUALITY),
        expected="All pass",
        of=tuple(f"gate {name}" for name, _, _ in QUALITY),
    )


def goals_of(design: Design) -> tuple[Goal, ...]:
    """Minimum, full and stretch."""
    equations = tuple(part.id for part in design.parts if part.kind == "equation")
    least = [Check(text=f"All {len(equations)} equations implemented, with passing tests", of=equations)]
    if design.has("model"):
        least.append(Check(text="The model's forward pass works", of=("gate forward pass",)))
    if design.has("training"):
        long = f"gate training {LONG_RUN} steps"
        least.append(Check(text=f"Training runs for {LONG_RUN} steps without a crash", of=(long,)))
    quality = tuple(f"gate {name}" for name, _, _ in QUALITY)
    least += [
        Check(text="The code passes all quality gates", of=quality),
        Check(text="The documentation is complete", of=("7",)),
    ]
    minimum = tuple(one for check in least for one in check.of)
    mutated = Check(
        text="Each equation's test kills a planted sign, index or decay mutation",
        of=equations,
        at_least="mutation-tested",
    )
    full, stretch = _compared(design, "full"), _compared(design, "stretch")
    return (
        Goal(title="Minimum Viable Success", checks=tuple(least)),
        Goal(title="Full Success", checks=(Check(text="All of the above", of=minimum), mutated, *full)),
        Goal(
            title="Stretch Goals",
            checks=(
                *stretch,
                Check(text="Faster versions, each tested to compute the same", of=("gate faster",)),
                Check(text="Ablations beyond the papers'", of=("gate ablations",)),
            ),
        ),
    )


def _compared(design: Design, degree: str) -> list[Check]:
    """Checks against the papers' numbers; where none is planned for, there are none."""
    percent = GOALS_OF_CLAIMS[degree]
    checks = []
    if design.claims:
        text = f"Results within {percent} % of the papers' ({len(design.claims)} claims)"
        checks.append(Check(text=text, of=tuple(f"{one.id} within {percent} %" for one in design.claims)))
    if degree == "full" and design.has("training"):
        checks += [
            Check(text="Training follows the papers' learning curves", of=("gate learning curves",)),
            Check(text="Checkpoints of the models are available", of=("gate model checkpoints",)),
        ]
    if degree == "full" and design.has("extension"):
        checks.append(Check(text="The extension is measured against the ground", of=("gate extension",)))
    return checks
