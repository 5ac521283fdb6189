"""evomerge: the specialists' weights merged into one champion that is at least as good as the best of them.

Recipes of merging are evolved, from the eight binary combinations of merge methods, three plain merges and
the parents' soups onwards. They are chosen on selection examples; the champion is measured, beside its
parents, their soups and random search at equal evaluations, on test examples that chose nothing. A champion
that is worse than the best parent is rolled back.

Source: arXiv 2403.13187 (evolutionary model merging), arXiv 2203.05482 (model soups)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bloomery.core.closure import Deferred
from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.evolving.settings import SearchConfig
from bloomery.forge.judging import JudgedConfig, accurate, claims_hold, lean, quick
from bloomery.forge.stage import Metric, Port, Stage, StageRun
from bloomery.forge.stages.cognate import NAMES as PARENTS

MERGING, SEARCHING = "bloomery.forge.evomerge.parents", "bloomery.forge.evomerge.searching"
MEASURING = "bloomery.forge.evomerge.measuring"
EXAMPLE = 40  # tokens of an example and its answer, about, for the time left
FIRST = 12  # candidates of generation 0: 8 combinations, 3 plain merges, and a soup
REPLACEMENT = 8  # candidates a generation of random search, where cma's population is its own
RIVALS = ("uniform soup", "greedy soup", "random search")


@dataclass(frozen=True, kw_only=True)
class GainConfig:
    """What the champion must reach on held-out examples to be kept."""

    over_best_parent: float = option(0.0, help="smallest gain in mean accuracy over the best parent")
    over_mean_parent: float = option(0.2, help="smallest gain over the parents' mean, as a share (reported)")
    accuracy: dict[str, float] = option(factory=dict, help="smallest accuracy for each task")
    memory_gb: float = option(6.0, help="most resident memory, 10^9 bytes (reported)", low=0)
    latency_ms: float = option(100.0, help="longest forward pass of one prompt (reported)", low=0)


@dataclass(frozen=True, kw_only=True)
class EvomergeStageConfig(JudgedConfig):
    """How the specialists are merged, and what a merge has to be good at."""

    search: SearchConfig = option(SearchConfig(), help="how recipes are evolved")
    random_search: bool = option(True, help="whether random search at equal evaluations is run beside")
    bars: GainConfig = option(GainConfig(), help="what the gate asks for")

    def __post_init__(self) -> None:
        if not any(one.weight > 0 for one in self.mixture.values()):
            raise ConfigError("mixture has no task with a weight above 0; name what a merge is to be good at")
        self.check_judged(self.bars.accuracy)

    def drawn(self) -> SearchConfig:
        """Random search, a comparison."""
        return replace(self.search, kind="random", population=self.search.population or REPLACEMENT)

    def evaluations(self) -> int:
        """The most candidates that the search may judge."""
        return FIRST + self.search.generations * (self.search.population or REPLACEMENT)


def forge(at: StageRun) -> Mapping[str, str]:
    """The champion as `model`, with its lineage and what is claimed of it."""
    config: EvomergeStageConfig = at.config
    on = {"mixture": config.mixture, "exam": config.exam, "parents": PARENTS}
    soups = at.step("soups", Deferred(MERGING, "cook_soups"), config={"on": on}, inputs=at.inputs).outputs
    search = partial(
        at.step, function=Deferred(SEARCHING, "search_merges"), inputs={**at.inputs, "soups": soups["soups"]}
    )
    words = {"on": on, "search": config.search, "evaluations": None}
    found = search("search", config=words).outputs["lineage"]
    rivals = {"soups": soups["soups"]}
    if config.random_search:
        evaluations = json.loads(at.run.workspace.store.read(found))["evaluations"]
        words = {"on": on, "search": config.drawn(), "evaluations": evaluations}
        rivals["drawn"] = search("random", config=words).outputs["lineage"]
    merging = partial(at.step, config={"on": on})
    champion = merging(
        "champion", Deferred(MERGING, "merge_champion"), inputs={**at.inputs, "lineage": found}
    ).outputs["model"]
    claims = merging(
        "claim", Deferred(MERGING, "claim"), inputs={**at.inputs, "champion": champion, **rivals}
    ).outputs["claims"]
    return {"model": champion, "lineage": found, "claims": claims}


def checks(config: EvomergeStageConfig) -> tuple[Check, ...]:
    """The gate's checks, and beside them what is only reported."""
    bars, rivals = config.bars, RIVALS if config.random_search else RIVALS[:2]
    return (
        Check(name="over the best parent", bar=Bar(op=">=", value=bars.over_best_parent), unit="accuracy",
              meaning="mean accuracy of the champion minus the best parent's; baseline: the best parent"),
        claims_hold(),
        *accurate(bars.accuracy),
        Check(name="over the mean parent", bar=Bar(op=">=", value=bars.over_mean_parent), unit="of the mean",
              required=False, meaning="mean accuracy of the champion over the parents' mean, minus 1"),
        *(Check(name=f"over {rival}", bar=Bar(op=">", value=0.0), unit="accuracy", required=False,
                meaning=f"mean accuracy of the champion minus that of {rival}; baseline: {rival}")
          for rival in rivals),
        lean(bars.memory_gb),
        quick(bars.latency_ms),
    )  # fmt: skip


