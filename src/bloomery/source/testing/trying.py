"""Cases run on a module and on its mutants, in the sandbox."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import UserError
from bloomery.core.sandbox import run
from bloomery.source.boxing import ROOMY, Box
from bloomery.source.modules import module_name, source_roots
from bloomery.source.running import INSIDE
from bloomery.source.testing.cases import Case, Seen

MOST_STEPS = 20_000
MOST_LOST = 12
CPU_S = 0.25
IMPORT_S = 20.0
ATTACHED = ("bloomery_cases.py", "bloomery_seeing.py", "bloomery_expressions.py")


class Unimportable(UserError):
    """A module that the sandbox cannot import, and why."""


@dataclass(frozen=True)
class Tried:
    """What was seen by case, and which parts of it tell which mutant from the original.

    `kills`: by mutant, the parts ("value", "type", "after") by case. `wrote`: files that importing made.
    """

    seen: Mapping[int, Seen]
    kills: Mapping[int, Mapping[int, frozenset[str]]]
    wrote: tuple[str, ...] = ()


@dataclass
class Bench:
    """The place where the cases of one module are tried."""

    box: Box
    path: Path
    module: str = ""
    runs: int = field(default=0)

    def __post_init__(self) -> None:
        self.module = module_name(self.path, source_roots(self.box.project))
        for name in ATTACHED:
            shutil.copy(INSIDE / name, self.box.folder / name)

    def look(self, cases: Mapping[int, Case], *, hash_seed: int = 0, backwards: bool = False) -> Tried:
        """What the original does in each case.

        Raises: Unimportable.
        """
        return self._run(cases, {}, {}, hash_seed=hash_seed, backwards=backwards)

    def kill(
        self, cases: Mapping[int, Case], texts: Mapping[int, str], asked: Mapping[int, Sequence[int]]
    ) -> Tried:
        """Which of the `asked` cases of each mutant tell it from the original."""
        return self._run(cases, texts, asked, hash_seed=0, backwards=False)

    def _run(
        self,
        cases: Mapping[int, Case],
        texts: Mapping[int, str],
        asked: Mapping[int, Sequence[int]],
        *,
        hash_seed: int,
        backwards: bool,
    ) -> Tried:
        self.runs += 1
        told = [_told(number, case) for number, case in cases.items()]
        job = {
            "module": self.module,
            "path": str(self.path),
            "roots": [str(root) for root in source_roots(self.box.project)],
            "cases": told[::-1] if backwards else told,
            "mutants": [
                {"id": at, "text": text, "cases": list(asked[at])} for at, text in texts.items() if asked[at]
            ],
            "most_steps": MOST_STEPS,
            "most_lost": MOST_LOST,
            "cpu_s": CPU_S,
            "import_s": IMPORT_S,
        }
        return _read(_execute(self.box, job, hash_seed), self.path)


def _told(number: int, case: Case) -> dict[str, Any]:
    return {
        "id": number,
        "setup": list(case.setup),
        "call": case.call,
        "watched": list(case.watched),
        "needs": dict(case.needs),
    }


def _execute(box: Box, job: Mapping[str, Any], hash_seed: int) -> list[dict[str, Any]]:
    (box.folder / "cases.json").write_text(json.dumps(job))
    out = box.folder / "cases.out.jsonl"
    out.unlink(missing_ok=True)
    scratch = box.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    script = str(box.folder / "bloomery_cases.py")
    words = ["/usr/bin/env", f"--chdir={scratch}", f"PYTHONHASHSEED={hash_seed}", sys.executable, "-s", "-P"]
    limits = replace(ROOMY, time_s=600, memory_bytes=2 * 2**30)
    result = run([*words, script, str(box.folder / "cases.json"), str(out)], folder=box.folder, limits=limits)
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.is_file() else []
    if not lines:
        how = (
            f"killed at the limit of {result.killed_by}" if result.killed_by else result.stderr.strip()[-300:]
        )
        raise Unimportable(f"{job['module']}: importing it ended the process: {how or result.returncode}")
    return lines


def _read(lines: Sequence[Mapping[str, Any]], path: Path) -> Tried:
    seen: dict[int, Seen] = {}
    kills: dict[int, dict[int, frozenset[str]]] = {}
    wrote: tuple[str, ...] = ()
    imported = False
    for line in lines:
        if "import" in line:
            raise Unimportable(f"{path.name} cannot be imported: {line['import']}")
        if "imported" in line:
            imported, wrote = True, tuple(line["wrote"])
        elif "id" in line:
            seen[line["id"]] = Seen.read(line)
        elif "mutant" in line:
            kills[line["mutant"]] = {case: frozenset(parts) for case, parts in line["kills"]}
    if not imported:
        raise Unimportable(
            f"{path.name} cannot be imported: doing so ended its process, or never came to an end"
        )
    return Tried(seen, kills, wrote)
