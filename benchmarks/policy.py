"""Whether the actor-critic's policy chooses better than chance what is measured next.

    python -m benchmarks.policy                    # measures once, then ten seeds of learning
    python -m benchmarks.policy --table FILE       # keeps what was measured in FILE, and reads it from there
    python -m benchmarks.policy --json FILE

The corpus is benchmarks/slow, in two forms: the functions for which the embedded proposers have two or more
proposals; and all functions with a proposal, beside it those of a proposer that edits at random. Each
proposal's reward is measured once: 0 where it behaves otherwise than the original on generated inputs or is
not faster, else the share of the time that it saves. For each seed, the policy goes over the functions in a
drawn order and chooses one proposal for each, learning as it goes (the first pass), and again (the second).
Uniform choice needs no draw: its expectation is the mean of the rewards. Beside it stand what the proposer
puts first, and the best. And what is learned on one half of
the corpus chooses on the other, of which it has seen nothing. The policy was tuned on the half "tuned" only.

A gain is claimed only where the 95 % bootstrap interval over functions of the mean difference is above 0.
"""

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from benchmarks import telling
from benchmarks.slow.corpus import Case, cases
from benchmarks.slow.measuring import LEAST_GAIN, loaded, outcome, seconds
from bloomery.optimize.methods.actor_critic.features import arm, proposal_features
from bloomery.optimize.methods.actor_critic.policy import LinUcb
from bloomery.optimize.proposal import Proposal, Target
from bloomery.optimize.proposers import proposer
from bloomery.source.mutating.mutants import mutants, mutated
from bloomery.source.python import parse_text

HALVES = ("tuned", "held_out")
ASKED = ("catalogue", "rewrites", "substitutions")
SEEDS = range(10)
RESAMPLES = 5000
TIMES = 3
RANDOM, EDITS = "random edits", 3
LIMIT_S = 2.0


@dataclass(frozen=True)
class Offered:
    """A function's proposals: what a policy sees of each, and its reward."""

    name: str
    half: str
    operators: tuple[str, ...]
    features: tuple[dict[str, float], ...]
    rewards: tuple[float, ...]

    @property
    def uniform(self) -> float:
        return statistics.fmean(self.rewards)


def proposals_for(case: Case) -> list[Proposal]:
    """Of all proposers, each text once."""
    found: dict[str, Proposal] = {}
    with tempfile.TemporaryDirectory() as folder:
        target = Target(Path(folder), f"{case.name}.py")
        (target.root / target.path).write_text(case.program)
        for name in ASKED:
            for one in proposer(name).propose(target, "speed", rng=Random(0)):
                found.setdefault(one.texts[target.path], one)
    return list(found.values())


def measured(case: Case) -> Offered | None:
    """None where nobody proposes anything."""
    found = proposals_for(case)
    if not found:
        return None
    found += edits(case)
    texts = [next(iter(one.texts.values())) for one in found]
    inputs = [*case.small(), case.large()]
    ours = loaded(case.program, case.name)
    expected = [outcome(ours, given) for given in inputs]
    taken = quickest(case.program, case)
    rewards = []
    for text in texts:
        gain = taken / quickest(text, case) if behaves(text, case, expected) else 0.0
        rewards.append(1 - 1 / gain if gain > LEAST_GAIN else 0.0)
    before = {f"{case.name}.py": case.program}
    places = [sum(each.proposer == one.proposer for each in found[:at]) for at, one in enumerate(found)]
    features = tuple(proposal_features(one, before, place) for one, place in zip(found, places, strict=True))
    return Offered(case.name, case.half, tuple(map(arm, found)), features, tuple(rewards))


def edits(case: Case) -> list[Proposal]:
    """Of the proposer that edits at random."""
    parsed = parse_text(case.program, Path(f"{case.name}.py"))
    drawn = mutants(parsed, case.name, most=EDITS, seed=0)
    texts = [{f"{case.name}.py": mutated(parsed, one)} for one in drawn]
    return [
        Proposal(RANDOM, one.operator, "", text, case.name) for one, text in zip(drawn, texts, strict=True)
    ]


def without_edits(one: Offered) -> Offered:
    kept = [at for at, name in enumerate(one.operators) if not name.startswith(RANDOM)]
    rows = (tuple(row[at] for at in kept) for row in (one.operators, one.features, one.rewards))
    return Offered(one.name, one.half, *rows)


@contextmanager
def limited(seconds: float = LIMIT_S) -> Iterator[None]:
    """An edit may never end; what it is doing then raises TimeoutError."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def behaves(text: str, case: Case, expected: Sequence[str]) -> bool:
    with limited():
        try:
            theirs = loaded(text, case.name)
            inputs = (*case.small(), case.large())
            return all(outcome(theirs, one) == said for one, said in zip(inputs, expected, strict=True))
        except TimeoutError:
            return False


def quickest(text: str, case: Case) -> float:
    run, large = loaded(text, case.name), case.large()
    return min(seconds(run, large, 1) for _ in range(TIMES))


def passes(corpus: Sequence[Offered], seed: int) -> list[dict[str, float]]:
    """By function what the policy's choice earned, in the first pass and in the second."""
    policy, rng = LinUcb(), random.Random(seed)
    out = []
    for _ in range(2):
        earned = {}
        for one in rng.sample(list(corpus), len(corpus)):
            at = policy.choose(one.features)
            policy.learn(one.features[at], one.rewards[at])
            earned[one.name] = one.rewards[at]
        out.append(earned)
    return out


