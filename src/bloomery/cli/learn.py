"""bloomery learn: a model climbs from what it mostly solves to the hardest, by its own verified solutions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.language import AskModels, language_models
from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Base,
    Difficulties,
    Output,
    Tasks,
    WorkspacePath,
    print_json,
)
from bloomery.cli.quality import rate
from bloomery.cli.tables import print_fields, print_table
from bloomery.cli.training import (
    Batch,
    Every,
    Part,
    Rate,
    Seed,
    SeqLen,
    Steps,
    exam_of,
    given_folder,
    graded_mixture,
    told,
    training,
)
from bloomery.cli.wording import number
from bloomery.forge.curriculum.settings import (
    ClimbConfig,
    PrinciplesConfig,
    SelfModelConfig,
    StaircaseConfig,
)
from bloomery.training.config import TrainConfig
from bloomery.training.presets import PRESETS

if TYPE_CHECKING:
    from pathlib import Path

    from bloomery.agents.problems import ModelProblems
    from bloomery.forge.curriculum.learned_folder import Learned
    from bloomery.forge.stages.curriculum import CurriculumStageConfig

Target = Annotated[float, typer.Option(help="Share of problems solved where it begins.", min=0, max=1)]
Asked = Annotated[int, typer.Option(help="Problems a task, at most, to find where that is.", min=1)]
Rungs = Annotated[int, typer.Option(help="Levels of the ladder from there.", min=1)]
Hardest = Annotated[
    int | None, typer.Option(help="Difficulty at which the ladder ends. Default: each task's own hardest.")
]
PoolSize = Annotated[int, typer.Option(help="Problems on a rung, of all tasks together.", min=1)]
Round = Annotated[int, typer.Option(help="Optimizer steps between two attempts at them.", min=1)]
Temperature = Annotated[
    float, typer.Option(help="Of the attempts; low, so that success is no luck.", min=0.01)
]
Replay = Annotated[float, typer.Option(help="Share of rows that repeat lower rungs.", min=0, max=1)]
Dreams = Annotated[float, typer.Option(help="Share of rows that the model dreams about them.", min=0, max=1)]
SelfModel = Annotated[
    int, typer.Option(help="Steps in which it predicts its own activations after the climb; 0: none.", min=0)
]
Principles = Annotated[
    bool, typer.Option("--principles", help="Bake in prompts of values, of a way to act and of who it is.")
]
Counted = Annotated[int, typer.Option(help="Held-out examples a task and rung, if it has so many.", min=1)]


def learn(
    base: Base,
    output: Output,
    task: Tasks = [],
    difficulty: Difficulties = [],
    target: Target = StaircaseConfig.target,
    asked: Asked = StaircaseConfig.most,
    rungs: Rungs = ClimbConfig.rungs,
    hardest: Hardest = None,
    pool: PoolSize = ClimbConfig.pool,
    round_steps: Round = ClimbConfig.round_steps,
    temperature: Temperature = ClimbConfig.temperature,
    replay: Replay = ClimbConfig.replay,
    dreams: Dreams = ClimbConfig.dreams,
    self_model: SelfModel = 0,
    principles: Principles = False,
    steps: Steps = 300,
    lr: Rate = PRESETS["curriculum"].lr,
    batch: Batch = TrainConfig.micro_batch,
    seq_len: SeqLen = 128,
    checkpoint_every: Every = TrainConfig.checkpoint_every,
    seed: Seed = 0,
    count: Counted = 48,
    ask_models: AskModels = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Teach a model harder and harder problems of tasks, on its own solutions that were right; on full or
    latent weights.

    The difficulties named are those that it knows: the ladder begins where it solves most. Of latent weights
    the output is packed, and OUTPUT-latent holds them. Held-out examples of each rung say how far it came.
    Stopped or killed, the same command goes on from the last checkpoint. With --ask-models the problems are
    written by language models, and every answer is computed again.
    """
    from bloomery.forge.curriculum.learned_folder import learn_folder
    from bloomery.forge.fine_tuning import fine_tuning
    from bloomery.forge.stages.curriculum import CurriculumStageConfig, work

    mixture = graded_mixture(task, difficulty)
    config = CurriculumStageConfig(
        mixture=mixture, exam=exam_of(count), examined=count, uniform=False,
        fit=fine_tuning({}, preset="curriculum", steps=steps, lr=lr, batch=batch, seq_len=seq_len,
                        checkpoint_every=checkpoint_every),
        staircase=StaircaseConfig(target=target, most=asked),
        climb=ClimbConfig(
            rungs=rungs, hardest={} if hardest is None else dict.fromkeys(mixture, hardest), pool=pool,
            round_steps=round_steps, temperature=temperature, replay=replay, dreams=dreams),
        self_model=SelfModelConfig(steps=self_model),
        principles=PrinciplesConfig() if principles else PrinciplesConfig(prompts={}),
    )  # fmt: skip
    folder = given_folder(base, output, workspace)
    given = {"proposer": _model_problems(workspace)} if ask_models else {}
    times = {"introspect": 2, "principles": len(config.principles.prompts)}
    amounts = {name: amount for name, amount in work(config).items() if name in PARTS}
    with training({name: Part(amount, times.get(name, 1)) for name, amount in amounts.items()}) as watch:
        learned = learn_folder(folder, output, config, seed=seed, watch=watch, **given)
    _show(folder, output, config, learned, as_json=as_json)


