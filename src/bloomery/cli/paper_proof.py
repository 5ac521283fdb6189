"""bloomery paper verify, bench, quality: what of a paper is implemented, tested and reproduced."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.tables import say

if TYPE_CHECKING:
    from bloomery.papers.verifying.verified import Verified

Root = Annotated[Path, typer.Argument(help="The repository; its papers/ holds a folder for each paper.")]


def verify(
    root: Root = Path(),
    paper: Annotated[list[str], typer.Option("--paper", "-p", help="A paper's id. Default: all.")] = [],
    mutate: Annotated[
        bool, typer.Option(help="Change each function and see whether its tests notice; takes minutes.")
    ] = True,
    page: Annotated[
        Path | None,
        typer.Option(help="Write the page of equations there; what it says of other papers stays."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="Write this plan anew, with the boxes ticked that the measurements tick."),
    ] = None,
    gates: Annotated[
        bool,
        typer.Option("--gates", help="With --plan: run `paper quality` too, for its boxes."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Join contexts, code, tests and claims: each equation with its status, each claim with its figure.

    Exit code 0: all equations are verified by tests that can fail; 1: there are gaps; 2: files that cannot be
    read.
    """
    from bloomery.core.disk import write_atomically
    from bloomery.core.errors import UserError
    from bloomery.papers.verifying.equations_page import equations_page
    from bloomery.papers.verifying.pages import render
    from bloomery.papers.verifying.papers import paper_ids
    from bloomery.papers.verifying.verifying import verify as verified_of

    if gates and plan is None:
        raise UserError("--gates is of a plan's boxes: name the document by --plan")
    found = verified_of(root, paper, mutate=mutate, say=_to_stderr)
    if page is not None:
        earlier = page.read_text(encoding="utf-8") if paper and page.is_file() else ""
        write_atomically(page, equations_page(found, earlier, paper_ids(root)).encode())
    if plan is not None:
        _tick(plan, root, found, gates)
    if as_json:
        print_json(found)
    else:
        say(render(found).rstrip())
    return found.exit_code


def _tick(plan: Path, root: Path, found: "Verified", gates: bool) -> None:
    from bloomery.papers.verifying.quality import quality as judged
    from bloomery.papers.verifying.standing import retick, unmeasured

    measured = judged(root, say=_to_stderr).evidence if gates else ()
    reached = retick(plan, root, found, measured)
    _to_stderr(f"{plan}: {len(reached.done)} of {len(reached.plan.tasks)} tasks done")
    if left := unmeasured(reached):
        _to_stderr(f"{plan}: not measured here, so their boxes are open: {', '.join(left)}")


def bench(
    folder: Annotated[
        Path, typer.Argument(help="The repository, as for verify, or a paper's folder: papers/<id>.")
    ] = Path(),
    claim: Annotated[
        str | None, typer.Argument(help="A claim's id; of a repository <paper>/<claim>. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run what a claim needs, on the data that BLOOMERY_DATA names, and compare with the paper's number."""
    from bloomery.papers.verifying.benching import bench as measured
    from bloomery.papers.verifying.benching import bench_papers
    from bloomery.papers.verifying.claims import exit_code
    from bloomery.papers.verifying.pages import render_claims
    from bloomery.papers.verifying.papers import PAPERS

    if (folder / PAPERS).is_dir():
        found, bad = bench_papers(folder, claim, say=_to_stderr)
    else:
        found, bad = measured(folder, claim, say=_to_stderr), ()
    if as_json:
        print_json(found)
    else:
        say(render_claims(found).rstrip())
    for one in bad:
        _to_stderr(str(one))
    return 2 if bad else exit_code(found)


def quality(
    folder: Annotated[Path, typer.Argument(help="The project.")] = Path(), as_json: AsJson = False
) -> int:
    """Lint, format, types, tests and coverage of at least 80 % in one report; what was not run is no pass."""
    from bloomery.papers.verifying.quality import quality as judged
    from bloomery.papers.verifying.quality import render_quality

    found = judged(folder, say=_to_stderr)
    if as_json:
        print_json({"evidence": found.evidence, "verdict": found.verdict})
    else:
        say(render_quality(found).rstrip())
    return found.exit_code


def _to_stderr(line: str) -> None:
    typer.echo(line, err=True)
