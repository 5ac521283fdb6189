"""`paper scaffold`: a plan in, a project out."""

from pathlib import Path

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.papers.context import Context
from bloomery.papers.markdown import read_file
from bloomery.papers.planning import Plan, read_plan, stale
from bloomery.papers.scaffolding.files import LEFT, Project, files
from bloomery.papers.scaffolding.history import commit, publish_command
from bloomery.papers.scaffolding.scaffolded import Scaffolded
from bloomery.papers.scaffolding.writing import write


def scaffold(
    plan_path: str | Path,
    output: str | Path,
    *,
    dry_run: bool = False,
    force: bool = False,
    git: bool = False,
) -> Scaffolded:
    """Writes the project of a plan: it trains at once, and the tests of its equations wait for code.

    A second run changes nothing. What a person changed is kept and listed, unless `force`.

    Raises: MissingFile, FormatRefused for a plan or context that is not there or cannot be read; UserError
        for a context that changed since it was planned, or an output that is a file.
    """
    path, target = Path(plan_path), Path(output)
    plan = read_plan(path)
    contexts, texts = _contexts(plan, path)
    texts_by_path = files(Project(plan, contexts, texts))
    done = write(target, texts_by_path, dry_run=dry_run, force=force)
    made, notes = commit(target, plan, list(texts_by_path)) if git and not dry_run else ([], [])
    return Scaffolded(
        output=str(target),
        project=plan.project,
        dry_run=dry_run,
        files=done.files,
        left=tuple(f"{name}: {how}" for name, how in LEFT.items()),
        unplanned=done.unplanned,
        commits=tuple(made),
        publish=publish_command(plan) if git else "",
        notes=tuple(notes),
    )


def _contexts(plan: Plan, path: Path) -> tuple[dict[str, Context], dict[str, str]]:
    """The contexts of a plan in its order, and their text as it is on the disk."""
    contexts, texts = {}, {}
    for paper in plan.papers:
        file = path.parent / paper.context_file
        try:
            read = read_file(file)
        except (MissingFile, FormatRefused) as error:
            raise type(error)(f"{error} (the context of {paper.id}, named by {path})") from error
        contexts[paper.id], texts[paper.id] = read.context, file.read_text(encoding="utf-8")
    if changed := stale(plan, contexts.values()):
        told = ", ".join(changed)
        remedy = "run `bloomery paper plan` again"
        raise UserError(f"{path}: the context of {told} is not the one that was planned; {remedy}")
    return contexts, texts
