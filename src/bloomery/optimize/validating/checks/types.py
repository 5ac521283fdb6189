"""Errors of types that a change adds: mypy's or ty's of both trees, told apart without their line numbers."""

import importlib.util
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bloomery.core.disk import beside
from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.copying import Workplace, workplace
from bloomery.optimize.validating.deciding import is_judge
from bloomery.optimize.validating.lacking import NotInstalled
from bloomery.optimize.validating.levels import TYPES
from bloomery.optimize.validating.site import Answer, Site, not_made
from bloomery.source.modules import imported_names, source_roots
from bloomery.source.python import parse

MYPY = ("-m", "mypy", "--no-error-summary", "--no-pretty", "--hide-error-context", "--show-error-codes",
        "--no-color-output", "--no-sqlite-cache")  # fmt: skip
MOST_KEPT = 8  # trees, each some MiB
_LINE = re.compile(r"^(?P<path>[^:\n]+):\d+(?::\d+)*: error(?:\[[\w-]+\])?:? (?P<what>.*)$", re.MULTILINE)


def types(site: Site) -> Sequence[Answer]:
    check, files = site.asked(TYPES), [path for path in site.python if path in site.texts]
    if not files:
        return [Answer(not_run(check, "no Python file is changed"))]
    try:
        before, after = _of_both(site, files)
    except CapabilityMissing as missing:
        return [not_made(check, missing)]
    added = list((after - before).elements())
    how = f"{'; '.join(added[:5])}; " if added else ""
    how += f"{sum(before.values())} errors before, {sum(after.values())} after"
    mend = f"mend the type error: {added[0]}" if added else ""
    return [Answer(judge(check, len(added), how=how, duration_s=0.0), mend)]


def _of_both(site: Site, files: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """Both versions in one copy, the second one after the first: what did not change is looked at once."""
    asked = list(dict.fromkeys((*files, *importers(site.trees.before, files))))
    question = site.question("types of what was there", before_alone=True)
    with workplace(site.trees.before) as place, kept(place.beside / "mypy", site.answers.place(question)):
        before = errors(place, asked)
        for path, text in site.texts.items():
            (place.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (place.tree / path).write_text(text)
        for path in set(site.change.paths) - site.texts.keys():
            (place.tree / path).unlink()
        return before, errors(place, asked)


@contextmanager
def kept(folder: Path, home: Path | None) -> Iterator[None]:
    """What mypy remembers of a tree, taken from where it is kept; and put there, where it was not yet."""
    if home is not None and home.is_dir():
        shutil.copytree(home, folder)
    yield
    if home is not None and not home.is_dir() and folder.is_dir():
        with beside(home) as work, suppress(OSError):  # another process may have put it there meanwhile
            Path(shutil.copytree(folder, work / "made")).rename(home)
        for old in sorted(home.parent.iterdir(), key=lambda one: one.stat().st_mtime)[:-MOST_KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def importers(tree: Path, files: Sequence[str]) -> list[str]:
    """The sources that import one of these files: a signature may be wrong for them."""
    roots, wanted = source_roots(tree), {(tree / path).resolve() for path in files}
    words = {Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name for path in files}
    found = []
    for path in sorted(tree.rglob("*.py")):
        name = path.relative_to(tree).as_posix()
        if name in files or is_judge(name) or not _mentions(path, words):
            continue
        try:
            imported = imported_names(parse(path), roots).values()
        except UserError:
            continue  # what does not parse imports nothing
        if wanted & {one.path.resolve() for one in imported}:
            found.append(name)
    return found


def _mentions(path: Path, words: Collection[str]) -> bool:
    text = path.read_text(errors="replace")
    return any(word in text for word in words)


def errors(place: Workplace, files: Sequence[str]) -> Counter[str]:
    """The errors in files that are there, and in what they import. Raises: CapabilityMissing."""
    present = [path for path in files if (place.tree / path).is_file()]
    if not present:
        return Counter()
    if importlib.util.find_spec("mypy"):
        ended = place.python(*MYPY, f"--cache-dir={place.beside / 'mypy'}", *_settings(place.tree), *present)
        refused = ended.returncode not in (0, 1) and not _LINE.search(ended.stdout)
    elif tool := shutil.which("ty"):
        ended = place.run([tool, "check", "--output-format=concise", *present])
        refused = ended.returncode not in (0, 1)
    else:
        raise NotInstalled("types are judged by mypy or ty: install bloomery[optimize]")
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
