"""How often the comparison of two versions claims a gain: where there is none, and where there is one.

    python -m benchmarks.timing                       # 500 trials of equals, 30 of each known gain
    python -m benchmarks.timing --equals 100 --gains 0
    python -m benchmarks.timing --keep FILE --time-s 60     # a part of them; the next call goes on
    python -m benchmarks.timing --json FILE

A trial of equals times a function of the corpus of slow and optimal ones against itself. A known gain is a
loop that does 1.1, 1.5 or 10 times as many steps as its candidate's. Each trial is a whole `compare`, early
ending included. Nothing is waited for and nothing left out: what else the machine does is in the figures, and
the load is told beside them.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.slow.corpus import cases
from benchmarks.slow.measuring import workload_of
from bloomery.optimize.timing import Call, Comparison, Workload, compare

GAINS = (1.1, 1.5, 10.0)
STEPS = 12_000
BAR = 0.01
LOOP = """
def work(n: int) -> int:
    out = 0
    for i in range(n * {steps} // 1000):
        out ^= i
    return out * 0
"""
SHORT = 100_000  # characters of an input: reading a longer one is most of a trial
Trial = dict[str, Any]


def planned(equals: int, gains: int) -> Iterator[tuple[str, int]]:
    """Kinds of trials by turns, so that a part of them says something of each."""
    for number in range(max(equals, gains)):
        if number < equals:
            yield "equal", number
        yield from ((f"{gain:g}", number) for gain in GAINS if number < gains)


def tried(kind: str, number: int) -> Trial:
    began = time.monotonic()
    found = against_itself(number) if kind == "equal" else known_gain(float(kind), number)
    return {
        "kind": kind, "number": number, "faster": found.faster, "slower": found.slower,
        "smaller": found.smaller, "ratio": found.ratio, "low": found.interval[0], "pairs": found.pairs,
        "trouble": found.trouble, "workload": found.workload, "seconds": time.monotonic() - began,
        "load": os.getloadavg()[0],
    }  # fmt: skip


def against_itself(number: int) -> Comparison:
    known = [one for one in cases("optimal") if len(repr(one.large())) < SHORT]
    case = known[number % len(known)]
    return _compared(case.program, case.program, workload_of(case), number)


def known_gain(gain: float, number: int) -> Comparison:
    """The candidate makes STEPS steps, the original so many times more."""
    slow, fast = (LOOP.format(steps=round(1000 * times)) for times in (gain, 1))
    return _compared(slow, fast, Workload("work", (Call("work", (("", str(STEPS)),)),)), number)


def _compared(original: str, candidate: str, workload: Workload, seed: int) -> Comparison:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "m.py").write_text(original)
        return compare(folder, "m.py", {"m.py": candidate}, workload, seed=seed)


def kept(path: Path | None) -> list[Trial]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows(trials: list[Trial]) -> list[Trial]:
    return [
        _row(kind, some)
        for kind in ("equal", *(f"{gain:g}" for gain in GAINS))
        if (some := _of(kind, trials))
    ]


def _of(kind: str, trials: list[Trial]) -> list[Trial]:
    return [one for one in trials if one["kind"] == kind]


def _row(kind: str, some: list[Trial]) -> Trial:
    faster = sum(one["faster"] for one in some)
    load = statistics.median(one["load"] for one in some)
    medians = [statistics.median(one[key] for one in some) for key in ("pairs", "seconds")]
    slower, smaller = (sum(one[claim] for one in some) for claim in ("slower", "smaller"))
    note = (
        f"{faster} of {len(some)} claimed faster, {slower} slower, {smaller} smaller;"
        f" {sum(bool(one['trouble']) for one in some)} not timed; median ratio"
        f" {statistics.median(one['ratio'] for one in some):.3f}, {medians[0]:g} pairs, {medians[1]:.1f} s,"
        f" load {load:.1f}"
    )
    wrong = kind == "equal"
    return {
        "what": "the same code claimed faster" if wrong else f"a gain of {kind} times found",
        "ours": faster / len(some),
        "peer": None, "ratio": None, "unit": "share of trials",
        "bar": f"<= {BAR}" if wrong else "",
        "higher_is_better": not wrong,
        "met": faster / len(some) <= BAR if wrong else None,
        "note": note,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--equals", type=int, default=500)
    parser.add_argument("--gains", type=int, default=30)
    parser.add_argument(
        "--keep", type=Path, help="one line for each trial; those that are there are not made again"
    )
    parser.add_argument("--time-s", type=float, default=float("inf"), help="begin no trial after so long")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began = time.monotonic()
    trials = kept(given.keep)
    made = {(one["kind"], one["number"]) for one in trials}
    for kind, number in planned(given.equals, given.gains):
        if (kind, number) in made or time.monotonic() - began > given.time_s:
            continue
        trials.append(tried(kind, number))
        if given.keep:
            with given.keep.open("a") as file:
                file.write(json.dumps(trials[-1]) + "\n")
    found = rows(trials)
    for row in found:
        print(f"{row['what']:32}{row['ours']:8.2%}  {row['bar']:8}{row['note']}")
    if given.json:
        command = f"python -m benchmarks.timing --equals {given.equals} --gains {given.gains}"
        seconds = sum(one["seconds"] for one in trials)
        told = {"name": "timing", "command": command, "seconds": seconds, "rows": found}
        given.json.write_text(json.dumps(told, indent=1) + "\n")
        return 0  # the rows say what was missed
    return 0 if all(row["met"] is not False for row in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
