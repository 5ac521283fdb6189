"""How many of forty small programs with one fault each are repaired, and how many of these repairs are right.

    python -m benchmarks.repair                       # all; --half tuned|held, --only NAME ..., --json FILE,
                                                      # --details FILE: what became of each

Each program of `benchmarks/broken/` has a fault, tests that the search sees, tests that it does not see, and
a generator of inputs. The search gets the broken file and the seen tests. Its first-ranked repair counts as
*repaired* (with it the seen tests pass) and as *correct* only where the unseen tests pass too and 300 drawn
inputs get the reference's answer. The operators were written when the programs were there; half of the
programs (by a hash of their names) took no part in mending operators and ranking, and both halves are
reported. Seconds depend on what else the machine does, of CPU less so; candidates
do not.
"""

import argparse
import ast
import copy
import hashlib
import json
import random
import signal
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks import telling
from bloomery.core.sandbox import Limits, call
from bloomery.optimize.proposers.repair import Repairs, repair

FOLDER = Path(__file__).parent / "broken"
MARK = "\n\n# What follows is no part of the program.\n"
DRAWN = 300
LEAST, MOST_S = 0.9, 120
Half = Literal["tuned", "held"]


@dataclass(frozen=True)
class Case:
    """One program: its right and its broken text, the driver that calls it, tests and generator."""

    name: str
    kind: str
    right: str
    broken: str
    rest: str
    space: dict[str, Any]

    @property
    def half(self) -> Half:
        names = sorted((path.stem for path in FOLDER.glob("*.py")), key=_hash)
        return "tuned" if names.index(self.name) < len(names) // 2 else "held"

    @property
    def driver(self) -> str:
        """The text of `drive`, where the program is called through one."""
        for node in ast.parse(self.rest).body:
            if isinstance(node, ast.FunctionDef) and node.name == "drive":
                return ast.unparse(node) + "\n"
        return ""

    def tests(self) -> str:
        rows = "".join(f"    ({given!r}, {answer!r}),\n" for given, answer in self.space["GIVEN"])
        return (
            "import copy\n\nimport pytest\n\nfrom program import *\n\n\n"
            f"{self.driver}\n\n@pytest.mark.parametrize(('given', 'answer'), [\n{rows}])\n"
            "def test_it_gives_the_answer(given, answer):\n"
            f"    assert {self.space['ENTRY']}(*copy.deepcopy(given)) == answer\n"
        )


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def case(name: str) -> Case:
    text = (FOLDER / f"{name}.py").read_text()
    head, _, rest = text.partition(MARK)
    right = head.partition('"""\n')[2].lstrip("\n") + "\n"
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)
    kind = head[3:].partition(":")[0]
    if right.count(space["CORRECT"]) != 1:
        raise ValueError(f"{name}: the right text of the fault stands {right.count(space['CORRECT'])} times")
    return Case(name, kind, right, right.replace(space["CORRECT"], space["BROKEN"]), rest, space)


def cases() -> list[Case]:
    return [case(path.stem) for path in sorted(FOLDER.glob("*.py"))]


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    half: Half
    repaired: bool
    correct: bool
    seconds: float
    cpu_seconds: float
    candidates: int
    operator: str
    place_of_correct: int  # among the ranked, from 1; 0: none


def measure(one: Case, budget: int, seed: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="broken-") as name:
        root = Path(name)
        (root / "program.py").write_text(one.broken)
        (root / "test_program.py").write_text(one.tests())
        began, used = time.monotonic(), time.process_time()
        found = repair(root, "program.py", ["test_program.py"], budget, seed)
        seconds, own = time.monotonic() - began, time.process_time() - used
    right = [is_correct(one, each.text) for each in found.ranked]
    return Row(
        one.name,
        one.kind,
        one.half,
        bool(right),
        right[:1] == [True],
        seconds,
        own + found.cpu_s,
        found.tried,
        _operator(found),
        right.index(True) + 1 if True in right else 0,
    )


