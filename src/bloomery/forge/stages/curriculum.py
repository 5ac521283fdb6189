"""curriculum: from where the model solves three of four problems up to the hardest, rung by rung.

A staircase finds where that is. On each of ten rungs the model is tried on a pool of problems, learns from
its own verified solutions and from hints, and goes on when the pool is mastered; it replays what it solved on
lower rungs and dreams about it. Then it models itself, and prompts of values, of a way to act and of who it
is are baked in. What is measured and shipped is the packed form of the edited weights.

Source: arXiv 2203.14465 (STaR: learning from verified solutions), 2407.10188 (self-modelling),
2409.13697 (prompt baking)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.curriculum.settings import (
    ClimbConfig,
    PrinciplesConfig,
    SelfModelConfig,
    StaircaseConfig,
)
from bloomery.forge.judging import THOUGHTS, JudgedConfig, accurate, claims_hold, quick, thinks
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Metric, Port, Stage, StageRun
from bloomery.tasks.ingredient import Ingredient

ROOM = "bloomery.forge.curriculum"
FORWARD = 3  # reading a token costs a third of training on it


@dataclass(frozen=True, kw_only=True)
class CurriculumBarsConfig:
    """What the model must reach on held-out examples to be kept."""

    rungs: int = option(1, help="fewest rungs gained over the given model", low=0)
    kept: float = option(0.95, help="smallest share of the given model's mean accuracy", low=0)
    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    over_uniform: float = option(1.5, help="rungs over those of uniform training (reported)", low=0)
    forgotten: float = option(0.1, help="most accuracy lost on rungs that were left (reported)")
    residual: float = option(0.2, help="largest residual of a baked prompt (reported)", low=0)
    thinking: float | None = option(
        None, help="smallest share of the given model's accuracy after own thoughts; empty: reported", low=0
    )
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class CurriculumStageConfig(JudgedConfig):
    """What the model learns on its way up, and how it is examined."""

    fit: FitConfig = option(help="training of the climb; the pool decides what it shows, so no mixture")
    staircase: StaircaseConfig = option(StaircaseConfig(), help="where the ladder begins")
    climb: ClimbConfig = option(ClimbConfig(), help="how the ladder is climbed")
    uniform: bool = option(
        True, help="whether as many tokens spent evenly over all rungs are measured beside"
    )
    unrehearsed: bool = option(False, help="whether a climb without replay and dreams is measured beside")
    self_model: SelfModelConfig = option(SelfModelConfig(), help="self-modelling after the climb")
    principles: PrinciplesConfig = option(PrinciplesConfig(), help="prompts that are baked in")
    examined: int = option(48, help="held-out problems a task and rung", low=1)
    bars: CurriculumBarsConfig = option(CurriculumBarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        self.check_judged(self.bars.accuracy)
        self.check_tasks("climb.hardest", self.climb.hardest)
        self.check_tasks("climb.tasks", self.climb.tasks)
        for given in (self.fit, self.principles.fit):
            given.on(self.mixture)
        if self.fit.steps is None:
            raise ConfigError("a climb has no epochs: give fit.steps, the most optimizer steps")
        if workers := self.fit.loop(steps=1, seed=0).workers:
            raise ConfigError(
                f"fit.train.workers is {workers}: what is shown next depends on how the model did, so rows "
                "are drawn as they are needed; set it to 0"
            )
        if self.self_model.steps:
            self.self_modelling()

    def self_modelling(self) -> FitConfig:
        """The climb's training, as long and as slow as self-modelling is.

        Raises: ConfigError where the climb's warm-up does not fit into its steps.
        """
        wanted, given = self.self_model, self.fit
        if given.schedule.warmup_steps >= wanted.steps:
            raise ConfigError(
                f"self_model.steps is {wanted.steps} and fit.schedule.warmup_steps, which it shares, "
                f"{given.schedule.warmup_steps}: give it more steps, or the climb a shorter warm-up"
            )
        slower = {**given.muon_grokfast, "lr": wanted.rate * given.muon_grokfast["lr"]}
        return replace(given, steps=wanted.steps, muon_grokfast=slower)

    def climbed(self) -> dict[str, Ingredient]:
        """The part of the mixture in which there is something to climb."""
        wanted = self.climb.tasks or tuple(self.mixture)
        return {name: given for name, given in self.mixture.items() if name in wanted}


def forge(at: StageRun) -> Mapping[str, str]:
    """The taught model, the weights behind it, the ladder that it climbed, and what is claimed of it."""
    config: CurriculumStageConfig = at.config
    step = partial(_step, at)
    edited = at.inputs.get("latent") or at.inputs["model"]
    ladder = step("assess", "tutoring", "find_ladder", {"edited": edited})["ladder"]
    climbed = last = step("climb", "tutoring", "climb", {"edited": edited, "ladder": ladder})
    on, logs = {"edited": edited, "ladder": ladder, "log": climbed["log"]}, {"climb": climbed["log"]}
    if config.uniform:
        logs["uniform"] = step("uniform", "tutoring", "train_evenly", on)["log"]
    if config.unrehearsed:
        logs["unrehearsed"] = step("unrehearsed", "tutoring", "climb_unrehearsed", on)["log"]
    if config.self_model.steps:
        last = step("introspect", "introspecting", "introspect", on | {"edited": last["latent"]})
        logs["introspect"] = last["log"]
    unbaked = last["model"]
    if config.principles.prompts:
        last = step("principles", "principles", "instil", on | {"edited": last["latent"]})
        logs["principles"] = last["log"]
    claims = step("claim", "claiming", "claim", {"model": last["model"], "ladder": ladder, **logs})
    return {
        "model": last["model"], "latent": last["latent"], "unbaked": unbaked, "ladder": ladder, **claims
    }  # fmt: skip


def _step(
    at: StageRun, name: str, module: str, function: str, inputs: Mapping[str, str]
) -> Mapping[str, str]:
    work = Deferred(f"{ROOM}.{module}", function)
    return at.step(name, work, config=at.config, inputs=inputs).outputs


RUNGS, KEPT, OVER_UNIFORM, FRONTIER = "rungs gained", "accuracy kept", "rungs over uniform", "at the frontier"
FORGOTTEN = "forgotten on the way"
SELF_MODEL, SELF_COST = "own activations predicted", "accuracy over no self-modelling"
TEMPERATURE, RESIDUAL = "own temperature told", "baked prompts' residual"


def checks(config: CurriculumStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    target = f"{config.staircase.target:.0%}"
    return (
        Check(name=RUNGS, bar=Bar(op=">=", value=bars.rungs), unit="rungs",
              meaning=f"rungs from the first on with {target} of held-out problems solved, minus the given "
              "model's; baseline: the given model's"),
        Check(name=KEPT, bar=Bar(op=">=", value=bars.kept), unit="of the accuracy",
              meaning="mean accuracy on the recipe's exam over the given model's; baseline: the latter"),
        claims_hold(),
        *thinks(config, bars.thinking),
        *accurate(bars.accuracy),
        Check(name=FORGOTTEN, bar=Bar(op="<=", value=bars.forgotten), unit="accuracy", required=False,
              meaning="mean over the rungs left of best accuracy since then minus the shipped model's; "
              "baseline: the same of a climb without replay and dreams, where that was run"),
        *(_over_uniform(bars.over_uniform) if config.uniform else ()),
        *(_self_knowledge(len(config.self_model.temperatures)) if config.self_model.steps else ()),
        *(_baked(bars.residual) if config.principles.prompts else ()),
        quick(bars.latency_ms),
    )  # fmt: skip


def _over_uniform(bar: float) -> tuple[Check, ...]:
    return (
        Check(name=OVER_UNIFORM, bar=Bar(op=">=", value=bar), unit="times", required=False,
              meaning="rungs of the climb over those after as many training tokens spread evenly over all "
              "rungs (at least 1), measured before what comes after the climb; baseline: uniform's rungs"),
        Check(name=FRONTIER, bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
              meaning="accuracy on the first rung that the given model does not reach, minus that of uniform "
              "training; baseline: uniform's"),
    )  # fmt: skip


def _self_knowledge(temperatures: int) -> tuple[Check, ...]:
    return (
        Check(name=SELF_MODEL, bar=Bar(op=">", value=0.0), unit="of the variance", required=False,
              meaning="R squared of the predicted activations on held-out problems, minus that where they "
              "were not trained to be predictable; baseline: the latter"),
        Check(name=SELF_COST, bar=Bar(op=">=", value=0.0), unit="accuracy", required=False,
              meaning="mean accuracy over rungs with self-modelling minus without, on fresh problems; "
              "baseline: without"),
        Check(name=TEMPERATURE, bar=Bar(op=">", value=1 / temperatures), unit="accuracy", required=False,
              meaning="how often the model tells at which temperature it wrote a held-out text; baseline: "
              "the best that its distribution allows"),
    )  # fmt: skip


def _baked(bar: float) -> tuple[Check, ...]:
    return (
        Check(name=RESIDUAL, bar=Bar(op="<=", value=bar), unit="of the divergence", required=False,
              meaning="largest KL(prompted || shipped) over KL(prompted || not baked) of the prompts, on "
              "held-out questions; prompted is the model before the first bake"),
    )  # fmt: skip


def work(config: CurriculumStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads, but for the climb's attempts; exams read at a third of training's cost."""
    tasks, each = max(1, len(config.mixture)), config.fit.seq_len
    rungs = (config.climb.rungs + 1) * tasks * each // FORWARD
    climb = config.fit.work()
    chosen, tested = config.tokens(each)
    steps = {"assess": tasks * config.staircase.most * each // FORWARD, "climb": climb}
    steps |= {"uniform": config.fit.work() + config.examined * rungs} if config.uniform else {}
    steps |= {"unrehearsed": climb} if config.unrehearsed else {}
    known, baked = config.self_model, config.principles
    if known.steps:
        steps["introspect"] = 2 * known.steps * config.fit.batch() * each + 2 * config.examined * rungs
    if baked.prompts:
        steps["principles"] = 2 * len(baked.prompts) * baked.fit.work()
    examined = config.examined * rungs
    measured = 2 * tested + chosen + 3 * examined + config.thinking(each)
    return steps | {"claim": chosen + examined, "measure": measured, "clock": 5000}


def data(config: CurriculumStageConfig) -> str:
    return f"The model's own verified solutions of generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="curriculum",
    summary="from problems that it mostly solves up to the hardest, by its own verified solutions",
    source="arXiv 2203.14465 (STaR), 2407.10188 (self-modelling), 2409.13697 (Prompt Baking)",
    config=CurriculumStageConfig,
    inputs=(
        Port(name="model", meaning="the model to teach"),
        Port(name="latent", kind="latent model", meaning="the weights behind a packed model", optional=True),
    ),
    outputs=(
        Port(name="model", meaning="the taught model, packed where the given one was"),
        Port(name="latent", kind="latent model", meaning="the weights behind it, to train on"),
        Port(name="unbaked", meaning="the model before prompts were baked in, to measure them against"),
        Port(
            name="ladder",
            kind="ladder",
            meaning="where each task's rungs are and how that was found, as JSON",
        ),
        Port(name="claims", kind="claims", meaning="accuracies on selection examples and what was compared"),
    ),
    metrics=(
        Metric(name="climb/rung", over="optimizer steps", meaning="the rung that is being climbed"),
        Metric(name="climb/open_problems", over="optimizer steps", meaning="of the rung's pool"),
        Metric(name="climb/solved_without_hint", over="optimizer steps", meaning="share of the attempts"),
        Metric(name="accuracy after rung <number>", over="rungs", meaning="a row of the forgetting matrix"),
        Metric(name="accuracy before consolidation", over="rungs", meaning="when the attempts ended"),
        Metric(name="accuracy after consolidation", over="rungs", meaning="when the training ended"),
        Metric(name="staircase/asked_<task>", over="difficulty", meaning="problems asked"),
        Metric(name="staircase/solved_<task>", over="difficulty", meaning="problems solved"),
        Metric(name="rung accuracy/<model>", over="rungs", meaning="on held-out problems"),
        Metric(name="test accuracy/<model>", over="nothing", meaning="mean over tasks, on test examples"),
        THOUGHTS,
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(f"{ROOM}.measuring", "measure_taught"),
    clock=Deferred(f"{ROOM}.measuring", "clock_taught"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.curriculum", "estimate"),
)
