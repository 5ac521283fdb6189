"""bloomery review: a change judged by what can be measured of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, opened, print_json
from bloomery.cli.tables import print_table, say
from bloomery.cli.wording import state

if TYPE_CHECKING:
    from bloomery.agents.questions import Ask
    from bloomery.optimize.reviewing import Finding, Review

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def review(
    revisions: Annotated[
        str,
        typer.Argument(
            metavar="[REV..REV]",
            help="A..B, A...B (since they parted), A (until the working tree); default: HEAD.",
        ),
    ] = "",
    folder: Annotated[Path, typer.Option("--folder", "-C", help="A folder of the repository.")] = Path(),
    coverage: Annotated[
        Path | None,
        typer.Option(help="A data file or JSON report of coverage.py. Default: .coverage, coverage.json."),
    ] = None,
    without: Annotated[
        list[str], typer.Option("--without", help="A check to leave out, e.g. types. May be given often.")
    ] = [],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    ask_models: Annotated[
        bool,
        typer.Option("--ask-models", help="Also ask the configured language models; they decide nothing."),
    ] = False,
    path: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Review a change: quality, security, lint, types, tests, coverage, secrets, placeholders, public API.

    Only what the change brings is told, each finding with its place and what to do. Exit code 1 for an error.
    """
    from bloomery.optimize.reviewing import review as reviewed

    found = reviewed(
        folder, revisions, without=without, coverage=coverage, ask=_ask(path) if ask_models else None,
        progress=lambda name: typer.echo(f"looking at {name}", err=True), workspace=opened(path),
    )  # fmt: skip
    passes = found.passes(strict=strict)
    if as_json:
        print_json(_plain(found, passes=passes))
    else:
        _print(found, passes=passes)
    return int(not passes)


def _ask(path: Path) -> "Ask":
    from bloomery.agents.opening import open_models
    from bloomery.agents.routing import Router
    from bloomery.agents.settings import PACKAGED, Settings

    workspace = opened(path)
    return (open_models(workspace) if workspace is not None else Router(Settings.load(PACKAGED))).ask


def _plain(found: "Review", *, passes: bool) -> dict[str, Any]:
    return {
        "base": found.base,
        "head": found.head,
        "passes": passes,
        "paths": found.paths,
        "checks": [
            {"check": one.check, "state": one.state, "findings": len(one.findings), "reason": one.not_run}
            for one in found.looked
        ],
        "findings": found.findings,
        "figures": found.figures,
        "left_out": found.left_out,
        "opinions": found.opinions,
        "why_no_opinions": found.why_no_opinions,
    }


def _print(found: "Review", *, passes: bool) -> None:
    for one in found.findings:
        say(f"{one.path}:{one.line}: {_word(one)}: {one.what} ({one.check}; {one.do})")
    if found.findings:
        say()
    _print_checks(found)
    changes = [(one.metric, one.before, one.after, one.unit, one.better) for one in found.figures]
    if any(before != after for _, before, after, _, _ in changes):
        print_table(
            ["metric", "before", "after", "unit", "better"], changes, title="Quality of the changed files"
        )
    _print_opinions(found)
    for line in found.left_out:
        say(f"left out: {line}")
    kinds: list[str] = [one.severity for one in found.findings]
    counts = ", ".join(_count(kinds.count(kind), kind) for kind in COLOURS)
    verdict = "nothing stands against it" if passes else "mend what is named above"
    say(f"{_count(len(found.paths), 'changed file')}: {counts}; {verdict}")


def _print_checks(found: "Review") -> None:
    rows = [(one.check, state(one.state), len(one.findings), one.not_run) for one in found.looked]
    print_table(["check", "state", "findings", "why not"], rows, wrapped=["why not"])


def _print_opinions(found: "Review") -> None:
    if found.opinions:
        say("A model's opinion, which nobody checked and which decides nothing:")
    for one in found.opinions:
        say(f"{one.path}:{one.line}: {one.model} on {one.kind}: {one.claim} ({one.suggestion})")
    if found.why_no_opinions:
        say(f"no model's opinion: {found.why_no_opinions}")


def _word(finding: "Finding") -> str:
    return typer.style(finding.severity, fg=COLOURS[finding.severity])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
