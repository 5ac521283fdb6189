"""Type errors that mypy finds and did not before, by the project's own settings, behind walls."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.sandbox import Limits, run
from bloomery.optimize.reviewing.change import Changed
from bloomery.optimize.reviewing.checks.settling import settled
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding, NotLooked, added

LIMITS = Limits(time_s=300, cpu_s=300, memory_bytes=4 * 2**30, processes=64, output_bytes=16 * 2**20)
_MYPY = (
    "--no-incremental",
    "--cache-dir=/dev/null",
    "--no-color-output",
    "--no-error-summary",
    "--no-pretty",
)
_SHOWN = ("--show-error-codes", "--hide-error-context", "--hide-error-end", "--hide-column-numbers")
_LINE = re.compile(r"(?P<path>[^:]+):(?P<line>\d+): error: (?P<what>.*)")
FATAL = 2


def look(sight: Sight) -> Iterator[Finding]:
    """Raises: CapabilityMissing without mypy; NotLooked where it gave no answer."""
    if not find_spec("mypy"):
        raise CapabilityMissing("mypy is not installed: install bloomery[optimize]")
    scope = settled(sight.sides.after)
    files = [file for file in sight.change.python if file.parsed_after is not None and scope(file.path)]
    if not files:
        return
    after = _errors(sight.sides.after, [file.path for file in files])
    if after:  # without errors after, none is new
        yield from added(_before(sight, files, after), after)


def _before(sight: Sight, files: Sequence[Changed], after: Sequence[Finding]) -> list[Finding]:
    """The errors that were there, also of files that did not change and are seen through those that did."""
    names = {file.was: file.path for file in files if file.parsed_before is not None}
    side = sight.sides.before
    changed = {file.path for file in sight.change.files}
    seen = {one.path for one in after if one.path not in changed and (side / one.path).is_file()}
    asked = sorted({*names, *seen})
    found = _errors(side, asked) if asked else []
    return [replace(one, path=names.get(one.path, one.path)) for one in found]


def _errors(side: Path, paths: Sequence[str]) -> list[Finding]:
    """A project's settings can name plugins, which are code: hence the sandbox."""
    argv = [sys.executable, "-m", "mypy", *_MYPY, *_SHOWN, "--", *(str(side / path) for path in paths)]
    done = run(["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(side), *argv], folder=side, limits=LIMITS)
    if done.killed_by:
        raise NotLooked(f"mypy was ended at its limit of {done.killed_by}")
    found = [_finding(side, match) for match in map(_LINE.match, done.stdout.splitlines()) if match]
    if done.returncode >= FATAL and not found:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotLooked(f"mypy gave no answer: {said[-1] if said else f'it ended with {done.returncode}'}")
    return found


def _finding(side: Path, match: re.Match[str]) -> Finding:
    path = Path(match["path"])
    name = path.relative_to(side).as_posix() if path.is_absolute() else path.as_posix()
    do = "make the types agree; an ignore says why"
    return Finding("types", name, int(match["line"]), "error", match["what"], do)