PARTS = ("assess", "climb", "introspect", "principles")


def _model_problems(workspace: "Path") -> "ModelProblems":
    from bloomery.agents.problems import ModelProblems

    router = language_models(workspace)
    return ModelProblems(router.ask, "language models " + ", ".join(one.name for one in router.candidates))


def _show(
    folder: "Path", output: "Path", config: "CurriculumStageConfig", learned: "Learned", *, as_json: bool
) -> None:
    from bloomery.forge.curriculum.learned_folder import latent_of
    from bloomery.forge.curriculum.looking import before_and_after
    from bloomery.forge.packed_folder import is_packed

    before, after = before_and_after(folder, output, config)
    latent = latent_of(output) if is_packed(output) else None
    frontier = min(learned.reached_before, len(learned.rates) - 1)
    levels = {name: levels[frontier] for name, levels in learned.ladder.items()}
    at = {"rung": frontier + 1, "difficulty": levels, "before": learned.before[frontier],
          "after": learned.rates[frontier]}  # fmt: skip
    if as_json:
        print_json({"folder": output, "latent": latent, "target": config.staircase.target,
                    "learned": learned, "frontier": at, "before": told(before),
                    "after": told(after)})  # fmt: skip
        return
    lost = f"{number(learned.forgotten)} accuracy on rungs that were left"
    print_fields([("model", output), ("latent", latent), ("frontier", _frontier(at)), ("forgotten", lost)])
    rows: list[list[Any]] = [
        [number(place + 1), *(number(levels[place]) for levels in learned.ladder.values()), *pair]
        for place, pair in enumerate(zip(learned.before, learned.rates, strict=True))
    ]
    columns = ["rung", *learned.ladder, "before", "after"]
    print_table(columns, rows, title="\naccuracy on each rung, held-out examples (tasks: difficulty)")
    solved = f"rungs with {config.staircase.target:.0%} from the first on"
    print_table(
        ["", "before", "after"],
        [[solved, number(learned.reached_before), number(learned.reached)],
         *([f"left of the prompt '{name}'", "1", number(left)] for name, left in learned.residuals.items()),
         *([f"accuracy: {name}", rate(before[name]), rate(one)] for name, one in after.items())],
        title="\nwhat it reaches, and what it could before",
    )  # fmt: skip


def _frontier(at: dict[str, Any]) -> str:
    where = ", ".join(f"{name} {level}" for name, level in at["difficulty"].items())
    return f"rung {at['rung']} ({where}): {number(at['before'])} before, {number(at['after'])} after"
