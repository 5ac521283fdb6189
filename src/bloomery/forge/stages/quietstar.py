"""quietstar: a model learns to think before it answers, and the thoughts are kept only if they are worth it.

Two tokens enclose a thought. They are taught on correct chains of thought, then reinforced by how likely a
thought makes the true answer. The gate compares the model's own thoughts with none, with other examples' and
with filler of the same length: what is no better than these is theater, and the stage is rolled back.

Source: arXiv 2403.09629 (Quiet-STaR)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.judging import JudgedConfig, claims_hold
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Metric, Port, Stage, StageRun
from bloomery.tasks.chains.working import WORKINGS
from bloomery.tasks.ingredient import Ingredient

TEACHING, MEASURING = "bloomery.forge.quietstar.teaching", "bloomery.forge.quietstar.measuring"


@dataclass(frozen=True, kw_only=True)
class ThinkingBarsConfig:
    """What thinking must be worth on held-out examples to be kept."""

    kept: float = option(0.95, help="smallest share of the given model's accuracy, without thoughts", low=0)
    over_shuffled: float = option(
        0.0, help="what the gain over other examples' thoughts must be above, at its interval's lower end"
    )
    over_filler: float = option(0.0, help="the same for the gain over filler of equal length")
    over_without: float = option(0.0, help="the same for the gain over answering at once")
    latency_ms: float = option(1000.0, help="longest time to think about one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class QuietstarStageConfig(JudgedConfig):
    """How the model learns to think."""

    thoughts: ThoughtsConfig = option(ThoughtsConfig(), help="what is taught")
    share: float | None = option(
        None,
        help="share of its rows from tasks that are thought about; empty: thoughts.share, as later stages",
        low=0.01,
        high=1,
    )
    fit: FitConfig = option(help="training on chains of thought, on the recipe's mixture")
    settle: FitConfig | None = option(
        None, help="training after that, with thoughts in as many rows as later stages have them; empty: none"
    )
    reinforce: ReinforceConfig | None = option(None, help="reinforcement after the teaching; empty: none")
    bars: ThinkingBarsConfig = option(ThinkingBarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        for one in self.fits().values():
            one.on(self.mixture)
        if self.reinforce is not None:
            self.reinforce.on(self.mixture)
        if self.mixture and not self.taught():
            raise ConfigError(
                f"the mixture names {', '.join(self.mixture)}; chains of thought are written for "
                f"{', '.join(self.thoughts.tasks or WORKINGS)}: name one of them, with a weight above 0"
            )

    def taught(self) -> list[str]:
        """The tasks that are taught with thoughts."""
        return list(self.tasks_with_thoughts())

    def fits(self) -> dict[str, FitConfig]:
        """The trainings on chains of thought, by their steps' names."""
        return {"teach": self.fit} | ({} if self.settle is None else {"settle": self.settle})

    def lessons(self) -> ThoughtsConfig:
        """What is taught here: the recipe's thoughts, in this stage's share of the rows."""
        return self.thoughts if self.share is None else replace(self.thoughts, share=self.share)

    def thought_about(self) -> dict[str, Ingredient]:
        """The tasks in which thoughts are examined."""
        wanted = self.thoughts.tasks or tuple(self.mixture)
        return {name: replace(one, at_once=True) for name, one in self.mixture.items() if name in wanted}


def forge(at: StageRun) -> Mapping[str, str]:
    """The best of the taught and the reinforced model, with what is claimed of both."""
    config: QuietstarStageConfig = at.config
    ready = at.step("tokens", Deferred(TEACHING, "add_tokens"), inputs={"model": at.inputs["model"]}).outputs
    words = {"fit": config.fit.on(config.mixture), "thoughts": config.lessons()}
    found = dict(at.step("teach", Deferred(TEACHING, "teach"), config=words, inputs=ready).outputs)
    if config.settle is not None:
        words = {"fit": config.settle.on(config.mixture), "thoughts": config.thoughts}
        found = dict(at.step("settle", Deferred(TEACHING, "teach"), config=words,
                             inputs={"ready": found["taught"]}).outputs)  # fmt: skip
    if config.reinforce is not None:
        learn = config.reinforce.on(config.mixture)
        found |= at.step(
            "reinforce", Deferred(TEACHING, "reinforce_taught"), config=learn, inputs=dict(found)
        ).outputs
    on = {"mixture": config.thought_about(), "exam": config.exam, "tokens": config.thoughts.tokens}
    claims = at.step("claim", Deferred(TEACHING, "claim"), config=on, inputs=found).outputs["claims"]
    best = json.loads(at.run.workspace.store.read(claims))["best"]
    return {"model": found[best], "claims": claims}


