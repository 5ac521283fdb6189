"""Phase 5: what trains the models, and what compares them with the papers."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.environments import SMALL as SIZES_SMALL
from bloomery.papers.planning.judged import Check, Claim, Config
from bloomery.papers.planning.phases.models import EXTENSION
from bloomery.papers.planning.planned import Group, Phase, TaskKind
from bloomery.papers.planning.tasks import Tasks

TRAINING_TEST = "tests/test_integration/test_training_step.py"
SMALL, DEFAULT = "configs/small.yaml", "configs/default.yaml"
EXTENDED = "configs/extension.yaml"
FEATURES = (
    ("Learning rate scheduling", "test_learning_rate_follows_its_schedule"),
    ("Gradient clipping", "test_gradients_are_clipped"),
    ("Checkpointing", "test_training_resumes_from_a_checkpoint"),
    ("Logging (wandb optional)", "test_metrics_are_logged"),
    ("Early stopping", "test_training_stops_early"),
    ("Mixed precision (optional)", "test_mixed_precision_agrees_with_full"),
)


def training(design: Design, tasks: Tasks) -> Phase:
    group = "5.1" if design.claims else "5"
    model = design.source("model.py")
    train = design.source("train.py")
    components = [
        (design.source("data.py"), "loading of data, the same for the same seed", (model,)),
        (design.source("metrics.py"), "logging of metrics", ()),
        (DEFAULT, "the configuration for this environment", ()),
        (SMALL, "a model that trains in seconds, for tests", ()),
        *((design.config(paper), f"the settings of {paper}", ()) for paper in design.of_paper),
        (train, "the training loop", (model, design.source("data.py"), design.source("metrics.py"), SMALL)),
        (design.source("inference.py"), "generation from a checkpoint", (train,)),
    ]
    if design.has("extension"):
        components.append(
            (EXTENDED, "the default with the extension on", (design.source(EXTENSION), DEFAULT))
        )
    if design.has("notebook"):
        components += [
            (name, "trains the small model and looks at it", (train,))
            for name in design.environment.notebooks
        ]
    for file, what, after in components:
        judge = TRAINING_TEST if file == train else ""
        kind: TaskKind = "config" if file.startswith("configs/") else "training"
        tasks.add(group, kind, what, after=after, file=file, passes=judge, priority="P1")
    groups = [
        Group(
            number=group,
            title="Training",
            commands=(f"uv run pytest {TRAINING_TEST} -v",),
            expected="All pass",
            checks=tuple(Check(text=text, of=(f"{TRAINING_TEST}::{test}",)) for text, test in FEATURES),
        )
    ]
    if design.claims:
        groups.append(_claims(design, tasks, train))
    return Phase(
        number=5,
        title="Training Infrastructure",
        about=f"Training that starts at once on the small configuration. {design.environment.note}",
        groups=tuple(groups),
    )


def _claims(design: Design, tasks: Tasks, train: str) -> Group:
    evaluate = design.source("evaluate.py")
    tasks.add(
        "5.2",
        "training",
        "Evaluation",
        after=(train,),
        file=evaluate,
        priority="P1",
        detail="runs what a claim needs; data that is not there is an error, never replaced",
    )
    for claim in design.claims:
        tasks.add(
            "5.2",
            "claim",
            f"{claim.paper}: {claim.dataset}",
            key=claim.id,
            after=(evaluate, design.config(claim.paper)),
            passes=claim.id,
            priority="P2",
            detail=told(claim),
        )
    return Group(
        number="5.2",
        title="Claims",
        commands=("bloomery paper bench .",),
        expected="Each claim is reproduced, or stated as not reproduced or not run",
    )


def configs_of(design: Design) -> tuple[Config, ...]:
    """Small is the same everywhere, default is what the environment can carry."""
    if not design.has("training"):
        return ()
    return (Config(path=DEFAULT, sizes=design.environment.default), Config(path=SMALL, sizes=SIZES_SMALL))


def told(claim: Claim) -> str:
    """`perplexity 18.6 (lower is better), Table 2`."""
    better = {"up": " (higher is better)", "down": " (lower is better)", "": ""}[claim.direction]
    figure = " ".join(one for one in (claim.metric, claim.value) if one)
    return f"{figure}{better}" + (f", {claim.source}" if claim.source else "")
