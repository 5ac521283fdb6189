"""Adversarial: unlike proposals for one file compete; a counter-example found against one is tried on all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from bloomery.core.evidence import Bar, Check, Evidence, judge
from bloomery.optimize.asking import MODELS
from bloomery.optimize.equivalence import Effort
from bloomery.optimize.methods.crossing import CounterExample, crossed, stressed
from bloomery.optimize.methods.method import Bench, Judged
from bloomery.optimize.methods.telling import example, verdict_of
from bloomery.optimize.methods.tournament import (
    CRITERIA,
    UNKNOWN,
    Entrant,
    Interval,
    quality,
    scores,
    weights_for,
)
from bloomery.optimize.proposal import Goal, Known, Proposal, Target
from bloomery.optimize.validating.verdict import Verdict
from bloomery.source.diff import make

POOL = 3
"""So many proposals for each place in the tournament are looked at, so that unlike ones can be chosen."""
EFFORT = Effort(circumstances=2)
ORIGINAL = "the original"
EXAMPLE = "counter-example"
SURVIVED = Check(
    name="rivals.counter-examples",
    bar=Bar(op="==", value=0),
    unit="counter-examples",
    meaning="inputs, new ones or found against rivals, on which it differs from the original",
)
MEASURED: Mapping[str, tuple[str, ...]] = {
    "speed": ("faster", "timing.gain", "performance"),
    "memory": ("smaller", "memory.gain"),
}
NOT_THE_SAME: tuple[Goal, ...] = ("fix", "robustness", "security", "coverage")


@dataclass
class Adversarial:
    """`count`: rivals for one file (None: as many as the task says); `effort`: of the search for inputs."""

    name: str = "adversarial"
    count: int | None = None
    effort: Effort = EFFORT
    facts: dict[str, Any] = field(default_factory=dict)

    def improve(self, bench: Bench) -> Iterator[Judged]:
        weights = weights_for(bench.task.goal)
        self.facts["weights"] = dict(weights)
        for path in bench.task.paths:
            count = self.count or bench.task.rivals
            pool: list[Proposal] = []  # who proposes late sees what others did
            for one in islice(bench.propose(path=path, known=Known(part="rival", rivals=pool)), POOL * count):
                pool.append(one)
            if pool:
                rivals = diverse(pool, Target(bench.task.root, path), count)
                yield from self._held(bench, Target(bench.task.root, path), rivals, weights)

    def _held(
        self, bench: Bench, target: Target, rivals: Sequence[Proposal], weights: Mapping[str, float]
    ) -> Iterator[Judged]:
        """One tournament; those that fell in validation take part only by their counter-examples."""
        bench.say("tournament", path=target.path, rivals=len(rivals))
        judged, counts = self._judged(bench, target, rivals)
        if more := self._replies(bench, target, judged):
            judged, counts = self._judged(bench, target, [*rivals, *more])
        self.facts |= {name: self.facts.get(name, 0) + count for name, count in counts.items()}
        rivals, verdicts = [one.proposal for one in judged], [one.verdict for one in judged]
        standing = [at for at, verdict in enumerate(verdicts) if verdict.sound]
        entrants = [Entrant(ORIGINAL, _values({target.path: target.text}, None))]
        entrants += [Entrant(str(at), _values(rivals[at].texts, verdicts[at])) for at in standing]
        marks = dict(zip([None, *standing], scores(entrants, weights), strict=True))
        places = {at: place for place, at in enumerate(sorted(standing, key=lambda at: -marks[at]), start=1)}
        self.facts["original's score"] = marks[None]
        for at, (rival, verdict) in enumerate(zip(rivals, verdicts, strict=True)):
            yield Judged(rival, verdict, {"score": marks.get(at, 0.0), "place": places.get(at)})

    def _judged(
        self, bench: Bench, target: Target, rivals: Sequence[Proposal]
    ) -> tuple[list[Judged], dict[str, int]]:
        """The verdicts with what new inputs, and those that brought down rivals, say beside; and how many."""
        verdicts = [bench.validate(rival) for rival in rivals]
        if (
            bench.task.goal in NOT_THE_SAME
        ):  # where behaviour is meant to change, the original is no yardstick
            return [Judged(*pair) for pair in zip(rivals, verdicts, strict=True)], {}
        effort = replace(self.effort, seed=bench.task.seed + 1)
        examples, fallen = stressed(target, rivals, effort, bench.once)
        told = crossed(target, rivals, examples, effort)
        against = {at: what for at, (_, what) in told.items()} | fallen
        by_rival = {at: found for at, (found, _) in told.items()} | {one.of: one for one in examples[::-1]}
        judged = [
            Judged(rival, _with(verdict, _survival(against.get(at))), {EXAMPLE: by_rival.get(at)})
            for at, (rival, verdict) in enumerate(zip(rivals, verdicts, strict=True))
        ]
        others = sum(at not in fallen for at in told)
        return judged, {"counter-examples": len(examples), "brought down by another's": others}

    def _replies(self, bench: Bench, target: Target, judged: Sequence[Judged]) -> list[Proposal]:
        """What a language model proposes when it sees all rivals and what brought some of them down."""
        fallen = [one for one in judged if not one.verdict.sound]
        if not fallen or not bench.asks(MODELS):
            return []
        known = Known(
            part="rival",
            rivals=[one.proposal for one in judged],
            counterexamples=tuple(dict.fromkeys(map(_broken_by, fallen))),
            functions=tuple(dict.fromkeys(one.proposal.function for one in fallen if one.proposal.function)),
        )
        asked = bench.propose(proposer=MODELS, path=target.path, known=known)
        replies = list(islice(asked, self.count or bench.task.rivals))
        self.facts["replies of models"] = self.facts.get("replies of models", 0) + len(replies)
        return replies


def _broken_by(judged: Judged) -> str:
    found: CounterExample | None = judged.facts.get(EXAMPLE)
    return example(found) if found is not None else f"# {judged.proposal.operator}: {verdict_of(judged)}"


def diverse(pool: Sequence[Proposal], target: Target, count: int) -> list[Proposal]:
    """The first, then always the one least like those chosen: by proposer, operator, changed lines."""
    traits = [_traits(one, target) for one in pool]
    chosen = [0]
    while len(chosen) < min(count, len(pool)):
        rest = [at for at in range(len(pool)) if at not in chosen]
        chosen.append(max(rest, key=lambda at: (min(_apart(traits[at], traits[one]) for one in chosen), -at)))
    return [pool[at] for at in chosen]


def _traits(proposal: Proposal, target: Target) -> frozenset[str]:
    diff = make({target.path: target.text}, dict(proposal.texts))
    hunks = [hunk for file in diff.files for hunk in file.hunks]
    lines = {f"line {line.strip()}" for hunk in hunks for line in set(hunk.after) - set(hunk.before)}
    operators = {f"operator {name}" for name in proposal.operator.split("+")}
    return frozenset({f"proposer {proposal.proposer}", *operators, *lines})


def _apart(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's distance."""
    return 1 - len(one & other) / len(one | other)


def _values(texts: Mapping[str, str], verdict: Verdict | None) -> dict[str, Interval]:
    """What a rival has in each criterion; of speed and memory, ratios to the original, which has 1."""
    if verdict is None:
        return {"speed": (1.0, 1.0), "memory": (1.0, 1.0), **quality(texts)}
    measured = {name: _ratio(verdict, MEASURED[name]) for name in CRITERIA if name in MEASURED}
    return {**measured, **quality({path: text for path, text in texts.items() if path.endswith(".py")})}


def _ratio(verdict: Verdict, names: Sequence[str]) -> Interval:
    for name in names:
        found = verdict.of(name)
        if found is not None and found.measured is not None and found.unit == "times":
            return found.interval or (found.measured, found.measured)
    return UNKNOWN


def _survival(fallen: str | None) -> Evidence:
    how = fallen or "inputs that validation did not use, and those that brought down others"
    return judge(SURVIVED, int(fallen is not None), how=how, duration_s=0.0)


def _with(verdict: Verdict, evidence: Evidence) -> Verdict:
    mends = dict(verdict.suggestions)
    if evidence.state != "passed":
        mends[evidence.check] = evidence.how
    return replace(verdict, evidence=(*verdict.evidence, evidence), suggestions=mends)