def work(config: EvomergeStageConfig) -> Mapping[str, int]:
    """Tokens that each step reads, at a third of what training on them costs."""
    tasks = sum(one.weight > 0 for one in config.mixture.values())
    chosen, tested = (count * tasks * EXAMPLE // 3 + 1 for count in (config.exam.selection, config.exam.test))
    searched = {"search": config.evaluations() * chosen}
    searched |= {"random": config.evaluations() * chosen} if config.random_search else {}
    return {
        "soups": 6 * chosen,
        **searched,
        "champion": 1000,
        "claim": chosen,
        "measure": 7 * tested + chosen,
        "clock": 5000,
    }


def data(config: EvomergeStageConfig) -> str:
    return f"Merges chosen on generated examples of {', '.join(sorted(config.mixture))}"


STAGE = Stage(
    name="evomerge",
    summary="the specialists merged into one champion by evolution",
    source="arXiv 2403.13187 (evolutionary model merging), 2203.05482 (model soups), 2306.01708 (TIES), "
    "2311.03099 (DARE)",
    config=EvomergeStageConfig,
    inputs=(
        Port(name="model", meaning="the best specialist; its config and tokenizer are the champion's"),
        Port(name="base", meaning="the specialists' shared ancestor"),
        *(Port(name=name, meaning=f"the {name.replace('_', ' ')} specialist") for name in PARENTS),
    ),
    outputs=(
        Port(name="model", meaning="the champion"),
        Port(name="lineage", kind="lineage", meaning="every candidate with its parents, as JSON"),
        Port(name="claims", kind="claims", meaning="accuracies on the selection examples, as JSON"),
    ),
    metrics=(
        Metric(name="fitness/best", over="generations", meaning="accuracy on selection examples, and ties"),
        Metric(name="fitness/mean_of_generation", over="generations", meaning="of its new candidates"),
        Metric(
            name="diversity/share_of_generation_0",
            over="generations",
            meaning="mean distance of two individuals of the population, over that in generation 0",
        ),
        Metric(name="<model>/accuracy/<task>", over="difficulty", meaning="on held-out examples"),
        Metric(name="<model>/depth/<task>", over="difficulty", meaning="mean recursion steps at the answer"),
        Metric(name="test accuracy/<model>", over="nothing", meaning="mean over tasks, on test examples"),
    ),
    checks=checks,
    forge=forge,
    measure=Deferred(MEASURING, "measure_champion"),
    clock=Deferred(MEASURING, "clock_champion"),
    work=work,
    data=data,
    estimate=Deferred("bloomery.forge.estimating.evomerge", "estimate"),
)
