"""Differential chaos: the same faults into the original and a candidate; the candidate may not do worse."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.evidence import Bar, Check, Evidence, judge, not_run
from bloomery.optimize.faults.experimenting import USUAL, Experiment, experiment
from bloomery.optimize.faults.probing import merged
from bloomery.optimize.faults.schedule import Scenario
from bloomery.optimize.faults.sighting import ADVICE, Steady
from bloomery.optimize.faults.steadying import Effort
from bloomery.optimize.faults.weakness import Weakness

NO_WORSE = Check(
    name="faults",
    bar=Bar(op="<=", value=0),
    unit="weaknesses",
    meaning="what breaks in the candidate under faults and does not in the original",
)
HOW = "bloomery.optimize.faults.compare_under_faults"


@dataclass(frozen=True)
class UnderFaults:
    """`worse`: weaknesses that only the candidate has; `better`: only the original; `both`: as before."""

    evidence: Evidence
    worse: tuple[Weakness, ...] = ()
    better: tuple[Weakness, ...] = ()
    both: tuple[Weakness, ...] = ()
    schedules: int = 0


def compare_under_faults(
    root: Path,
    path: str,
    texts: Mapping[str, str],
    *,
    scenarios: Sequence[Scenario] = (),
    tests: Sequence[str] = (),
    seed: int = 0,
    effort: Effort = USUAL,
) -> UnderFaults:
    """The same scenarios and seed, every fault that can strike, in the original and with `texts` in place.

    `not_run` where no scenario can be used in both versions, says why.
    """
    first = experiment(root, path, scenarios=scenarios, tests=tests, seed=seed, effort=effort)
    return compared(first, texts)


def compared(
    first: Experiment,
    texts: Mapping[str, str],
    *,
    only: Collection[str] | None = None,
    seed: int | None = None,
) -> UnderFaults:
    """The candidate beside an original that was looked at already; `only`: names of scenarios."""
    prepared = [one for one in first.prepared if only is None or one.scenario.name in only]
    chosen = [one.scenario for one in prepared]
    if not chosen:
        return _unable("; ".join(first.left_out) or "there is no scenario")
    second = experiment(
        first.root,
        first.which.path,
        scenarios=chosen,
        tests=first.tests,
        seed=first.seed if seed is None else seed,
        effort=first.effort,
        texts=texts,
    )
    if len(second.prepared) < len(chosen):
        return _unable(f"the candidate has another steady state: {'; '.join(second.left_out)}")
    for one, other in zip(prepared, second.prepared, strict=True):
        if said := otherwise(one.steady, other.steady):
            return _unable(f"without a fault, in {one.scenario.name}, {said}")
    return _judged(first, second, {one.name for one in chosen})


def otherwise(one: Steady, other: Steady) -> str:
    """What a candidate does otherwise where no fault strikes; empty where nothing can be seen."""
    before, after = one.record["calls"], other.record["calls"]
    if [call["name"] for call in before] != [call["name"] for call in after]:
        return "the candidate is called otherwise"
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if number in one.unstable | other.unstable:
            continue
        for key in ("outcome", "value", "kinds", "files"):
            if old.get(key) != new.get(key):
                return f"{old['name']} has another {key}"
    return ""


def _unable(why: str) -> UnderFaults:
    return UnderFaults(not_run(NO_WORSE, why, how=HOW))


def _judged(first: Experiment, second: Experiment, chosen: Collection[str]) -> UnderFaults:
    """What was drawn differs between versions: a schedule that breaks the candidate is tried on both."""
    before = [one for one in first.found if one.scenario.name in chosen]
    old, new = {_key(one) for one in before}, {_key(one) for one in second.found}
    fresh = [one for one in second.found if _key(one) not in old and one.kind not in ADVICE]
    worse = [one for one in fresh if not first.shows(one)]
    both = [one for one in second.found if one not in worse]
    better = [one for one in before if _key(one) not in new]
    evidence = judge(NO_WORSE, len(worse), how=HOW, duration_s=0.0)
    worse_, better_, both_ = (tuple(merged(side)) for side in (worse, better, both))
    return UnderFaults(evidence, worse_, better_, both_, first.tried + second.tried)


def _key(one: Weakness) -> tuple[str, str]:
    """Lines move, and functions are split: what counts is what breaks in which scenario."""
    return one.kind, one.scenario.name
