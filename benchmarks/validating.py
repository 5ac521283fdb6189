"""How much faster validation is with test selection and a cache, and whether it comes to the same verdicts.

    python -m benchmarks.validating                    # both repositories, the checks by tests
    python -m benchmarks.validating --level standard   # with types and equivalence, too: takes long
    python -m benchmarks.validating --only generated --patches 6 --json out.json

Two repositories, committed into a scratch folder: a generated one of eight modules, and the rooms diff and
quality of `bloomery.source` with their tests. The patches are drawn by a seed: mutants of functions (most are
wrong), edits that change nothing that can be seen, the same patch once more (several proposers find the
same), and, in the generated repository, wrong patches whose effect reaches tests by a way that is no call: a
data file, a constant, a default value, a new module that is looked for, a cache that another test filled,
another process, the text of a source. Each is validated in three ways:

- everything each time: all checks of the level, every test before and after, nothing remembered;
- the same, where what the tests did before the change is known, and ending at the first failure;
- ours: the tests that the change can reach, first those that touch it; answers kept by content.

All three run in turn for each patch. Verdicts must be the same. Where this process may make a control group,
the processor time of all processes is what counts, so that a busy machine decides nothing; else wall time.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.patched_repositories import ROOMS, Patch, drawn, generated, planted, rooms
from bloomery.optimize.proposal import Goal, Proposal
from bloomery.optimize.validating import Cache, Forgetful, Level, Verdict, validate
from bloomery.optimize.validating.caching import InProcess, Question

BAR = 3.0
WAYS = ("everything each time", "tests before known", "ours")


@dataclass(frozen=True)
class Outcome:
    patch: Patch
    seconds: dict[str, float]
    sound: dict[str, bool]

    @property
    def same(self) -> bool:
        return len(set(self.sound.values())) == 1


class Meter:
    """Processor time of this process and all that it starts, by a control group; else time on the wall."""

    def __init__(self) -> None:
        self.group = Path(f"/sys/fs/cgroup/cpuacct/bloomery-benchmark-{os.getpid()}")
        try:
            self.group.mkdir()
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
            self.unit = "CPU s"
        except OSError:
            self.unit = "s"

    def now(self) -> float:
        if self.unit == "s":
            return time.perf_counter()
        return int((self.group / "cpuacct.usage").read_text()) / 1e9

    def close(self) -> None:
        if self.unit != "s":
            (self.group.parent / "cgroup.procs").write_text(str(os.getpid()))
            with suppress(OSError):
                self.group.rmdir()


class TestsBefore(InProcess):
    """Remembers what the tests did before any change, and nothing else."""

    __test__ = False

    def find(self, question: Question) -> Any | None:
        return super().find(question) if question["check"] == "record" else None


def run(root: Path, patches: list[Patch], level: Level, meter: Meter) -> Iterator[Outcome]:
    before, cache = TestsBefore(), Cache(root.parent / f"cache-{root.name}")
    goal: Goal = "fix" if level == "basic" else "speed"
    for patch in patches:
        seconds, sound = {}, {}
        settings: dict[str, dict[str, Any]] = {
            WAYS[0]: {"cache": Forgetful(), "every_test": True, "go_on": True},
            WAYS[1]: {"cache": before, "every_test": True},
            WAYS[2]: {"cache": cache},
        }
        for way, given in settings.items():
            began = meter.now()
            verdict = _validated(root, patch, level, goal, given)
            seconds[way], sound[way] = meter.now() - began, verdict.sound
        yield Outcome(patch, seconds, sound)


def _validated(root: Path, patch: Patch, level: Level, goal: Goal, given: dict[str, Any]) -> Verdict:
    proposal = Proposal("benchmark", patch.kind, "", patch.texts)
    return validate(root, proposal, goal=goal, level=level, claim=False, at_once=1, **given)


def rows(name: str, outcomes: list[Outcome], unit: str) -> Iterator[dict[str, Any]]:
    totals = {way: sum(one.seconds[way] for one in outcomes) for way in WAYS}
    ours = totals[WAYS[2]]
    wrong = [one for one in outcomes if not one.sound[WAYS[0]]]
    note = f"{len(outcomes)} patches, {len(wrong)} of them refused"
    for way, bar in ((WAYS[0], f">= {BAR:g}"), (WAYS[1], "")):
        ratio = totals[way] / ours
        met = ratio >= BAR if bar else None
        yield _row(f"{name}: against {way}", (ours, totals[way]), ratio, unit, bar, met, note)
    differing = [one.patch.kind for one in outcomes if not one.same]
    said = ", ".join(differing) or note
    count = (float(len(differing)), 0.0)
    yield _row(f"{name}: other verdicts", count, None, "patches", "<= 0", not differing, said)


def _row(
    what: str, both: tuple[float, float], ratio: float | None, unit: str, bar: str, met: Any, note: str
) -> dict[str, Any]:
    ours, peer = both
    row = {"what": what, "ours": round(ours, 2), "peer": round(peer, 2), "ratio": ratio, "unit": unit}
    return row | {"bar": bar, "higher_is_better": True, "met": met, "note": note}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", choices=("generated", "rooms"))
    parser.add_argument("--patches", type=int, default=12, help="drawn ones in each repository")
    parser.add_argument("--level", choices=("basic", "standard"), default="basic")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    began, found, meter = time.perf_counter(), [], Meter()
    made = {"generated": (generated, "src/library"), "rooms": (rooms, f"src/bloomery/source/{ROOMS[0]}")}
    scratch = Path(tempfile.mkdtemp(prefix="bloomery-bench-"))
    try:
        for name, (make, folder) in made.items():
            if told.only in (None, name):
                root = scratch / name
                make(root)
                patches = [*drawn(root, folder, told.patches, told.seed)]
                patches += planted(root) if name == "generated" else []
                found += list(rows(name, list(_shown(run(root, patches, told.level, meter))), meter.unit))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        meter.close()
    for row in found:
        ratio = f", {row['ratio']:.2f} times" if row["ratio"] else ""
        print(f"{row['what']}: {row['ours']} {row['unit']}, {row['peer']}{ratio} ({row['note']})")
    if told.json:
        plain = {"name": "validating", "command": "python -m benchmarks.validating", "rows": found}
        told.json.write_text(json.dumps(plain | {"seconds": time.perf_counter() - began}, indent=1))


def _shown(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for one in outcomes:
        word = {way: "sound" if one.sound[way] else "refused" for way in WAYS}
        told = ", ".join(f"{one.seconds[way]:.1f} s {word[way]}" for way in WAYS)
        print(f"{one.patch.kind:14} {next(iter(one.patch.texts))}: {told}", flush=True)
        yield one


if __name__ == "__main__":
    main()
