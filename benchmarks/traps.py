"""Wrong patches that look right, and correct twins of them: who lets which through.

    python -m benchmarks.traps                     # ours, pytest alone, the Hypothesis ghostwriter
    python -m benchmarks.traps --part built        # only the traps that the verifier was built with
    python -m benchmarks.traps --only NAME --say   # one, with the counter-examples
    python -m benchmarks.traps --codeflash VENV    # codeflash's verifier, too; it is installed there
    python -m benchmarks.traps --json out.json

traps/*.txt hold small originals with a wrong candidate, a right one and a plausible test each. A third,
chosen by the hash of their names, was held out while the verifier was built; both parts are told apart.
pytest runs the trap's own test on the candidate. The ghostwriter writes an equivalence test of original and
candidate, which runs with Hypothesis' usual settings but no time limit for an example; where it can write
none, that is an error and counts as not accepted. All of them run in the sandbox.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks import codeflash_peer
from bloomery.core.errors import BloomeryError
from bloomery.core.sandbox import Limits, read_result, run
from bloomery.optimize.equivalence import Effort, Verification, verify
from bloomery.optimize.proposal import Proposal, Target

FOLDER = Path(__file__).resolve().parent / "traps"
SIDES = ("wrong", "right")
VERIFIERS = ("ours", "pytest alone", "ghostwriter", "codeflash")
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


PEERS = ("pytest alone", "ghostwriter")
ENOUGH = Limits(time_s=900, cpu_s=600, memory_bytes=2 * 2**30, file_bytes=2**24)


def peers(traps: Sequence[Trap], names: Sequence[str], sides: Sequence[str]) -> Iterator[Outcome]:
    """Both peers on all the traps, in one sandbox."""
    wanted = [(trap, side, name) for trap in traps for side in sides for name in names if name in PEERS]
    if not wanted:
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="traps-") as name:
        folder = Path(name).resolve()
        job = [_asked(number, *one) for number, one in enumerate(wanted)]
        (folder / "job.json").write_text(json.dumps(job))
        shutil.copy(FOLDER / "peers.py", folder / "peers.py")
        command = [
            sys.executable,
            "-s",
            "-P",
            *(str(folder / one) for one in ("peers.py", "job.json", "out.json")),
        ]
        ran = run(command, folder=folder, limits=ENOUGH)
        told = json.loads(read_result(folder, "out.json")) if (folder / "out.json").exists() else {}
    seconds = (time.monotonic() - began) / len(wanted)
    for number, (trap, side, verifier) in enumerate(wanted):
        said = told.get(str(number), f"the run ended early: {ran.killed_by or ran.stderr[-200:]}")
        words = "error: it writes no test" if said == 99 else str(said)
        yield Outcome(trap, side, verifier, said == 0, words, seconds)


def _asked(number: int, trap: Trap, side: str, verifier: str) -> dict[str, object]:
    if verifier == "ghostwriter":
        files = {"task.py": trap.original, "candidate.py": trap.candidate(side)}
        return {"id": str(number), "files": files, "write": trap.function}
    files = {"task.py": trap.candidate(side), "test_task.py": trap.changed_test(side)}
    return {"id": str(number), "files": files, "write": ""}


def by_codeflash(traps: Sequence[Trap], sides: Sequence[str], client: Path) -> Iterator[Outcome]:
    with codeflash_peer.served() as service:
        for trap in traps:
            for side in sides:
                began = time.monotonic()
                test = {"test_task.py": trap.changed_test(side)}
                files = {"task.py": trap.original, "candidate.py": trap.candidate(side), **test}
                accepted, said = codeflash_peer.judged(client, service, files, trap.function)
                yield Outcome(trap, side, "codeflash", accepted, said, time.monotonic() - began)


def judged(
    traps: Sequence[Trap], verifiers: Sequence[str], sides: Sequence[str] = SIDES
) -> Iterator[Outcome]:
    yield from peers(traps, verifiers, sides)
    for trap in traps if "ours" in verifiers else ():
        for side in sides:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="traps-") as folder:
                try:
                    accepted, said = ours(trap, side, Path(folder))
                except BloomeryError as error:
                    accepted, said = False, f"error: {error}"
            yield Outcome(trap, side, "ours", accepted, said, time.monotonic() - began)


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
                mine = [o for o in outcomes if (o.verifier, o.trap.part) == ("ours", part)]
                counted = f"{_count(mine, side, True)} of {_count(mine, side, None)}"
                met = ours_ <= 0 if side == "wrong" else ours_ >= 0.9
                others = "; ".join(
                    f"{n} {by[n]:.3f}" for n in ("pytest alone", "codeflash") if by[n] is not None
                )
                note = f"{counted}; {others}; peer: the Hypothesis ghostwriter"
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
    parser.add_argument("--family", action="append", help="a file of traps/, without its ending")
    parser.add_argument("--verifier", action="append", choices=list(VERIFIERS[:3]))
    parser.add_argument("--codeflash", type=Path, help="a virtual environment that holds it and pytest<9")
    parser.add_argument("--say", action="store_true", help="say what each verifier said")
    given = parser.parse_args()
    began = time.monotonic()
    traps = [t for t in load() if given.part in (None, t.part) and (given.only or "") in t.name]
    traps = [trap for trap in traps if not given.family or trap.family in given.family]
    outcomes = []
    found = judged(traps, given.verifier or VERIFIERS[:3])
    if given.codeflash:  # first, since a port that is taken should be told at once
        found = chain(by_codeflash(traps, SIDES, given.codeflash.resolve() / "bin" / "codeflash"), found)
    for one in found:
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
