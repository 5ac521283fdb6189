"""experts: vectors over the model's singular values for the kinds of tasks that it finds, and a design.

The weights are not touched. What is shipped is the given model and beside it one small file of vectors z, the
dispatcher to them and the design that the search chose; the checks measure that folder.

Source: arXiv 2501.06252 (Transformer-Squared), arXiv 2408.08435 (ADAS), Deb et al. 2002 (NSGA-II)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.evidence import Bar, Check
from bloomery.forge.experts.settings import DesignSearchConfig, FindConfig, TeachConfig
from bloomery.forge.judging import THOUGHTS, JudgedConfig, claims_hold, quick, thinks
from bloomery.forge.stage import Metric, Port, Stage, StageRun

STEPS, SEARCHING = "bloomery.forge.experts.steps", "bloomery.forge.experts.searching"
MEASURING = "bloomery.forge.experts.measuring"
EXAMPLE = 40  # tokens of an example and its answer, about, for the time left
GIVEN = 8  # designs of generation 0, about


@dataclass(frozen=True, kw_only=True)
class ExpertsBarsConfig:
    """What experts must reach on held-out examples to be kept."""

    chosen: float = option(0.0, help="smallest gain in accuracy of the shipped design over the given model")
    more: int = option(
        1,
        help="fewest objectives, of accuracy and operations, in which the shipped design is better",
        low=0,
        high=2,
    )
    over_uniform: float = option(
        0.0, help="the shipped design gains more than this in accuracy over all experts alike"
    )
    over_none: float | None = option(
        None, help="smallest gain of two passes over the model without experts; empty: reported"
    )
    dispatch: float | None = option(None, help="smallest share of prompts sent right; empty: reported")
    thinking: float | None = option(
        None, help="smallest share of the given model's accuracy after own thoughts; empty: reported", low=0
    )
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class ExpertsStageConfig(JudgedConfig):
    """How experts are found, taught and put to work."""

    find: FindConfig = option(FindConfig(), help="how many experts there are, and over which layers")
    teach: TeachConfig = option(TeachConfig(), help="how each of them is trained")
    search: DesignSearchConfig = option(DesignSearchConfig(), help="how designs are searched")
    random_search: bool = option(True, help="whether random search at equal evaluations is run beside")
    bars: ExpertsBarsConfig = option(ExpertsBarsConfig(), help="what the gate asks for")


def forge(at: StageRun) -> Mapping[str, str]:
    """The given model with the experts of the chosen design; beside it all experts, and what was tried."""
    config: ExpertsStageConfig = at.config
    on, model = {"mixture": config.mixture, "exam": config.exam}, {"model": at.inputs["model"]}
    words = {**on, "find": config.find}
    kinds = at.step("find", Deferred(STEPS, "find"), config=words, inputs=model).outputs["kinds"]
    experts = at.step(
        "teach", Deferred(STEPS, "teach_experts"), config={**words, "teach": config.teach},
        inputs={**model, "kinds": kinds},
    ).outputs["experts"]  # fmt: skip
    known = {**model, "experts": experts}
    search = partial(at.step, function=Deferred(SEARCHING, "search_designs"), inputs=known)
    words = {**on, "search": config.search}
    designs = search("search", config={**words, "random": False}).outputs["designs"]
    rival = {}
    if config.random_search:
        rival["drawn"] = search("random", config={**words, "random": True}).outputs["designs"]
    shipped = at.step("ship", Deferred(SEARCHING, "ship"), inputs={**known, "designs": designs}).outputs[
        "model"
    ]
    claims = at.step(
        "claim", Deferred(STEPS, "claim"), config=on, inputs={**known, "designs": designs, **rival}
    ).outputs["claims"]
    return {"model": shipped, "experts": experts, "kinds": kinds, "designs": designs, "claims": claims}


CHOSEN, MORE = "shipped design over the given model", "shipped design is more than the given model"
SHIPPED_OVER_UNIFORM = "shipped design over all experts alike"
OVER_NONE, OVER_UNIFORM = "two passes over no experts", "two passes over all experts alike"
TO_ORACLE, DISPATCH = "gain of a perfect dispatcher that is reached", "prompts sent to their own expert"
IDENTITY = "z = 1 changes a logit by"
OPERATIONS, BYTES = "operations a token, times the given model's", "bytes, times the given model's"
OVER_RANDOM = "front over random search"
SLOWER = "latency, times the given model's"


def checks(config: ExpertsStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars = config.bars
    return (
        Check(name=CHOSEN, bar=Bar(op=">=", value=bars.chosen), unit="accuracy",
              meaning="mean accuracy of the shipped folder's design minus that of the given model"),
        Check(name=MORE, bar=Bar(op=">=", value=bars.more), unit="objectives",
              meaning="accuracy and operations a token, where the shipped design is better; 0: it is the "
              "given model without experts, or gains nothing"),
        Check(name=SHIPPED_OVER_UNIFORM, bar=Bar(op=">", value=bars.over_uniform), unit="accuracy",
              meaning="mean accuracy of the shipped folder's design minus that of the experts' mean, which "
              "is one vector for all prompts"),
        Check(name=IDENTITY, bar=Bar(op="<=", value=0.0), unit="logits",
              meaning="largest difference between the given model and itself with every vector at 1"),
        claims_hold(),
        *thinks(config, bars.thinking),
        Check(name=OVER_NONE, bar=Bar(op=">=", value=bars.over_none or 0.0), unit="accuracy",
              required=bars.over_none is not None,
              meaning="mean accuracy with each prompt sent to its expert, minus that of the given model"),
        Check(name=OVER_UNIFORM, bar=Bar(op=">=", value=0.0), unit="accuracy", required=False,
              meaning="mean accuracy with each prompt sent to its expert, minus that of the experts' mean"),
        Check(name=DISPATCH, bar=Bar(op=">=", value=bars.dispatch or 0.0), unit="of the prompts",
              required=bars.dispatch is not None,
              meaning="prompts that the first pass sends to the expert of their task and difficulty"),
        Check(name=TO_ORACLE, bar=Bar(op=">=", value=0.5), unit="of the gain", required=False,
              meaning="gain of two passes over that of a dispatcher that is never wrong"),
        Check(name=OPERATIONS, bar=Bar(op="<=", value=3.0), unit="times", required=False,
              meaning="counted operations a token of an example, all passes, over the given model's"),
        Check(name=BYTES, bar=Bar(op="<=", value=config.search.bytes), unit="times", required=False,
              meaning="bytes of weights and experts on disk over the given model's weights"),
        *([Check(name=OVER_RANDOM, bar=Bar(op=">=", value=0.0), unit="of the front", required=False,
                 meaning="share of random search's front that ours equals or betters, minus the reverse, "
              "both as the searches saw them: on selection examples")]
          if config.random_search else []),
        quick(bars.latency_ms),
        Check(name=SLOWER, bar=Bar(op="<", value=2.0), unit="times", required=False,
              meaning="latency of the shipped model's second pass over the given model's"),
    )  # fmt: skip


def work(config: ExpertsStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads, at a third of what training on them costs where nothing is trained."""
    tasks = max(1, sum(one.weight > 0 for one in config.mixture.values()))
    chosen, tested = (count * tasks * EXAMPLE // 3 + 1 for count in (config.exam.selection, config.exam.test))
    candidate = config.search.examples * tasks * EXAMPLE // 3 + 1
    searched = (GIVEN + config.search.generations * config.search.population) * candidate
    drawn = config.teach.samples if config.teach.objective == "reinforce" else 1
    lesson = config.teach.steps * config.teach.prompts * drawn * EXAMPLE
    return {
        "find": config.find.most * config.find.probe_steps * 64 * EXAMPLE,
        "teach": config.find.fewest * lesson,
        "search": searched,
        **({"random": searched} if config.random_search else {}),
        "ship": 1000,
        "claim": chosen,
        "measure": 8 * tested + 2 * chosen + config.thinking(EXAMPLE),
        "clock": 5000,
    }


def data(config: ExpertsStageConfig) -> str:
    return f"Experts taught on generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="experts",
    summary="vectors over singular values for kinds of tasks, and a design that uses them",
    source="arXiv 2501.06252 (Transformer-Squared), arXiv 2408.08435 (ADAS)",
    config=ExpertsStageConfig,
    inputs=(Port(name="model", meaning="the model to specialise, packed or not"),),
    outputs=(
        Port(name="model", meaning="the same weights, and beside them the chosen design's experts"),
        Port(name="experts", kind="experts", meaning="every expert's vectors and the dispatcher to them"),
        Port(name="kinds", kind="kinds", meaning="which tasks and difficulties are which expert's, as JSON"),
        Port(name="designs", kind="designs", meaning="every design that was tried, as JSON"),
        Port(name="claims", kind="claims", meaning="what the design reaches on the selection examples"),
    ),
    metrics=(
        Metric(name="discovery/gain", over="number of experts", meaning="cross-validated share of the loss"),
        Metric(name="expert-<number>/train/loss", over="optimizer steps", meaning="policy and KL"),
        Metric(name="front/designs", over="generations", meaning="designs that nobody beats in everything"),
        Metric(name="front/best_accuracy", over="generations", meaning="on the selection examples"),
        Metric(name="individual/<objective>", over="designs in the order of the table",
               meaning="generation, error, operations a token and bytes of each design that was tried"),
        THOUGHTS,
        Metric(name="test accuracy/<how>", over="experts", meaning="none, uniform, two_pass, oracle"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_experts"),
    clock=Deferred(MEASURING, "clock_experts"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.experts", "estimate"),
)  # fmt: skip
