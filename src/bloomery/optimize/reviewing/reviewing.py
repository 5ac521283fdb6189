"""A change judged by what can be measured of it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bloomery.agents.questions import Ask
from bloomery.core.errors import CapabilityMissing, MissingFile
from bloomery.core.workspace import Workspace
from bloomery.optimize.noting import SECURITY, note, place_of
from bloomery.optimize.reviewing.change import Change, changed
from bloomery.optimize.reviewing.checks import CHECKS, Sight, check
from bloomery.optimize.reviewing.checks.quality import Figure, figures
from bloomery.optimize.reviewing.checks.untested import coverage_file
from bloomery.optimize.reviewing.finding import SEVERITIES, Finding, Looked, NotLooked
from bloomery.optimize.reviewing.opinions import Opinion, opinions
from bloomery.optimize.reviewing.sides import sides

Told = Callable[[str], None]


@dataclass(frozen=True)
class Review:
    """`looked`: each check with what it found; `opinions`: what a model said, which decides nothing.

    `head` is None where the working tree was reviewed. `left_out`: files of which nothing is said, and why.
    """

    base: str
    head: str | None
    paths: tuple[str, ...]
    looked: tuple[Looked, ...]
    figures: tuple[Figure, ...]
    left_out: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    why_no_opinions: str = field(default="")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all checks, the severe ones first."""
        found = [one for looked in self.looked for one in looked.findings]
        return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.path, one.line)))

    def passes(self, *, strict: bool = False) -> bool:
        """Whether no check found an error; strict: or a warning. What was not run decides nothing."""
        stops = ("error", "warning") if strict else ("error",)
        return not any(one.severity in stops for one in self.findings)


def review(
    folder: Path,
    revisions: str = "",
    *,
    without: Collection[str] = (),
    coverage: Path | None = None,
    ask: Ask | None = None,
    progress: Told | None = None,
    workspace: Workspace | None = None,
) -> Review:
    """Review what `revisions` changed (`changed` says how they are read) in the repository of a folder.

    What it finds about security is noted in `workspace`, where one is given, for the statistics.

    Nothing of the change is run but by tools that only read it, mypy's plugins behind the sandbox's walls.

    Raises: UserError for a folder or revision that is none; UnknownName for a check in `without`;
    MissingFile for a coverage file that is not there.
    """
    for name in without:
        check(name)
    if coverage is not None and not coverage.is_file():
        raise MissingFile(f"{coverage}: there is no such coverage file")
    change = changed(folder, revisions)
    found = coverage or coverage_file(change.repository.root)
    with sides(change) as both:
        sight = Sight(change, both, found)
        looked = tuple(_looked(name, sight, without, progress) for name in CHECKS)
    if workspace is not None:
        _note(workspace, change, looked)
    remarks, why_not = opinions(change, ask) if ask is not None else ((), "")
    return Review(
        base=change.base,
        head=change.head,
        paths=tuple(file.path for file in change.files),
        looked=looked,
        figures=_figures(change),
        left_out=change.left_out,
        opinions=remarks,
        why_no_opinions=why_not,
    )


def _looked(name: str, sight: Sight, without: Collection[str], progress: Told | None) -> Looked:
    if name in without:
        return Looked(name, not_run="it was left out, as asked")
    if progress is not None:
        progress(name)
    try:
        return Looked(name, tuple(sorted(check(name)(sight), key=lambda one: (one.path, one.line, one.what))))
    except (NotLooked, CapabilityMissing) as why:
        return Looked(name, not_run=str(why))


def _note(workspace: Workspace, change: Change, looked: Iterable[Looked]) -> None:
    texts = {file.path: file.after or "" for file in change.files}
    for one in (found for each in looked if each.check == "security" for found in each.findings):
        place = place_of(one.what.partition(":")[0], one.line, texts[one.path])
        note(workspace, str(change.repository.root), SECURITY, one.path, **place)


def _figures(change: Change) -> tuple[Figure, ...]:
    try:
        return figures(change)
    except CapabilityMissing:
        return ()  # the check of quality says so
