"""An original and a candidate, timed side by side: pairs of fresh processes in random order.

A pair shares its hash seed; both sides build equal arguments for every execution anew, and what each timed
execution returns is compared with what the original's return. A gain counts if it shows in the first
execution after the import as in later ones: what only helps from the second equal call on is a cache, not a
faster function. Time is the thread's processor time, which other programs do not lengthen; where the original
mostly waits, it is time on the wall. A gain in processor time must show on the wall too, or the work went
elsewhere. Memory is the peak of Python's allocators (tracemalloc, exact to the byte; blind to what libraries
take from the system by themselves), checked against the peak of resident memory (pages of 4 KiB).

Not covered: code that reaches for the timer in its own process. The text of a candidate is read for that by
the equivalence check, which comes first.

Source: Georges et al. 2007 and Kalibera & Jones 2013 (many processes, intervals of ratios); Mytkowicz et al.
2009 (why the surroundings are drawn anew for each process); deciding.py for the statistics.
"""

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from bloomery.core.errors import UserError
from bloomery.core.evidence import Evidence
from bloomery.optimize.equivalence.executing import files_of
from bloomery.optimize.timing.deciding import ERROR, FEWEST, GLANCE, Estimate, estimate, planned
from bloomery.optimize.timing.evidence import LEAST_GAIN, LEAST_SAVED, Judgement, judged
from bloomery.optimize.timing.running import Clock, Pace, Sample, Source, sample
from bloomery.optimize.timing.workload import Workload

TRIALS = 40
SEEDS = 2**32
NEGLIGIBLE_BYTES = 16 * 2**10
"""Peaks below it count as this much."""
ENOUGH_NS = 30e6  # in each process, of cold executions and of warm ones, where executions are that short
BLOCK_NS = 5e5  # shorter executions are repeated within one warm measurement
LONG_NS = 1e9  # an execution that long is made once in a process: nothing is warmer then
WAITS = 3.0
LEAST_S = 5.0  # that a process gets in any case: a busy machine is no endless loop


@dataclass(frozen=True)
class Comparison:
    """`ratio`: the original's time over the candidate's, the lesser of the first execution's and later ones'.

    `interval`: its one-sided bounds, each wrong in at most 0.5 % of comparisons, or as often as was asked
    for. `faster` and `smaller` are claimed only above no gain and above the least that matters; nan where
    nothing could be measured, because of the original where it is `untimed`.
    """

    ratio: float
    interval: tuple[float, float]
    faster: bool
    slower: bool
    smaller: bool
    memory_ratio: float
    memory_interval: tuple[float, float]
    workload: str
    pairs: int
    evidence: tuple[Evidence, ...]
    cold_ratio: float = math.nan
    warm_ratio: float = math.nan
    clock: Clock = "processor"
    trouble: str = ""
    untimed: bool = False


@dataclass
class Pairs:
    """Samples of both sides so far, and what went wrong."""

    clock: Clock
    before: list[Sample] = field(default_factory=list)
    after: list[Sample] = field(default_factory=list)
    unstable: int = 0
    different: int = 0
    trouble: str = ""
    untimed: bool = False
    endless: bool = False

    def add(self, before: Sample, after: Sample) -> None:
        if before.trouble or after.trouble:
            side = "the original" if before.trouble else "the candidate"
            self.trouble = f"{side} could not be timed: {before.trouble or after.trouble}"
            self.untimed = bool(before.trouble)
            self.endless = not before.trouble and _out_of_time(after.trouble)
            return
        self.before.append(before)
        self.after.append(after)
        if len(before.digests) > 1 or self.unstable:
            self.unstable += 1  # its results depend on more than arguments and hash seed
        elif before.digests != after.digests:
            self.different += 1

    def estimates(self, error: float, seed: int) -> tuple[Estimate, Estimate, Estimate]:
        """Of the first execution, of later ones, of memory."""
        cold, warm = (
            estimate(
                [one.time(kind, self.clock) for one in self.before],
                [one.time(kind, self.clock) for one in self.after],
                error=error, seed=seed,
            )
            for kind in ("cold", "warm")
        )  # fmt: skip
        peaks = (
            [max(one.peak_bytes, NEGLIGIBLE_BYTES) for one in side] for side in (self.before, self.after)
        )
        return cold, warm, estimate(*peaks, error=error, seed=seed)

    def wall_ratio(self) -> float:
        ratios = [b.warm_wall / a.warm_wall for b, a in zip(self.before, self.after, strict=True)]
        return statistics.median(ratios)

    def import_ms(self) -> float:
        """How much longer the candidate's takes."""
        pairs = zip(self.before, self.after, strict=True)
        return statistics.median(after.import_ns - before.import_ns for before, after in pairs) / 1e6

    def resident(self) -> tuple[float, float]:
        """Median bytes of both sides."""
        return (
            statistics.median(one.rss_bytes for one in self.before),
            statistics.median(one.rss_bytes for one in self.after),
        )


