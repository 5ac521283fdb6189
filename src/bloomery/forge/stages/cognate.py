"""cognate: one short shared base, then three specialists grown from it; the best is handed on.

The base is shared because independently initialised networks are not linearly connected: only models of one
ancestry can be merged later. The specialists differ in what they train on, in the capacity of their memory
and in the threshold at which they halt; none of these changes a weight's shape.

Source: arXiv 2501.00663 (Titans), arXiv 2510.04871 (TRM), arXiv 1603.08983 (ACT)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.judging import JudgedConfig, accurate, claims_hold, lean, quick
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Metric, Port, Stage, StageRun
from bloomery.tasks.ingredient import Ingredient

WORKERS_START = 40_000  # tokens that could be read while processes import what they need
GROWING, MEASURING = "bloomery.forge.cognate.growing", "bloomery.forge.cognate.measuring"
NAMES = ("reasoning", "memory_integration", "adaptive_computation")


@dataclass(frozen=True, kw_only=True)
class SpecialistConfig:
    """How one specialist differs from the others."""

    mixture: dict[str, float] = option(help="weights of the base's tasks while it specialises")
    memory_capacity: float = option(help="tokens after which its memory has faded to 1/e", low=1)
    halt_threshold: float = option(help="confidence at which a token halts", low=0, high=1)
    seed: int = option(help="seed of its data order", low=0)


@dataclass(frozen=True, kw_only=True)
class BarsConfig:
    """What the model must reach on held-out examples to be kept."""

    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    parameters_low: int = option(1, help="fewest parameters, embeddings included", low=1)
    parameters_high: int = option(27_500_000, help="most parameters, embeddings included", low=1)
    memory_gb: float = option(6.0, help="most resident memory, 10^9 bytes (reported)", low=0)
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class CognateStageConfig(JudgedConfig):
    """One base and three specialists."""

    preset: Literal["cognate-tiny", "cognate-25m"] = option("cognate-tiny", help="the architecture's sizes")
    model: dict[str, Any] = option(factory=dict, help="changes to the preset")
    vocabulary: int = option(
        259, help="tokens of the tokenizer: 256 bytes, 3 special ones, and merges", low=259
    )
    base: FitConfig = option(help="training of the shared base, on the recipe's mixture")
    weights: dict[str, float] = option(
        factory=dict, help="weights of tasks while the base is trained; of those left out: the recipe's"
    )
    specialist: FitConfig = option(help="training of each specialist, but for its mixture")
    specialists: dict[str, SpecialistConfig] = option(help=f"{', '.join(NAMES)}")
    bars: BarsConfig = option(BarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        if set(self.specialists) != set(NAMES):
            raise ConfigError(
                f"specialists are {', '.join(sorted(self.specialists))}; expected {', '.join(NAMES)}"
            )
        for where, names in self._task_names().items():
            self.check_tasks(where, names)
        self.check_judged(self.bars.accuracy)
        self.base_fit()
        if self.specialist.mixture:
            raise ConfigError("specialist.mixture is set; each of `specialists` has its own mixture")

    def _task_names(self) -> dict[str, Sequence[str]]:
        named = {f"specialists.{name}.mixture": list(one.mixture) for name, one in self.specialists.items()}
        return {**named, "weights": list(self.weights)}

    def base_fit(self) -> FitConfig:
        """The base's training: the recipe's mixture, with the weights that are changed for it."""
        return self.base.on({**self.mixture, **self._weighed(self.weights)})

    def specialist_fit(self, name: str) -> FitConfig:
        """The specialist's training: its own weights on the recipe's tasks, and no others."""
        return replace(self.specialist, mixture=self._weighed(self.specialists[name].mixture))

    def _weighed(self, weights: Mapping[str, float]) -> dict[str, Ingredient]:
        return {task: replace(self.mixture[task], weight=weight) for task, weight in weights.items()}


def forge(at: StageRun) -> Mapping[str, str]:
    """The base, the specialists, and `model`: the specialist that did best on the selection examples."""
    config: CognateStageConfig = at.config
    words = {"vocabulary": config.vocabulary, "fit": config.base_fit()}
    tokenizer = at.step("tokenizer", Deferred(GROWING, "make_tokenizer"), config=words).outputs["tokenizer"]
    ground = {"preset": config.preset, "model": config.model, "fit": config.base_fit()}
    base = at.step(
        "base", Deferred(GROWING, "train_base"), config=ground, inputs={"tokenizer": tokenizer}
    ).outputs["base"]
    grown = {}
    for name, own in config.specialists.items():
        step = partial(
            at.step, name, Deferred(GROWING, "train_specialist"), inputs={"base": base}, seed=own.seed
        )
        changes = {"memory_capacity": own.memory_capacity, "halt_threshold": own.halt_threshold}
        grown[name] = step(config={"changes": changes, "fit": config.specialist_fit(name)}).outputs[
            "specialist"
        ]
    trial = {"mixture": config.mixture, "exam": config.exam}
    claims = at.step(
        "choose", Deferred(GROWING, "choose"), config=trial, inputs={"base": base, **grown}
    ).outputs["claims"]
    best = json.loads(at.run.workspace.store.read(claims))["best"]
    return {"model": grown[best], "base": base, "claims": claims, **grown}


def checks(config: CognateStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    return (
        Check(name="parameters, at least", bar=Bar(op=">=", value=bars.parameters_low), unit="parameters"),
        Check(name="parameters, at most", bar=Bar(op="<=", value=bars.parameters_high), unit="parameters"),
        Check(name="leak from the future", bar=Bar(op="<=", value=0.0), unit="logits",
              meaning="largest change of an earlier logit when the last token changes"),
        claims_hold(),
        *accurate(bars.accuracy),
        *REPORTED,
        lean(bars.memory_gb),
        quick(bars.latency_ms),
    )  # fmt: skip


MEMORY_HELPS = Check(
    name="what memory adds", bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
    meaning="mean accuracy with memory minus without; baseline: without",
)  # fmt: skip
DEPTH_HELPS = Check(
    name="what recursion adds", bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
    meaning="mean accuracy at all recursion steps minus at one; baseline: at one",
)  # fmt: skip
HALTING_SAVES = Check(
    name="steps saved by halting", bar=Bar(op=">=", value=1.3), unit="times fewer", required=False,
    meaning="recursion steps of a model that never halts, over those executed at the answers",
)  # fmt: skip
HALTING_COSTS = Check(
    name="cost of halting", bar=Bar(op="<=", value=0.03), unit="accuracy", required=False,
    meaning="mean accuracy at all recursion steps minus with halting; baseline: with halting",
)  # fmt: skip
HARDER_IS_DEEPER = Check(
    name="deeper on harder examples", bar=Bar(op=">", value=0.0), unit="steps", required=False,
    meaning="mean recursion steps at each task's hardest difficulty minus at its easiest",
)  # fmt: skip
REPORTED = (MEMORY_HELPS, DEPTH_HELPS, HALTING_SAVES, HALTING_COSTS, HARDER_IS_DEEPER)


def work(config: CognateStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads; evaluating one costs about a third of training on it."""
    tokens = {"base": config.base_fit().work()}
    tokens |= {name: config.specialist_fit(name).work() for name in config.specialists}
    chosen, tested = config.tokens(config.base.seq_len)
    return {
        "tokenizer": 2000,
        **tokens,
        "choose": 4 * chosen + WORKERS_START,
        "measure": 4 * tested + chosen,
        "clock": 5000,
    }


def data(config: CognateStageConfig) -> str:
    return f"Generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="cognate",
    summary="a shared base and three specialists; the best is handed on",
    source="arXiv 2501.00663 (Titans), 2510.04871 (TRM), 1603.08983 (ACT)",
    config=CognateStageConfig,
    inputs=(),
    outputs=(
        Port(name="model", meaning="the specialist that did best on the selection examples"),
        Port(name="base", meaning="the shared ancestor"),
        *(Port(name=name, meaning=f"the {name.replace('_', ' ')} specialist") for name in NAMES),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples, as JSON"),
    ),
    metrics=(
        Metric(
            name="train/step_<s>_loss", over="optimizer steps", meaning="nats a token at recursion step s"
        ),
        Metric(name="train/gate_mean", over="optimizer steps", meaning="share of attention in the gate"),
        Metric(name="train/step_<s>_halting_probability", over="optimizer steps", meaning="mean q at step s"),
        Metric(name="validation/accuracy_<task>", over="optimizer steps", meaning="on held-out examples"),
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
        Metric(name="<model>/depth/<task>", over="difficulty", meaning="mean recursion steps at the answer"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_model"),
    clock=Deferred(MEASURING, "clock_model"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.cognate", "estimate"),
)
