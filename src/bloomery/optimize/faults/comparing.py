"""Differential chaos: the same faults into the original and a candidate; the candidate may not do worse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.evidence import Bar, Check, Evidence, judge, not_run
from bloomery.optimize.faults.probing import USUAL, Experiment, experiment, merged
from bloomery.optimize.faults.schedule import Scenario
from bloomery.optimize.faults.sighting import Steady
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
    chosen = [one.scenario for one in first.prepared]
    if not chosen:
        return _unable("; ".join(first.left_out) or "there is no scenario")
    second = experiment(root, path, scenarios=chosen, tests=tests, seed=seed, effort=effort, texts=texts)
    if len(second.prepared) < len(chosen):
        return _unable(f"the candidate has another steady state: {'; '.join(second.left_out)}")
    for one, other in zip(first.prepared, second.prepared, strict=True):
        if said := otherwise(one.steady, other.steady):
            return _unable(f"without a fault, in {one.scenario.name}, {said}")
    return _compared(first, second)


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


def _compared(first: Experiment, second: Experiment) -> UnderFaults:
    before, after = list(merged(first.look())), list(merged(second.look()))
    old, new = {_key(one) for one in before}, {_key(one) for one in after}
    worse = tuple(one for one in after if _key(one) not in old)
    better = tuple(one for one in before if _key(one) not in new)
    both = tuple(one for one in after if _key(one) in old)
    return UnderFaults(
        judge(NO_WORSE, len(worse), how=HOW, duration_s=0.0), worse, better, both, first.tried + second.tried
    )


def _key(one: Weakness) -> tuple[str, str]:
    """Lines move, and functions are split: what counts is what breaks in which scenario."""
    return one.kind, one.scenario.name
