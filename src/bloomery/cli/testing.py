"""bloomery test: tests found and run in the sandbox, with outcomes in three states."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import AsJson, print_json
from bloomery.cli.tables import print_table, say
from bloomery.cli.wording import state

if TYPE_CHECKING:
    from bloomery.source.testing.discovering import Discovered, Repeated

app = typer.Typer(help="Find and run tests in the sandbox.", no_args_is_help=True)
Targets = Annotated[
    list[str], typer.Argument(help="Files, folders or node ids. Default: as pytest has them.")
]
Root = Annotated[Path, typer.Option("--root", help="The project's folder.")]
Changed = Annotated[
    bool, typer.Option("--changed", help="Only test files that import what differs from --since.")
]
Since = Annotated[str, typer.Option("--since", help="The revision that --changed compares with.")]
Repeat = Annotated[
    int,
    typer.Option(
        "--repeat", help="Run so often, in both orders and under several hash seeds.", min=1, max=100
    ),
]
TimeLimit = Annotated[float, typer.Option("--time-limit", help="Seconds for each run.", min=1)]


@app.command("discover")
def discover_tests(targets: Targets = [], root: Root = Path(), as_json: AsJson = False) -> None:
    """List tests with what each touches; for that they run once, in the sandbox."""
    from bloomery.source.testing.discovering import default_targets, discover

    found = discover(root, targets or default_targets(root))
    if as_json:
        print_json(found)
        return
    print_table(
        ["test", "ended", "touches"],
        [[one.node, one.status, _touched(one)] for one in found],
        wrapped=["touches"],
        empty="no tests",
    )


@app.command("run")
def run(
    targets: Targets = [],
    root: Root = Path(),
    changed: Changed = False,
    since: Since = "HEAD",
    repeat: Repeat = 1,
    time_limit: TimeLimit = 600,
    as_json: AsJson = False,
) -> int:
    """Run tests on a copy of the project, in the sandbox; exit code 1 unless all passed.

    A test that is skipped, or expected to fail, is `not_run`: no pass, and no failure. With --repeat, tests
    that do not always end alike are flaky, and named.
    """
    from bloomery.core.evidence import State
    from bloomery.source.testing import discovering

    chosen: tuple[str, ...] = tuple(targets or discovering.default_targets(root))
    if changed:
        files = discovering.changed_files(root, since)
        chosen = discovering.concerned(root, chosen, files)
        if not chosen:
            _nothing(files, since, as_json=as_json)
            return 0
    done = discovering.repeat(root, chosen, repeat, time_limit_s=time_limit)
    if as_json:
        print_json(_told(done, chosen))
    else:
        _show(done)
    return 0 if done.state is State.PASSED else 1


def _touched(one: "Discovered") -> str:
    return "; ".join(f"{path}: {', '.join(names)}" for path, names in one.touches.items())


def _nothing(files: tuple[str, ...], since: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"state": "not_run", "targets": [], "changed": files, "tests": []})
        return
    say(f"{len(files)} files differ from {since}; no test imports any of them: nothing was run")


def _told(done: "Repeated", chosen: tuple[str, ...]) -> dict[str, object]:
    from bloomery.source.testing.discovering import state_of

    return {
        "state": done.state.value,
        "targets": chosen,
        "tests": [
            {"node": one.node, "state": state_of(one).value, "status": one.status,
             "reason": one.reason, "duration_s": one.duration_s}
            for one in done.runs[0].outcomes
        ],
        "errors": [str(one) for run in done.runs for one in run.errors],
        "ended": [run.ended for run in done.runs if run.ended],
        "flaky": done.flaky,
    }  # fmt: skip


def _show(done: "Repeated") -> None:
    """What did not pass, one a line, then the counts."""
    from bloomery.core.evidence import State
    from bloomery.source.testing.discovering import state_of

    outcomes = done.runs[0].outcomes
    rows = [
        [one.node, state(state_of(one)), _first_line(one.reason) or one.status]
        for one in outcomes
        if state_of(one) is not State.PASSED
    ]
    if rows:
        print_table(["test", "state", "why"], rows, wrapped=["why"])
        say()
    for run in done.runs:
        for line in (*map(str, run.errors), *([run.ended] if run.ended else [])):
            say(line)
    for node, ended in done.flaky.items():
        say(f"flaky: {node}: {', '.join(ended)}")
    counts = {one: sum(state_of(outcome) is one for outcome in outcomes) for one in State}
    times = f", {len(done.runs)} runs, {len(done.flaky)} flaky" if len(done.runs) > 1 else ""
    said = ", ".join(f"{count} {one.value}" for one, count in counts.items())
    say(f"{said}{times}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
