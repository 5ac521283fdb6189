"""Both sides of a change before a linter: what it objects to after it and did not before, with its place."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bloomery.core.sandbox import Limits, SandboxResult, run
from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, added, by_line
from bloomery.optimize.validating.objecting import Objection, Place

LIMITS = Limits(time_s=300, cpu_s=300, memory_bytes=4 * 2**30, processes=64, output_bytes=16 * 2**20)
Asker = Callable[[Place, Sequence[str]], list[Objection]]


@dataclass(frozen=True)
class Side:
    """One version of the whole tree."""

    tree: Path

    def python(self, *words: str) -> SandboxResult:
        argv = ["/usr/bin/env", "-C", str(self.tree), sys.executable, *words]
        return run(argv, folder=self.tree, limits=LIMITS)


def new(
    sight: Sight, asked: Asker, told: Callable[[Objection], Finding]
) -> Iterator[tuple[Changed, Finding]]:
    """Raises: CapabilityMissing as the asker."""
    files = [file for file in sight.change.python if file.parsed_after is not None]  # else: check of syntax
    if not files:
        return
    after = _findings(Side(sight.sides.after), [file.path for file in files], asked, told)
    there = [file.was for file in files if file.before is not None]
    before = _findings(Side(sight.sides.before), there, asked, told) if after and there else []
    for file in files:
        old = [replace(one, path=file.path) for one in before if one.path == file.was]
        mine = [one for one in after if one.path == file.path]
        yield from ((file, one) for one in added(old, mine, (by_line(file.before), by_line(file.after))))


def _findings(
    side: Side, files: Sequence[str], asked: Asker, told: Callable[[Objection], Finding]
) -> list[Finding]:
    return [told(one) for one in asked(side, [path for path in files if (side.tree / path).is_file()])]
