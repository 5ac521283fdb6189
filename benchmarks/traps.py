"""Wrong patches that look right, and correct twins of them: who lets which through.

    python -m benchmarks.traps                     # ours, pytest alone, the Hypothesis ghostwriter
    python -m benchmarks.traps --part built        # only the traps that the verifier was built with
    python -m benchmarks.traps --only NAME --say   # one, with the counter-examples
    python -m benchmarks.traps --json out.json

traps/*.txt hold small originals with a wrong candidate, a right one and a plausible test each. A third,
chosen by the hash of their names, was held out while the verifier was built; both parts are told apart.
pytest runs the trap's own test on the candidate. The ghostwriter writes an equivalence test of original and
candidate, which runs with its default settings; where it cannot write one, or what it writes fails without
calling anything, that is told as an error and counts as not accepted.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import BloomeryError
from bloomery.optimize.equivalence import Effort, Verification, verify
from bloomery.optimize.proposal import Proposal, Target

FOLDER = Path(__file__).resolve().parent / "traps"
SIDES = ("wrong", "right")
PARTS = ("built", "held out")
BARS = {"wrong": "<= 0", "right": ">= 0.9"}


@dataclass(frozen=True)
class Trap:
    """`wrong_test`: the test as the wrong patch changes it, where it does."""

    family: str
    name: str
    reason: str
    original: str
    wrong: str
    right: str
    test: str
    wrong_test: str

    @property
    def held_out(self) -> bool:
        return int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % 3 == 0

    @property
    def part(self) -> str:
        return PARTS[self.held_out]

    def candidate(self, side: str) -> str:
        return self.wrong if side == "wrong" else self.right

    def changed_test(self, side: str) -> str:
        return self.wrong_test if side == "wrong" and self.wrong_test else self.test

    @property
    def function(self) -> str:
        found = re.search(r"^(?:async def|def|class) (\w+)", self.original, re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.name}: no function")
        return found[1]


@dataclass(frozen=True)
class Outcome:
    trap: Trap
    side: str
    verifier: str
    accepted: bool
    said: str
    seconds: float


def load(folder: Path = FOLDER) -> list[Trap]:
    return [trap for path in sorted(folder.glob("*.txt")) for trap in _read(path)]


def _read(path: Path) -> Iterator[Trap]:
    for block in path.read_text().split("\n=== ")[1:]:
        head, *sections = re.split(r"^--- ", block, flags=re.MULTILINE)
        name, _, reason = head.partition("\n")
        parts = {title: text for title, _, text in (one.partition("\n") for one in sections)}
        original, wrong, right, test = (
            _text(parts[title]) for title in ("original", "wrong", "right", "test")
        )
        changed = _text(parts["wrong test"]) if "wrong test" in parts else ""
        yield Trap(path.stem, name, reason.strip(), original, wrong, right, test, changed)


def _text(section: str) -> str:
    return section.strip("\n") + "\n"


def ours(trap: Trap, side: str, folder: Path) -> tuple[bool, str]:
    found = verification(trap, side, folder, Effort(shrink=False))
    return found.accepted, "; ".join([*map(str, found.findings), *found.verdict.reasons][:1])


def verification(trap: Trap, side: str, folder: Path, effort: Effort) -> Verification:
    (folder / "task.py").write_text(trap.original)
    (folder / "test_task.py").write_text(trap.test)
    texts = {"task.py": trap.candidate(side), "test_task.py": trap.changed_test(side)}
    proposal = Proposal("traps", side, trap.reason, texts, trap.function)
    return verify(Target(folder, "task.py"), proposal, tests=[folder / "test_task.py"], effort=effort)


def pytest_alone(trap: Trap, side: str, folder: Path) -> tuple[bool, str]:
    (folder / "task.py").write_text(trap.candidate(side))
    (folder / "test_task.py").write_text(trap.changed_test(side))
    return _passes(folder)


def ghostwriter(trap: Trap, side: str, folder: Path) -> tuple[bool, str]:
    (folder / "task.py").write_text(trap.original)
    (folder / "candidate.py").write_text(trap.candidate(side))
    names = [f"{module}.{trap.function}" for module in ("task", "candidate")]
    command = [sys.executable, "-m", "hypothesis.extra.cli", "write", "--equivalent", *names]
    written = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60, env=_environment(folder)
    )
    if written.returncode != 0 or "def test" not in written.stdout:
        return False, "error: it writes no test"
    (folder / "test_task.py").write_text(written.stdout)
    return _passes(folder)


def _passes(folder: Path) -> tuple[bool, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--rootdir=.", "."]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=60,
            env=_environment(folder),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, "no end in 60 s"
    return ran.returncode == 0, ran.stdout.strip().splitlines()[-1][
        :200
    ] if ran.stdout.strip() else "no output"


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "HOME": str(folder), "OMP_NUM_THREADS": "1"}


VERIFIERS = {"ours": ours, "pytest alone": pytest_alone, "ghostwriter": ghostwriter}


def judged(
    traps: Sequence[Trap], verifiers: Sequence[str], sides: Sequence[str] = SIDES
) -> Iterator[Outcome]:
    for trap in traps:
        for name in verifiers:
            for side in sides:
                folder = Path(tempfile.mkdtemp(prefix="traps-"))
                began = time.monotonic()
                try:
                    accepted, said = VERIFIERS[name](trap, side, folder)
                except BloomeryError as error:
                    accepted, said = False, f"error: {error}"
                finally:
                    shutil.rmtree(folder)
                yield Outcome(trap, side, name, accepted, said, time.monotonic() - began)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [f"{'verifier':<14} {'part':<9} {'wrong accepted':>15} {'right accepted':>15} {'s/patch':>8}"]
    for verifier in dict.fromkeys(one.verifier for one in outcomes):
        for part in PARTS:
            some = [one for one in outcomes if one.verifier == verifier and one.trap.part == part]
            if some:
                cells = [f"{_count(some, side, True)} of {_count(some, side, None)}" for side in SIDES]
                seconds = sum(one.seconds for one in some) / len(some)
                lines.append(f"{verifier:<14} {part:<9} {cells[0]:>15} {cells[1]:>15} {seconds:>8.1f}")
    return lines


def _count(outcomes: Sequence[Outcome], side: str, accepted: bool | None) -> int:
    return sum(one.side == side and accepted in (None, one.accepted) for one in outcomes)


def rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, object]]:
    for part in PARTS:
        for side in SIDES:
            by = {}
            for verifier in VERIFIERS:
                some = [o for o in outcomes if (o.verifier, o.trap.part) == (verifier, part)]
                total = _count(some, side, None)
                by[verifier] = _count(some, side, True) / total if total else None
            ours_, peer = by["ours"], by["ghostwriter"]
            if ours_ is not None:
                met = ours_ <= 0 if side == "wrong" else ours_ >= 0.9
                note = f"pytest alone {by['pytest alone']}; peer: the Hypothesis ghostwriter"
                yield {
                    "what": f"{side} candidates accepted, {part} traps", "ours": ours_, "peer": peer,
                    "ratio": None, "unit": "share", "bar": BARS[side], "higher_is_better": side == "right",
                    "met": met, "note": note,
                }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--only", help="part of a trap's name")
    parser.add_argument("--verifier", action="append", choices=list(VERIFIERS))
    parser.add_argument("--say", action="store_true", help="say what each verifier said")
    given = parser.parse_args()
    began = time.monotonic()
    traps = [t for t in load() if given.part in (None, t.part) and (given.only or "") in t.name]
    outcomes = []
    for one in judged(traps, given.verifier or list(VERIFIERS)):
        outcomes.append(one)
        if one.verifier == "ours" and one.accepted != (one.side == "right"):
            print(
                f"{one.trap.name}: {one.side} {'accepted' if one.accepted else 'not accepted'}: {one.said}",
                flush=True,
            )
        elif given.say:
            print(
                f"{one.trap.name}: {one.verifier}: {one.side} {one.accepted} {one.seconds:.1f}s {one.said}",
                flush=True,
            )
    print("\n".join(table(outcomes)))
    if given.json:
        told = {"name": "traps", "command": "python -m benchmarks.traps", "seconds": time.monotonic() - began}
        given.json.write_text(json.dumps({**told, "rows": list(rows(outcomes))}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