def _operator(found: Repairs) -> str:
    return found.ranked[0].operator if found.ranked else ""


def is_correct(one: Case, text: str) -> bool:
    """Whether a program answers the unseen tests, and 300 drawn inputs as the reference does."""
    rng = random.Random(f"{one.name}, drawn")
    asked = [given for given, _ in one.space["HELD_OUT"]]
    asked += [one.space["draw"](rng) for _ in range(DRAWN)]
    entry = one.space["ENTRY"]
    limits = Limits(time_s=30, cpu_s=30)
    said = call(f"{text}\n{one.driver}", entry, copy.deepcopy(asked), limits=limits)
    wanted = call(f"{one.right}\n{one.driver}", entry, copy.deepcopy(asked), limits=limits)
    expected = [answer for _, answer in one.space["HELD_OUT"]]
    as_written = all(
        got.state == "returned" and got.value == want for got, want in zip(said, expected, strict=False)
    )
    return as_written and [_plain(got) for got in said] == [_plain(got) for got in wanted]


def _plain(outcome: Any) -> tuple[str, str]:
    said = repr(outcome.value) if outcome.state == "returned" else outcome.error.partition(":")[0]
    return outcome.state, said


def report(rows: list[Row]) -> None:
    for half in ("tuned", "held"):
        part = [row for row in rows if row.half == half]
        if part:
            slowest = max(row.seconds for row in part)
            repaired, right = sum(row.repaired for row in part), sum(row.correct for row in part)
            print(
                f"{half:6} repaired {repaired}/{len(part)}  correct {right}/{len(part)}  "
                f"slowest {slowest:.0f} s ({max(row.cpu_seconds for row in part):.0f} s of CPU)  "
                f"candidates, median {sorted(row.candidates for row in part)[len(part) // 2]}"
            )


def rows(measured: list[Row]) -> list[telling.Row]:
    """What was repaired correctly, of all and of each half, and how long the longest took."""
    told = []
    for half in ("all", "tuned", "held"):
        part = [row for row in measured if half in ("all", row.half)]
        note = f"{sum(row.repaired for row in part)} repaired"
        right = sum(row.correct for row in part)
        told += telling.share(f"repaired correctly, {half}", right, len(part), note, least=LEAST)
    if measured:
        slowest = max(measured, key=lambda row: row.seconds)
        late = sum(row.seconds > MOST_S for row in measured)
        note = f"{slowest.name}, {slowest.cpu_seconds:.0f} s of CPU; {late} of {len(measured)} took longer"
        judged = {"bar": f"<= {MOST_S} s", "met": not late, "higher_is_better": False}
        told.append(telling.row("slowest search", slowest.seconds, "s", f"{note} than the bar", **judged))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=["tuned", "held"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--budget", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="rows for the harness")
    parser.add_argument("--details", type=Path, help="what became of each")
    given = parser.parse_args()
    measured: list[Row] = []
    for one in cases():
        if (given.only and one.name not in given.only) or (given.half and one.half != given.half):
            continue
        row = measure(one, given.budget, given.seed)
        measured.append(row)
        verdict = "correct" if row.correct else "repaired" if row.repaired else "none"
        print(
            f"{row.half:6} {row.name:18} {row.kind:24} {verdict:9} {row.seconds:6.1f} s "
            f"{row.cpu_seconds:5.1f} s of CPU {row.candidates:6}  {row.operator}"
            + (f" (correct one at {row.place_of_correct})" if not row.correct else ""),
            flush=True,
        )
    report(measured)
    if given.details:
        given.details.write_text(json.dumps([asdict(row) for row in measured], indent=1) + "\n")
    if given.json:
        arguments = f"--budget {given.budget} --seed {given.seed}"
        telling.write(given.json, "repair", rows(measured), sum(row.seconds for row in measured), arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
