"""bloomery paper: from a paper to its context, a plan, a project, and the proof that code keeps to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.paper_proof import bench, quality, verify
from bloomery.cli.paper_reading import counts, read
from bloomery.cli.tables import print_fields, print_table, say
from bloomery.core.errors import MissingFile, UnknownName

if TYPE_CHECKING:
    from bloomery.papers.context import Context

app = typer.Typer(help="Read papers, plan and verify their implementation.", no_args_is_help=True)
app.command()(read)

Files = Annotated[list[Path], typer.Argument(help="Context files: <ID>.context.md.")]
Folder = Annotated[Path, typer.Argument(help="The repository whose papers/ holds a folder for each paper.")]


@app.command()
def check(
    files: Files,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    as_json: AsJson = False,
) -> int:
    """Check contexts: structure, symbols, dangling references, each with its line. Errors are exit code 1."""
    from bloomery.papers import checking

    _present(files)
    if as_json:
        found = checking.check(files)
        print_json({"diagnostics": found})
        return int(any(strict or one.severity == "error" for one in found))
    report, code = checking.run(files, strict=strict)
    say(report)
    return code


@app.command()
def plan(
    files: Files,
    intent: Annotated[
        Literal["validate", "full", "component", "extend", "benchmark"],
        typer.Option(help="What the implementation is for; it decides which parts and phases there are."),
    ] = "full",
    env: Annotated[
        Literal["cpu", "gpu", "colab-free", "colab-pro"], typer.Option(help="Where it will run.")
    ] = "cpu",
    component: Annotated[
        list[str], typer.Option(help="For --intent component: an equation or module. May be given often.")
    ] = [],
    project: Annotated[str, typer.Option(help="The project's name. Default: from the papers.")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The document.")] = Path(
        "IMPLEMENTATION_PLAN.md"
    ),
    as_json: AsJson = False,
) -> None:
    """Plan an implementation in the order of what depends on what: tests first, byte for byte the same."""
    from bloomery.papers.planning import run, to_json

    _present(files)
    made, found = run(files, output, intent, env, components=component, project=project)
    if as_json:
        say(to_json(made).rstrip())
        return
    for one in found:
        typer.echo(str(one), err=True)
    say(f"{output}: {len(made.parts)} parts, {len(made.tasks)} tasks, {len(made.files)} files")


@app.command()
def scaffold(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The document that `paper plan` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The project's folder.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what a person changed.")] = False,
    git: Annotated[bool, typer.Option("--git", help="Commit the files, in steps, to a new history.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make a plan's project: it trains at once, and its equations wait as tests that fail for that reason.

    A second run changes nothing; what a person changed is kept and listed, and then the exit code is 1.
    """
    from bloomery.core.config import to_plain
    from bloomery.papers.scaffolding import render_scaffolded
    from bloomery.papers.scaffolding import scaffold as made_by

    made = made_by(plan_file, output, dry_run=dry_run, force=force, git=git)
    if as_json:
        print_json(to_plain(made))
    else:
        say(render_scaffolded(made).rstrip())
    return made.exit_code


@app.command()
def graph(files: Files, as_json: AsJson = False) -> None:
    """What depends on what, as a mermaid diagram: equations, algorithms and modules of all files."""
    from bloomery.papers.graph import graph as graph_of

    found = graph_of(_contexts(files))
    if as_json:
        print_json(
            {"levels": found.levels(), "cycles": found.cycles(), "edges": found.edges,
             "dangling": found.dangling, "one_sided": found.one_sided}
        )  # fmt: skip
        return
    say(found.mermaid().rstrip())


@app.command("list")
def list_papers(root: Folder = Path(), as_json: AsJson = False) -> None:
    """The papers of a repository, with what their contexts hold."""
    paths = sorted(root.glob("papers/*/*.context.md"))
    found = list(zip(paths, _contexts(paths), strict=True))
    if as_json:
        print_json(
            [
                {"id": one.paper_id, "title": one.title, "path": str(path), **counts(one)}
                for path, one in found
            ]
        )
        return
    rows = [
        [one.paper_id, one.title, str(one.year or ""), len(one.equations), len(one.algorithms)]
        for _, one in found
    ]
    columns = ["id", "title", "year", "equations", "algorithms"]
    print_table(columns, rows, wrapped=["title"], empty=f"no papers/<id>/<id>.context.md in {root}")


@app.command()
def show(
    paper: Annotated[str, typer.Argument(help="A paper's id, or a context file.")],
    equation: Annotated[str, typer.Argument(help="An equation's number. Default: all, in short.")] = "",
    root: Annotated[Path, typer.Option(help="The repository.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """A paper's context, or one of its equations."""
    from bloomery.core.config import to_plain

    (context,) = _contexts([_file_of(paper, root)])
    if equation:
        one = context.equation(equation)
        if one is None:
            raise UnknownName("equation", equation, [known.number for known in context.equations])
        if as_json:
            print_json(to_plain(one))
            return
        print_fields([("equation", f"{one.number}: {one.name}"), ("section", one.location.section or None)])
        say(one.latex)
        for line in filter(None, (one.plain_english, *one.criteria)):
            say(line)
        return
    if as_json:
        print_json(to_plain(context))
        return
    print_fields([("id", context.paper_id), ("title", context.title), ("arXiv", context.arxiv or None)])
    print_table(["equation", "name"], [[one.number, one.name] for one in context.equations])


app.command()(verify)
app.command()(bench)
app.command()(quality)


def _contexts(files: Sequence[Path]) -> list["Context"]:
    from bloomery.papers.markdown import read_file

    _present(files)
    return [read_file(path).context for path in files]


def _present(files: Sequence[Path]) -> None:
    for path in files:
        if not path.is_file():
            raise MissingFile(f"{path}: there is no such context; make one by `bloomery paper read`")


def _file_of(paper: str, root: Path) -> Path:
    if Path(paper).is_file():
        return Path(paper)
    return root / "papers" / paper / f"{paper}.context.md"
