"""baking: prompts that make the model better become a part of its weights.

Two cycles take turns until neither gains: prompts that tell of tools, judged by calls that are carried out,
and personas that the model proposes for itself, judged on held-out examples. The winner of each round is
baked; what it left of the prompt's effect is measured again from disk, in the packed form.

Source: arXiv 2409.13697 (Prompt Baking)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError, UnknownName
from bloomery.core.evidence import Bar, Check
from bloomery.forge.baking.settings import BakeConfig, CyclesConfig, ToolsConfig
from bloomery.forge.judging import THOUGHTS, JudgedConfig, accurate, claims_hold, quick, thinks
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Metric, Port, Stage, StageRun
from bloomery.tasks.tools.registry import TOOL_TASKS

FORGING, MEASURING = "bloomery.forge.baking.forging", "bloomery.forge.baking.measuring"
FORWARD = 3  # reading a token costs a third of training on it


@dataclass(frozen=True, kw_only=True)
class BakingBarsConfig:
    """What the baked model must reach on held-out queries to be kept."""

    residual: float = option(0.2, help="largest share of a prompt's effect that a bake may leave", low=0)
    effect: float = option(0.01, help="smallest effect of a baked prompt, nats a written token", low=0)
    kept: float = option(0.95, help="smallest share of the given model's mean accuracy", low=0)
    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    drift: float = option(0.1, help="largest change where no prompt asks for one, of the effect (reported)")
    turns: float = option(0.5, help="largest residual ratio after distractor turns (reported)", low=0)
    thinking: float | None = option(
        None, help="smallest share of the given model's accuracy after own thoughts; empty: reported", low=0
    )
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class BakingStageConfig(JudgedConfig):
    """Which prompts are tried, and how the best of them are baked."""

    bake: BakeConfig = option(BakeConfig(), help="how one prompt is baked")
    fit: FitConfig = option(help="training of each bake; the recipe's mixture gives its queries")
    teach: FitConfig | None = option(
        None, help="training before it in which the tool prompts get their meaning; empty: none"
    )
    cycles: CyclesConfig = option(CyclesConfig(), help="rounds, plateaus and personas")
    tools: ToolsConfig = option(ToolsConfig(), help="the cycle of tool prompts")
    queries: int = option(96, help="queries that a bake learns from", low=1)
    anchors: int = option(48, help="queries of the other cycle that hold the model where it is", low=0)
    thought_anchors: int = option(
        24, help="queries thought about and answered as before, where the recipe names thoughts", low=0
    )
    probes: int = option(48, help="held-out queries on which a bake is measured", low=1)
    controls: tuple[str, ...] = option(
        (), help="queries that no prompt concerns: every other one is an anchor, the rest are measured"
    )
    distractors: int = option(2, help="turns between the bake and a query, for what is kept over them", low=1)
    bars: BakingBarsConfig = option(BakingBarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        self.check_judged(self.bars.accuracy)
        for name in self.tools.tasks:
            if name not in TOOL_TASKS:
                raise UnknownName("task that needs a tool", name, TOOL_TASKS)
        self.fit.on(self.mixture)
        if self.fit.steps is None:
            raise ConfigError("a bake has no epochs: give fit.steps")
        if self.teach is not None:
            self.teach.on(self.mixture)
            if not self.tools.tasks:
                raise ConfigError("teach gives tool prompts a meaning, and tools.tasks names no task")

    def personas(self) -> bool:
        """Whether there is a cycle of personas."""
        return bool(self.cycles.personas or self.cycles.given)


def forge(at: StageRun) -> Mapping[str, str]:
    """The baked model as it ships, the weights behind it, every bake's beginning, and what is claimed."""
    config: BakingStageConfig = at.config
    step = partial(at.step, config=config)
    edited = at.inputs.get("latent") or at.inputs["model"]
    if config.teach is not None:
        edited = step("teach", Deferred(FORGING, "teach"), inputs={"edited": edited}).outputs["latent"]
    baked = step("cycles", Deferred(FORGING, "bake_in_cycles"), inputs={"edited": edited}).outputs
    claims = step("claim", Deferred(FORGING, "claim"), inputs={"model": baked["model"]}).outputs["claims"]
    return {**baked, "claims": claims}


BAKED, RESIDUAL, EFFECT, KEPT = "prompts baked", "residual ratio", "effect of the prompts", "accuracy kept"
TOOLS, PERSONAS = "tool success gained", "accuracy gained"
DRIFT, TURNS, MONOTONE = "drift on control prompts", "residual after turns", "strength grows with amount"
ENDED = "cycles at a plateau"