def elsewhere(taught: Sequence[Offered], asked: Sequence[Offered], seed: int) -> dict[str, float]:
    """What choices earn on functions that were not seen, after two passes over others."""
    policy, rng = LinUcb(), random.Random(seed)
    for _ in range(2):
        for one in rng.sample(list(taught), len(taught)):
            at = policy.choose(one.features)
            policy.learn(one.features[at], one.rewards[at])
    values = {one.name: [policy.value(each) for each in one.features] for one in asked}
    return {one.name: one.rewards[values[one.name].index(max(values[one.name]))] for one in asked}


@dataclass(frozen=True)
class Compared:
    """Mean rewards, and the interval of the policy's difference to uniform choice."""

    name: str
    functions: int
    policy: float
    uniform: float
    first: float
    best: float
    difference: float
    low: float
    high: float


def compared(name: str, corpus: Sequence[Offered], runs: Sequence[dict[str, float]]) -> Compared:
    mine = {one.name: statistics.fmean(run[one.name] for run in runs) for one in corpus}
    differences = [mine[one.name] - one.uniform for one in corpus]
    rng = random.Random(0)
    means = sorted(statistics.fmean(rng.choices(differences, k=len(differences))) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]
    chance = statistics.fmean(one.uniform for one in corpus)
    best = statistics.fmean(max(one.rewards) for one in corpus)
    own = statistics.fmean(one.rewards[0] for one in corpus)
    mean, difference = statistics.fmean(mine.values()), statistics.fmean(differences)
    return Compared(name, len(corpus), mean, chance, own, best, difference, low, high)


def told(name: str, corpus: Sequence[Offered], runs: Sequence[dict[str, float]]) -> Compared:
    """Prints what it returns, and whether a gain can be claimed."""
    one = compared(name, corpus, runs)
    claim = "better" if one.low > 0 else "no claim"
    figures = (
        f"policy {one.policy:.3f}, uniform {one.uniform:.3f}, first {one.first:.3f}, best {one.best:.3f}"
    )
    interval = f"{one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
    print(f"  {name:26} {figures}; difference {interval}: {claim}")
    return one


def row_of(title: str, one: Compared, *, judged: bool) -> telling.Row:
    """The policy's mean reward beside that of uniform choice."""
    interval = f"difference {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
    note = f"{one.functions} functions; {interval}; first {one.first:.3f}, best {one.best:.3f}"
    ratio = one.policy / one.uniform if one.uniform else None
    bar = {"bar": "95 % interval of the difference above 0", "met": one.low > 0} if judged else {}
    beside = {"peer": one.uniform, "ratio": ratio}
    return telling.row(f"{title}: {one.name}", one.policy, "mean reward", note, **beside, **bar)


def judged(title: str, corpus: Sequence[Offered]) -> list[telling.Row]:
    """Prints all that is measured of one form of the corpus; the bar is for the second pass."""
    count = sum(len(one.rewards) for one in corpus)
    print(f"{title}: {len(corpus)} functions, {count} proposals to choose among, {len(SEEDS)} seeds")
    runs = [passes(corpus, seed) for seed in SEEDS]
    first = told("first pass, learning", corpus, [run[0] for run in runs])
    second = told("second pass", corpus, [run[1] for run in runs])
    rows = [row_of(title, first, judged=False), row_of(title, second, judged=True)]
    for taught, asked in (HALVES, HALVES[::-1]):
        mine = [one for one in corpus if one.half == asked]
        others = [one for one in corpus if one.half == taught]
        runs_there = [elsewhere(others, mine, seed) for seed in SEEDS]
        there = told(f"{asked}, taught on {taught}", mine, runs_there)
        rows.append(row_of(title, there, judged=False))
    return rows


def read(table: Path) -> list[Offered]:
    rows = json.loads(table.read_text())
    return [
        Offered(**{name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}) for row in rows
    ]


def main(table: Path | None, out: Path | None) -> int:
    began = time.monotonic()
    if table is not None and table.exists():
        corpus = read(table)
    else:
        corpus = [one for half in HALVES for case in cases(half) if (one := measured(case))]
        if table is not None:
            table.write_text(json.dumps([asdict(one) for one in corpus]))
    plain = [one for one in map(without_edits, corpus) if len(one.rewards) > 1]
    rows = judged("embedded proposers", plain) + judged("and a proposer that edits at random", corpus)
    if out:  # the rows say what was missed
        telling.write(out, "policy", rows, time.monotonic() - began)
        return 0
    return 0 if all(row["met"] is not False for row in rows) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=None)
    parser.add_argument("--json", type=Path, help="rows for the harness")
    given = parser.parse_args()
    sys.exit(main(given.table, given.json))
