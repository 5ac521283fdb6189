"""bitnet: the model's linear layers trained towards trits and 8-bit activations, and shipped packed.

The latent weights go on being trained by later stages; what is handed on as `model` is the packed form, and
the checks measure that. Rounding without training is measured beside it, in the same format.

Source: arXiv 2402.17764 (BitNet b1.58)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.evidence import Bar, Check
from bloomery.forge.judging import THOUGHTS, JudgedConfig, accurate, claims_hold, quick, thinks
from bloomery.forge.settings import FitConfig, TernaryConfig
from bloomery.forge.stage import Metric, Port, Stage, StageRun

TUNING, MEASURING = "bloomery.forge.bitnet.tuning", "bloomery.forge.bitnet.measuring"


@dataclass(frozen=True, kw_only=True)
class TernaryBarsConfig:
    """What the packed model must reach on held-out examples to be kept."""

    kept: float = option(0.9, help="smallest share of the given model's mean accuracy", low=0)
    smaller: float = option(8.0, help="fewest times that the weights on disk are smaller", low=0)
    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    thinking: float | None = option(
        None, help="smallest share of the given model's accuracy after own thoughts; empty: reported", low=0
    )
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class BitnetStageConfig(JudgedConfig):
    """How the model is made ternary."""

    ternary: TernaryConfig = option(TernaryConfig(), help="what becomes of the weights")
    fit: FitConfig = option(help="training of the latent weights, on the recipe's mixture")
    warmup: float = option(
        0.3, help="share of the steps over which the quantized share rises from 0 to 1", low=0, high=1
    )
    bars: TernaryBarsConfig = option(TernaryBarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        self.check_judged(self.bars.accuracy)
        self.fit.on(self.mixture)


def forge(at: StageRun) -> Mapping[str, str]:
    """The packed model, its latent weights, and beside them the given model rounded without training."""
    config: BitnetStageConfig = at.config
    full = at.inputs["model"]
    words = {
        "fit": config.fit.on(config.mixture), "thoughts": config.thoughts, "ternary": config.ternary,
        "warmup": config.warmup,
    }  # fmt: skip
    latent = at.step("tune", Deferred(TUNING, "tune"), config=words, inputs={"model": full}).outputs["latent"]
    pack = partial(at.step, function=Deferred(TUNING, "pack"), config=config.ternary)
    packed = pack(name="pack", inputs={"model": latent}).outputs["packed"]
    rounded = pack(name="round", inputs={"model": full}).outputs["packed"]
    on = {"mixture": config.mixture, "exam": config.exam}
    claims = at.step(
        "claim", Deferred(TUNING, "claim"), config=on, inputs={"pack": packed, "round": rounded}
    ).outputs["claims"]
    return {"model": packed, "latent": latent, "full": full, "rounded": rounded, "claims": claims}


KEPT = "accuracy kept"
OVER_ROUNDING = "over rounding without training"
SMALLER = "times smaller"
CLAIMS = "claims measured again"
LATENCY, FASTER = "latency", "times faster than before"


def checks(config: BitnetStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    return (
        Check(name=KEPT, bar=Bar(op=">=", value=bars.kept), unit="of the accuracy",
              meaning="mean accuracy of the packed model over the given one; baseline: the given one"),
        Check(name=SMALLER, bar=Bar(op=">=", value=bars.smaller), unit="times",
              meaning="fp32 bytes of the given model's weights over bytes on disk, metadata counted; "
              "baseline: bytes on disk"),
        claims_hold(),
        *thinks(config, bars.thinking),
        *accurate(bars.accuracy),
        Check(name=OVER_ROUNDING, bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
              meaning="mean accuracy minus that of the given model, rounded without training; "
              "baseline: rounded"),
        quick(bars.latency_ms),
        Check(name=FASTER, bar=Bar(op=">", value=1.0), unit="times", required=False,
              meaning="latency of the given model over the packed model's; baseline: the given model's"),
    )  # fmt: skip


def work(config: BitnetStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads; evaluating one costs about a third of training on it."""
    chosen, tested = config.tokens(config.fit.seq_len)
    return {
        "tune": config.fit.on(config.mixture).work(),
        "pack": 2000,
        "round": 2000,
        "claim": 2 * chosen,
        "measure": 3 * tested + chosen + config.thinking(config.fit.seq_len),
        "clock": 5000,
    }


def data(config: BitnetStageConfig) -> str:
    return f"Trits trained on generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="bitnet",
    summary="linear layers trained towards trits, weights shipped packed",
    source="arXiv 2402.17764 (BitNet b1.58)",
    config=BitnetStageConfig,
    inputs=(Port(name="model", meaning="the model to make ternary"),),
    outputs=(
        Port(name="model", meaning="the packed model: trits, and a few bits elsewhere"),
        Port(name="latent", kind="latent model", meaning="the weights behind the trits, to train on"),
        Port(name="full", meaning="the model as it was given, in full precision"),
        Port(name="rounded", meaning="the given model packed without training, for comparison"),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples, as JSON"),
    ),
    metrics=(
        Metric(name="train/loss", over="optimizer steps", meaning="nats a token"),
        Metric(name="train/quantized_share", over="optimizer steps", meaning="how far the warm-up has come"),
        Metric(name="validation/accuracy_<task>", over="optimizer steps", meaning="on held-out examples"),
        Metric(name="trits/zeros_<layer>", over="nothing", meaning="share of a layer's trits that are 0"),
        Metric(name="test accuracy/<model>", over="bytes", meaning="mean accuracy on test examples"),
        THOUGHTS,
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_packed"),
    clock=Deferred(MEASURING, "clock_packed"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.bitnet", "estimate"),
)
