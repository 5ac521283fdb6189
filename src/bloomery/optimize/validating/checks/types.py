"""Errors of types that a change adds: mypy's or ty's of both trees, told apart without their line numbers."""

import importlib.util
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.copying import workplace
from bloomery.optimize.validating.levels import TYPES
from bloomery.optimize.validating.site import Answer, Site

MYPY = ("-m", "mypy", "--no-error-summary", "--no-pretty", "--hide-error-context", "--show-error-codes",
        "--no-color-output", "--no-incremental", "--cache-dir=/dev/null")  # fmt: skip
_LINE = re.compile(r"^(?P<path>[^:\n]+):\d+(?::\d+)*: error(?:\[[\w-]+\])?:? (?P<what>.*)$", re.MULTILINE)


def types(site: Site) -> Sequence[Answer]:
    check, files = site.asked(TYPES), [path for path in site.python if path in site.texts]
    if not files:
        return [Answer(not_run(check, "no Python file is changed"))]
    try:
        before, after = (errors(tree, files) for tree in site.trees.both)
    except CapabilityMissing as missing:
        return [Answer(not_run(check, str(missing)), str(missing), lasting=False)]
    added = list((after - before).elements())
    how = f"{'; '.join(added[:5])}; " if added else ""
    how += f"{sum(before.values())} errors before, {sum(after.values())} after"
    mend = f"mend the type error: {added[0]}" if added else ""
    return [Answer(judge(check, len(added), how=how, duration_s=0.0), mend)]


def errors(tree: Path, files: Sequence[str]) -> Counter[str]:
    """The errors in files that are there, and in what they import."""
    present = [path for path in files if (tree / path).is_file()]
    if not present:
        return Counter()
    with workplace(tree) as place:
        if importlib.util.find_spec("mypy"):
            ended = place.python(*MYPY, *_settings(tree), *present)
            refused = ended.returncode not in (0, 1) and not _LINE.search(ended.stdout)
        elif tool := shutil.which("ty"):
            ended = place.run([tool, "check", "--output-format=concise", *present])
            refused = ended.returncode not in (0, 1)
        else:
            raise CapabilityMissing("types are judged by mypy or ty: install bloomery[optimize]")
    if refused or ended.killed_by:
        said = (ended.stderr or ended.stdout).strip()[-300:]
        raise CapabilityMissing(f"the types of {present[0]} could not be judged: {ended.killed_by or said}")
    return Counter(f"{one['path']}: {one['what']}" for one in _LINE.finditer(ended.stdout))


def _settings(tree: Path) -> list[str]:
    """A project's own settings hold; without any, missing stubs are no error."""
    shared = [tree / name for name in ("pyproject.toml", "setup.cfg")]
    own = any((tree / name).is_file() for name in ("mypy.ini", ".mypy.ini"))
    own = own or any("mypy" in one.read_text() for one in shared if one.is_file())
    return [] if own else ["--ignore-missing-imports"]