def checks(config: BakingStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    return (
        Check(name=BAKED, bar=Bar(op=">=", value=1), unit="prompts",
              meaning="rounds whose winner was baked and kept"),
        Check(name=RESIDUAL, bar=Bar(op="<=", value=bars.residual), unit="of the effect",
              meaning="largest KL(prompted || baked) / KL(prompted || base) of the bakes, each against the "
              "model that it began with, on queries that chose nothing; the last one as it ships; "
              "baseline: 1, the base"),
        Check(name=EFFECT, bar=Bar(op=">=", value=bars.effect), unit="nats a token",
              meaning="smallest KL(prompted || base) of the bakes: below this there was nothing to bake"),
        Check(name=KEPT, bar=Bar(op=">=", value=bars.kept), unit="of the accuracy",
              meaning="mean accuracy over the given model's, both without a prompt; baseline: the given one"),
        claims_hold(),
        *thinks(config, bars.thinking),
        *accurate(bars.accuracy),
        *((Check(name=TOOLS, bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
                 meaning="tasks solved by calls that are carried out, without a prompt, minus the given "
                 "model's; baseline: the given model"),) if config.tools.tasks else ()),
        Check(name=PERSONAS, bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
              meaning="mean accuracy on the recipe's exam minus the given model's; baseline: the given one"),
        Check(name=DRIFT, bar=Bar(op="<=", value=bars.drift), unit="of the effect", required=False,
              meaning="largest KL(before || baked) of the bakes, both unprompted, on queries that the prompt "
              "does not concern, over the prompt's effect on its own"),
        Check(name=TURNS, bar=Bar(op="<=", value=bars.turns), unit="of the effect", required=False,
              meaning="KL(prompted || baked) / KL(prompted || base) of the last bake, baked model and "
              f"base asked after {config.distractors} other questions and their answers; baseline: 1"),
        Check(name=MONOTONE, bar=Bar(op=">=", value=-0.01), unit="of the strength", required=False,
              meaning="smallest gain in measured strength from a quarter of the last bake to the next"),
        Check(name=ENDED, bar=Bar(op=">=", value=1.0), unit="yes", required=False,
              meaning="whether both cycles ended at a plateau, not at the number of rounds"),
        quick(bars.latency_ms),
    )  # fmt: skip


def work(config: BakingStageConfig) -> Mapping[str, int]:
    """Tokens that the steps read if every round bakes; sampling reads each token once."""
    chosen, tested = config.tokens(config.fit.seq_len)
    sides = bool(config.tools.tasks) + config.personas()
    candidates = len(config.tools.prompts) * bool(config.tools.tasks)
    candidates += config.cycles.personas + len(config.cycles.given)
    given = config.queries + config.anchors + config.probes
    given += config.thought_anchors * bool(config.tasks_with_thoughts())
    asked = given * config.bake.per_query * config.fit.seq_len
    each = config.fit.work() * 4 // FORWARD + asked // FORWARD  # the teacher reads along
    taught = {} if config.teach is None else {"teach": config.teach.on(config.mixture).work()}
    return taught | {
        "cycles": config.cycles.rounds * (sides * each + (candidates + 2 * sides) * chosen),
        "claim": chosen,
        "measure": 2 * tested + chosen + config.cycles.rounds * asked + config.thinking(config.fit.seq_len),
        "clock": 5000,
    }


def data(config: BakingStageConfig) -> str:
    tasks = sorted({*config.mixture, *config.tools.tasks})
    return f"What the model itself writes under the baked prompts, asked questions of {', '.join(tasks)}"


STAGE = Stage(
    name="baking",
    summary="prompts that make the model better, baked into its weights",
    source="arXiv 2409.13697 (Prompt Baking)",
    config=BakingStageConfig,
    inputs=(
        Port(name="model", meaning="the model to bake into"),
        Port(name="latent", kind="latent model", meaning="the weights behind a packed model", optional=True),
    ),
    outputs=(
        Port(name="model", meaning="the baked model, packed where the given one was"),
        Port(name="latent", kind="latent model", meaning="the weights behind it, to train on"),
        Port(name="bakes", kind="bakes", meaning="the rounds as JSON, and the weights before each bake"),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples, as JSON"),
    ),
    metrics=(
        Metric(name="score/<cycle>", over="rounds", meaning="unprompted, on selection examples"),
        Metric(name="prompted/<cycle>/<candidate>", over="rounds", meaning="under the candidate"),
        Metric(name="strength/<round>", over="percent of the bake", meaning="1 - residual ratio"),
        Metric(name="test accuracy/<model>", over="nothing", meaning="mean over tasks, on test examples"),
        THOUGHTS,
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_baked"),
    clock=Deferred(MEASURING, "clock_baked"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.baking", "estimate"),
)