KEPT = "accuracy kept without thoughts"
OVER = {
    "shuffled": "thinking over others' thoughts",
    "filler": "thinking over filler",
    "without": "thinking over not thinking",
    "permuted": "thinking over its tokens in another order",
}
ENDED, AGREED, LIKELY = "thoughts ended", "thoughts agree with answers", "likelihood of thoughts"
LENGTH, LATENCY = "length of thoughts", "time to think"


def checks(config: QuietstarStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported: coherence is never a reward."""
    bars = config.bars
    over = {"shuffled": bars.over_shuffled, "filler": bars.over_filler, "without": bars.over_without}
    told = {
        "shuffled": "the thoughts of other examples of the same task and difficulty",
        "filler": "as many tokens that say nothing",
        "without": "answering at once",
        "permuted": "the same tokens in another order",
    }
    return (
        Check(name=KEPT, bar=Bar(op=">=", value=bars.kept), unit="of the accuracy",
              meaning="mean accuracy of answering at once over the given model's; baseline: the given model"),
        *(Check(name=OVER[name], bar=Bar(op=">", value=over.get(name, 0.0)), unit="accuracy",
                required=name in over,
                meaning="lower end of the 95 % interval (Newcombe, paired) of the accuracy with own thoughts "
                f"minus that with {told[name]}; baseline: the latter")
          for name in OVER),
        claims_hold(),
        Check(name=ENDED, bar=Bar(op=">=", value=0.9), unit="of thoughts", required=False,
              meaning="share that the model ended by itself"),
        Check(name=AGREED, bar=Bar(op=">=", value=0.9), unit="of thoughts", required=False,
              meaning="share whose last value is the answer that the model then gives"),
        Check(name=LIKELY, bar=Bar(op=">=", value=0.5), unit="probability", required=False,
              meaning="mean over thoughts of a token's probability (geometric mean over its tokens)"),
        Check(name=LENGTH, bar=Bar(op="<=", value=float(config.thoughts.tokens)), unit="tokens",
              required=False, meaning="mean length of the model's own thoughts"),
        Check(name=LATENCY, bar=Bar(op="<", value=bars.latency_ms), unit="ms", required=False,
              meaning="median time to think about the longest prompt, batch of one, on this machine"),
    )  # fmt: skip


def work(config: QuietstarStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads; a thought is written token by token, and read under five conditions."""
    chosen, tested = config.tokens(6 * (config.fit.seq_len + config.thoughts.tokens))
    learn = config.reinforce
    return {
        "tokens": 1000,
        **{name: one.on(config.mixture).work() for name, one in config.fits().items()},
        **({} if learn is None else {"reinforce": learn.on(config.mixture).work()}),
        "claim": chosen if learn is None else 2 * chosen,
        "measure": tested + chosen,
        "clock": 5000,
    }


def data(config: QuietstarStageConfig) -> str:
    return f"Generated chains of thought for {', '.join(sorted(config.taught()))}"


STAGE = Stage(
    name="quietstar",
    summary="thinking before answering, kept if it beats none, others' and filler",
    source="arXiv 2403.09629 (Quiet-STaR)",
    config=QuietstarStageConfig,
    inputs=(Port(name="model", meaning="the model to teach, in full precision"),),
    outputs=(
        Port(name="model", meaning="the model with two tokens to think between; it still answers without"),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples; some thoughts"),
    ),
    metrics=(
        Metric(name="train/loss", over="optimizer steps", meaning="nats a token, of the teaching"),
        Metric(name="validation/accuracy_<task>", over="optimizer steps", meaning="answering at once"),
        Metric(name="validation/thinking_<task>", over="optimizer steps", meaning="after its own thought"),
        Metric(name="reinforce/train/gain", over="optimizer steps", meaning="nats that thoughts add"),
        Metric(name="<condition>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
        Metric(name="thoughts/<score>/<task>", over="nothing", meaning="coherence and length of thoughts"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_thinking"),
    clock=Deferred(MEASURING, "clock_thinking"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.quietstar", "estimate"),
)
