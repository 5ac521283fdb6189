"""bloomery coverage: what no test runs, and a page that shows who runs what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.tables import print_table, say

if TYPE_CHECKING:
    from bloomery.source.covering import Covered
    from bloomery.source.covering.gaps import Gap
    from bloomery.source.python import Parsed

app = typer.Typer(help="Which tests run which lines, and what none runs.", no_args_is_help=True)
Paths = Annotated[
    list[str], typer.Argument(help="Sources: files or folders of the project. Default: `src`, or all.")
]
Tests = Annotated[
    list[str], typer.Option("--tests", "-t", help="Test files or folders. Default: as pytest has them.")
]
Root = Annotated[Path, typer.Option("--root", help="The project's folder.")]
Report = Annotated[
    Path | None,
    typer.Option("--from", help="Read what `coverage json --show-contexts` wrote, and run nothing."),
]
Most = Annotated[int, typer.Option("--most", "-n", help="Show so many functions.", min=1)]
Page = Annotated[Path, typer.Option("--output", "-o", help="The page to write.")]


@app.command("gaps")
def list_gaps(
    paths: Paths = [],
    tests: Tests = [],
    root: Root = Path(),
    report: Report = None,
    most: Most = 30,
    as_json: AsJson = False,
) -> None:
    """List functions with lines that no test runs, the ones most worth closing first.

    Complex functions that little runs come first: complexity squared, times the missed share cubed. The tests
    run in the sandbox, on a copy of the project.
    """
    from bloomery.source.covering.gaps import gaps

    covered, files = _covered(paths, tests, root, report)
    found = gaps(covered, files)
    if as_json:
        print_json([_told(gap, root) for gap in found])
        return
    _warn(covered)
    print_table(
        ["function", "complexity", "run", "tests", "lines that no test runs"],
        [
            [f"{_relative(gap.path, root)}:{gap.line} {gap.function}", gap.complexity,
             f"{gap.share:.0%}", len(gap.tests), _spans(gap)]
            for gap in found[:most]
        ],
        wrapped=["lines that no test runs"],
        empty="every line of every function is run by a test",
    )  # fmt: skip
    if len(found) > most:
        say(f"\nand {len(found) - most} more; --most shows them")


@app.command("report")
def write_report(
    paths: Paths = [],
    tests: Tests = [],
    root: Root = Path(),
    report: Report = None,
    output: Page = Path("coverage.html"),
    as_json: AsJson = False,
) -> None:
    """Write one page with the sources, what is run of them, and which tests run each line."""
    from bloomery.source.covering.gaps import gaps, run_lines
    from bloomery.source.covering.page import page

    covered, files = _covered(paths, tests, root, report)
    text = page(covered, files, root, title=f"Coverage of {root.resolve().name}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    found = gaps(covered, files)
    run = sum(len(run_lines(covered, one)) for one in files)
    if as_json:
        print_json({"page": output, "files": len(files), "run": run, "functions_with_gaps": len(found)})
        return
    _warn(covered)
    say(f"{output}: {len(files)} files, {run} lines run by tests, {len(found)} functions with gaps")


def _covered(
    paths: list[str], tests: list[str], root: Path, report: Path | None
) -> "tuple[Covered, tuple[Parsed, ...]]":
    from bloomery.source.testing.discovering import covered_in_box, default_targets, sources

    if report is None:
        return covered_in_box(root, tests or default_targets(root), paths)
    from bloomery.source.covering.reading import read_json

    covered = read_json(report, root)
    return covered, tuple(sources(root, tests or default_targets(root), paths))


def _warn(covered: "Covered") -> None:
    """Lines of tests that failed count as run; that some failed is said."""
    failed = [one for one in covered.results.outcomes if one.status in ("failed", "error")]
    if failed or covered.results.errors or covered.results.ended:
        first = covered.results.ended or str((*covered.results.errors, *(one.node for one in failed))[0])
        say(f"note: not every test passed ({first}); what they ran counts all the same\n")


def _spans(gap: "Gap") -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in gap.spans)


def _told(gap: "Gap", root: Path) -> dict[str, object]:
    return {
        "path": _relative(gap.path, root),
        "function": gap.function,
        "line": gap.line,
        "complexity": gap.complexity,
        "lines": gap.lines,
        "missed": list(gap.missed),
        "share": gap.share,
        "worth": gap.worth,
        "tests": list(gap.tests),
    }


def _relative(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
