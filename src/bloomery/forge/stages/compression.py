"""compression: the fewest bytes that keep the accuracy, compared at equal bytes with another branch.

What ships keeps the given model's trits, entropy-coded, and codes what is none. The other branch takes the
model in full precision, as it was before its trits, through the coders: it is a rival and never ships, as it
has none of what later stages taught. A tensor's coder is chosen on the measured rate-distortion frontier.
Ratios of successive lossy coders do not multiply: what is stated is bytes on disk and one quality from end to
end.

Source: arXiv 2410.10714 (SeedLM), 2409.17066 (VPTQ), 2409.00592 (Hyper-Compression)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.judging import THOUGHTS, JudgedConfig, accurate, claims_hold, quick, thinks
from bloomery.forge.stage import Metric, Port, Stage, StageRun

CODING, MEASURING = "bloomery.forge.compression.choosing", "bloomery.forge.compression.measuring"
FULL_CODERS = (
    "rows-8bit", "rows-4bit", "kmeans-16", "kmeans-8", "kmeans-4", "kmeans-2", "blockfloat-15",
    "blockfloat-7", "blockfloat-3", "seedlm-4bit", "seedlm-3bit", "vptq-2x64", "vptq-4x64", "vptq-4x256",
    "vptq-8x256", "vptq-4x64+64", "hyper-1600", "hyper-64", "kmeans-price-0.3", "kmeans-price-1",
)  # fmt: skip
REST_CODERS = ("rows-8bit", "rows-7bit", "rows-6bit", "rows-5bit", "rows-4bit", "kmeans-32", "kmeans-16")
CODING_TOKENS = 8000  # about what is read in the time that a coder takes


@dataclass(frozen=True, kw_only=True)
class CompressionBarsConfig:
    """What the smallest model must keep."""

    kept: float = option(0.95, help="smallest share of the given model's mean accuracy", low=0)
    kept_in_all: float = option(0.84, help="smallest share of the full model's mean accuracy", low=0)
    smaller: float = option(14.0, help="fewest times that the weights are smaller than in fp32", low=0)
    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    thinking: float | None = option(
        None, help="smallest share of the given model's accuracy after own thoughts; empty: reported", low=0
    )
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class CompressionStageConfig(JudgedConfig):
    """What is coded by what, and what the result must keep."""

    coders: tuple[str, ...] = option(FULL_CODERS, help="coders for the matrices of the full model")
    embedding_coders: tuple[str, ...] = option(
        REST_CODERS, help="coders for what is no trit, alone and mixed"
    )
    mixtures: int = option(
        8, help="budgets at which each tensor of the full model takes its own coder", low=1
    )
    calibration: int = option(256, help="training examples that say what the layers are fed", low=1)
    seq_len: int = option(64, help="tokens in a row of calibration", low=2)
    margin: float = option(
        0.02, help="how far above the bars a candidate must be on the examples that choose", low=0
    )
    bars: CompressionBarsConfig = option(CompressionBarsConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        if not self.coders or not self.embedding_coders:
            raise ConfigError("coders and embedding_coders each name at least one coder")
        self.check_judged(self.bars.accuracy)


def forge(at: StageRun) -> Mapping[str, str]:
    """The smallest version of the given model that is good enough, and the other branch's best beside it."""
    config: CompressionStageConfig = at.config
    full, latent, given = (at.inputs[name] for name in ("full", "latent", "model"))
    moments = at.step(
        "calibrate", Deferred(CODING, "calibrate"), config=config, inputs={"full": full}
    ).outputs["moments"]
    known = {"full": full, "moments": moments}
    coded = at.step("code", Deferred(CODING, "code"), config=config, inputs=known).outputs["coded"]
    chosen = at.step(
        "choose", Deferred(CODING, "choose"), config=config,
        inputs={**known, "latent": latent, "given": given, "coded": coded},
    ).outputs  # fmt: skip
    return {"model": chosen["model"], "rival": chosen["rival"], "claims": chosen["claims"]}


KEPT, KEPT_IN_ALL = "accuracy kept", "accuracy kept in all"
SMALLER, OVER_RIVAL = "times smaller than fp32", "over the other branch at equal bytes"
CLAIMS, LATENCY = "claims measured again", "latency"


def checks(config: CompressionStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    return (
        Check(name=KEPT, bar=Bar(op=">=", value=bars.kept), unit="of the accuracy",
              meaning="mean accuracy over that of the model before this stage; baseline: before"),
        Check(name=KEPT_IN_ALL, bar=Bar(op=">=", value=bars.kept_in_all), unit="of the accuracy",
              meaning="mean accuracy over that of the model in full precision; baseline: full precision"),
        Check(name=SMALLER, bar=Bar(op=">=", value=bars.smaller), unit="times",
              meaning="4 bytes a weight of the full model over its bytes on disk, metadata counted; "
              "baseline: bytes on disk"),
        claims_hold(),
        *thinks(config, bars.thinking),
        *accurate(bars.accuracy),
        Check(name=OVER_RIVAL, bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
              meaning="mean accuracy minus the other branch's best at no more bytes (its smallest, where all "
              "are larger); baseline: the other branch"),
        quick(bars.latency_ms),
    )  # fmt: skip


def work(config: CompressionStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads, coding counted as reading."""
    chosen, tested = config.tokens(config.seq_len)
    candidates = len(config.coders) + config.mixtures + 8
    return {
        "calibrate": config.calibration * config.seq_len // 3,
        "code": len(config.coders) * CODING_TOKENS,
        "choose": candidates * chosen,
        "measure": 4 * tested + chosen + config.thinking(config.seq_len),
        "clock": 5000,
    }


def data(config: CompressionStageConfig) -> str:
    return f"Coders chosen on generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="compression",
    summary="the fewest bytes that keep the accuracy, one coder a tensor",
    source="arXiv 2410.10714 (SeedLM), 2409.17066 (VPTQ), 2409.00592 (Hyper-Compression)",
    config=CompressionStageConfig,
    inputs=(
        Port(name="model", meaning="the packed ternary model, with its experts where it has some"),
        Port(name="latent", kind="latent model", meaning="the weights behind its trits"),
        Port(name="full", meaning="the model in full precision"),
    ),
    outputs=(
        Port(name="model", meaning="the given model in the fewest bytes that are good enough, packed"),
        Port(
            name="rival",
            kind="candidate",
            meaning="the other branch's best at no more bytes, to compare",
        ),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples, as JSON"),
    ),
    metrics=(
        Metric(name="frontier/<coder>", over="bytes", meaning="mean accuracy on selection examples"),
        Metric(name="test accuracy/<model>", over="bytes", meaning="mean accuracy on test examples"),
        THOUGHTS,
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_compressed"),
    clock=Deferred(MEASURING, "clock_compressed"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.compression", "estimate"),
)
