"""`paper plan`: context files in, a plan on disk."""

import os
from collections.abc import Sequence
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.markdown import Read, read_file
from bloomery.papers.planning.building import plan
from bloomery.papers.planning.findings import diagnostics
from bloomery.papers.planning.planned import Plan
from bloomery.papers.planning.rendering import render
from bloomery.papers.planning.storing import HEADING

NAME = "IMPLEMENTATION_PLAN.md"


def run(
    paths: Sequence[str | Path],
    output: str | Path = NAME,
    intent: str = "full",
    environment: str = "cpu",
    *,
    components: Sequence[str] = (),
    project: str = "",
    generated: str = "",
) -> tuple[Plan, list[Diagnostic]]:
    """Plans these context files and writes the document; says what was found in them, by line.

    A file that cannot be read, or whose paper was read before, is among the findings, and the others are
    planned. A document that is no plan is not overwritten.

    Raises: as `plan`; UserError where no file could be read, or for an output that is no plan.
    """
    target = Path(output)
    target = target / NAME if target.is_dir() else target
    if target.exists() and HEADING not in target.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"{target} is there and is no plan; name another file by --output")
    places, found = _reads(paths)
    if not places:
        told = "; ".join(map(str, found)) or "no file was named"
        raise UserError(f"a plan needs at least one context that can be read: {told}")
    beside = target.absolute().parent
    made = plan(
        [read.context for read in places.values()],
        intent,
        environment,
        components=components,
        project=project,
        generated=generated,
        files={paper: Path(os.path.relpath(read.path, beside)).as_posix() for paper, read in places.items()},
    )
    write_atomically(target, render(made).encode())
    found += diagnostics(made, places)
    return made, sorted(found, key=lambda one: (one.path, one.line, one.code, one.message))


def _reads(paths: Sequence[str | Path]) -> tuple[dict[str, Read], list[Diagnostic]]:
    """The files by paper, and what is to be said of them."""
    places: dict[str, Read] = {}
    found: list[Diagnostic] = []
    for path in sorted(set(map(str, paths))):
        try:
            read = read_file(path)
        except (MissingFile, FormatRefused) as error:
            found.append(
                Diagnostic(path, 1, "error", "unreadable", str(error).removeprefix(f"{path}:").strip())
            )
            continue
        found += read.diagnostics
        first = places.setdefault(read.context.paper_id, read)
        if first is not read:
            message = f"the paper {read.context.paper_id} was read from {first.path}; give each its own id"
            found.append(Diagnostic(path, read.line("paper_id"), "error", "paper-twice", message))
    return places, found