def compare(
    root: Path,
    path: str,
    proposal_texts: Mapping[str, str],
    workload: Workload,
    *,
    trials: int = TRIALS,
    seed: int = 0,
    error: float = ERROR,
) -> Comparison:
    """Whether the candidate is faster, slower or smaller on one workload; `trials`: pairs at most.

    `error`: how often each one-sided claim may be wrong. A caller that tries several workloads, and takes
    the best, multiplies that chance: it divides `error` by their number (Bonferroni's inequality).
    Raises: UserError for fewer than 8 trials, for no calls, and as `files_of` does.
    """
    if trials < FEWEST or not workload.calls:
        raise UserError(f"at least {FEWEST} trials of at least one call are needed to say anything")
    began = time.monotonic()
    files, module, roots = files_of(root, path)
    sources = Source(files, module, roots), Source({**files, **proposal_texts}, module, roots)
    rng = Random(seed)
    pilot = sample(sources[0], workload, Pace(memory=False), hash_seed=rng.randrange(SEEDS))
    if pilot.trouble:
        trouble = f"the original could not be timed: {pilot.trouble}"
        pairs = Pairs("processor", trouble=trouble, untimed=True)
        return _concluded(pairs, None, workload, began)
    pairs = Pairs("wall" if pilot.warm_wall > WAITS * pilot.warm else "processor")
    found = _paired(pairs, sources, workload, pace_of(pilot), planned(trials, error), rng)
    return _concluded(pairs, found, workload, began)


def pace_of(pilot: Sample) -> Pace:
    """As many executions as fit into a short time, and time enough for a candidate that is much slower."""
    cold, warm = pilot.cold_wall, pilot.warm_wall
    loops = max(1, min(1000, round(BLOCK_NS / warm)))
    times = max(1, min(7, round(ENOUGH_NS / (warm * loops)))) if warm < LONG_NS else 0
    longest_s = max(cold, warm * loops * times) / 1e9
    return Pace(
        cold=max(1, min(6, round(ENOUGH_NS / cold))),
        warm=times,
        loops=loops,
        time_s=LEAST_S + 20 * longest_s,
    )


def _paired(
    pairs: Pairs,
    sources: tuple[Source, Source],
    workload: Workload,
    pace: Pace,
    plan: tuple[tuple[int, ...], float],
    rng: Random,
) -> tuple[Estimate, Estimate, Estimate] | None:
    """Pairs until a look decides; None where something went wrong."""
    chosen, error = plan
    found = None
    for number in range(1, chosen[-1] + 1):
        hash_seed = rng.randrange(SEEDS)
        order = rng.sample((0, 1), 2)
        drawn = {side: sample(sources[side], workload, pace, hash_seed=hash_seed) for side in order}
        before, after = drawn[0], drawn[1]
        if before.digests and after.digests and before.digests != after.digests and not pairs.unstable:
            again = sample(sources[0], workload, pace, hash_seed=hash_seed)
            before = replace(before, digests=before.digests | again.digests)
        pairs.add(before, after)
        if pairs.trouble or pairs.different:
            return None
        if number not in (GLANCE, *chosen):
            continue
        found = pairs.estimates(error, rng.randrange(SEEDS))
        if _idle(found) or (number in chosen and _decided(found)):
            return found
    return found


def _idle(found: tuple[Estimate, Estimate, Estimate]) -> bool:
    cold, warm, memory = found
    return (cold.idle(LEAST_GAIN) or warm.idle(LEAST_GAIN)) and memory.idle(LEAST_SAVED)


def _decided(found: tuple[Estimate, Estimate, Estimate]) -> bool:
    cold, warm, memory = found
    apart = (cold.sure(LEAST_GAIN) and warm.sure(LEAST_GAIN)) or (
        cold.surely_less(LEAST_GAIN) and warm.surely_less(LEAST_GAIN)
    )
    return apart and (memory.sure(LEAST_SAVED) or memory.ratio < LEAST_SAVED)


def _out_of_time(trouble: str) -> bool:
    return trouble.startswith(("more than", "killed at the limit of time", "killed at the limit of cpu"))


def _concluded(
    pairs: Pairs, found: tuple[Estimate, Estimate, Estimate] | None, workload: Workload, began: float
) -> Comparison:
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    cold, warm, memory = found or (nothing, nothing, nothing)
    time_ = min(cold, warm, key=lambda one: one.ratio)
    said = judged(
        Judgement(
            found=found is not None,
            cold=cold, warm=warm, memory=memory,
            wall=pairs.wall_ratio() if found else math.nan,
            resident=pairs.resident() if found else (0.0, 0.0),
            import_ms=pairs.import_ms() if found else 0.0,
            compared=len(pairs.before), different=pairs.different, unstable=pairs.unstable,
            trouble=pairs.trouble, clock=pairs.clock,
            workload=str(workload), duration_s=time.monotonic() - began,
        )
    )  # fmt: skip
    slower = cold.surely_less(LEAST_GAIN) and warm.surely_less(LEAST_GAIN)
    return Comparison(
        time_.ratio, time_.interval, said.faster, slower or pairs.endless, said.smaller,
        memory.ratio, memory.interval, str(workload), len(pairs.before), said.evidence,
        cold.ratio, warm.ratio, pairs.clock, said.trouble, pairs.untimed,
    )  # fmt: skip
