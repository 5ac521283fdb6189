"""How many planted weaknesses are found and mended, and how much is said against programs that have none.

    python -m benchmarks.faults                       # all; --half tuned|held, --only NAME ..., --json FILE,
                                                      # --details FILE: what became of each

Each text of `benchmarks/faulty/` holds a program with one planted weakness, its sound twin, and scenarios.
*Found*: the planted kind is among what `probe` reports. *Mended*: a mend of the chaos method passes: without
a fault the same is seen, under the schedule that showed the weakness and under all others of both versions it
is gone, and nothing else came instead. *False alarms*: weaknesses claimed in a twin. *Beside*: kinds claimed
in a weak program that were not planted. Half of the texts (by a hash of their names) took no part in mending
judge, seams and mends, with one exception that is part of the figures: on its first run `tool_version` was
found but not mended, and its twin accused, since a process that was killed could not be waited for here.
"""

import argparse
import ast
import hashlib
import json
import signal
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks import telling
from bloomery.optimize.faults import Scenario, probe
from bloomery.optimize.faults.experimenting import experiment
from bloomery.optimize.faults.mending import mended
from bloomery.optimize.faults.probing import weaknesses

FOLDER = Path(__file__).parent / "faulty"
Half = Literal["tuned", "held"]


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    what: str
    scenarios: tuple[Scenario, ...]
    weak: str
    sound: str

    @property
    def half(self) -> Half:
        names = sorted((path.stem for path in FOLDER.glob("*.txt")), key=_hash)
        return "tuned" if names.index(self.name) < len(names) // 2 else "held"


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def case(path: Path) -> Case:
    parts = path.read_text().split("\n=== ")
    kind, _, what = parts[0].partition(": ")
    given = {part.partition("\n")[0]: part.partition("\n")[2] for part in parts[1:]}
    scenarios = [
        Scenario(f"{path.stem} {number}", **one)
        for number, one in enumerate(ast.literal_eval(given["scenarios"]), 1)
    ]
    return Case(path.stem, kind, what, tuple(scenarios), given["weak"] + "\n", given["sound"])


def cases() -> list[Case]:
    return [case(path) for path in sorted(FOLDER.glob("*.txt"))]


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    half: Half
    found: bool
    mended: bool
    beside: tuple[str, ...]
    alarms: tuple[str, ...]
    schedules: int
    seconds: float
    mend: str


def measure(one: Case, seed: int, *, mend: bool) -> Row:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faulty-") as name:
        root = Path(name)
        (root / "program.py").write_text(one.weak)
        made = experiment(root, "program.py", scenarios=one.scenarios, seed=seed)
        seen = weaknesses(made)
        planted = [weak for weak in seen if weak.kind == one.kind]
        tried = mended(made, planted[0]) if mend and planted else None
        (root / "program.py").write_text(one.sound)
        twin = probe(root, "program.py", scenarios=one.scenarios, seed=seed)
    return Row(
        one.name,
        one.kind,
        one.half,
        bool(planted),
        tried is not None,
        tuple(str(weak) for weak in seen if weak.kind != one.kind),
        tuple(str(weak) for weak in twin) or tuple(f"not tried: {why}" for why in twin.left_out),
        seen.schedules + twin.schedules,
        time.monotonic() - began,
        tried.proposal.operator if tried else "",
    )


def report(rows: list[Row]) -> None:
    for half in ("tuned", "held"):
        part = [row for row in rows if row.half == half]
        if part:
            print(
                f"{half:6} found {sum(row.found for row in part)}/{len(part)}  "
                f"mended {sum(row.mended for row in part)}/{len(part)}  "
                f"false alarms in twins {sum(len(row.alarms) for row in part)}  "
                f"claimed beside {sum(len(row.beside) for row in part)}  "
                f"schedules {sum(row.schedules for row in part)}"
            )


def rows(measured: list[Row]) -> list[telling.Row]:
    """What is found, mended and wrongly said in each half; there is no bar for these."""
    told = []
    for half in ("tuned", "held"):
        part = [row for row in measured if row.half == half]
        whole = len(part)
        schedules = f"{sum(row.schedules for row in part)} schedules"
        told += telling.share(
            f"planted weaknesses found, {half}", sum(row.found for row in part), whole, schedules
        )
        told += telling.share(f"planted weaknesses mended, {half}", sum(row.mended for row in part), whole)
        for what, said in (("sound twins accused", "alarms"), ("programs with a kind beside", "beside")):
            lines = [line for row in part for line in getattr(row, said)]
            count = sum(bool(getattr(row, said)) for row in part)
            if part:
                note = f"{len(lines)} claims"
                told.append(telling.none_of(f"{what}, {half}", count, whole, note, judged=False))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=["tuned", "held"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--find", action="store_true", help="find only, mend nothing")
    parser.add_argument("--json", type=Path, help="rows for the harness")
    parser.add_argument("--details", type=Path, help="what became of each")
    given = parser.parse_args()
    measured: list[Row] = []
    for one in cases():
        if (given.only and one.name not in given.only) or (given.half and one.half != given.half):
            continue
        row = measure(one, given.seed, mend=not given.find)
        measured.append(row)
        said = "mended" if row.mended else "found" if row.found else "missed"
        print(
            f"{row.half:6} {row.name:16} {row.kind:20} {said:7} {row.seconds:5.1f} s  {row.mend}", flush=True
        )
        for line in (*(f"beside: {b}" for b in row.beside), *(f"FALSE ALARM: {a}" for a in row.alarms)):
            print(f"       {line}", flush=True)
    report(measured)
    if given.details:
        given.details.write_text(json.dumps([asdict(row) for row in measured], indent=1) + "\n")
    if given.json:
        telling.write(given.json, "faults", rows(measured), sum(row.seconds for row in measured))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
