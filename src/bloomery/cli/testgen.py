"""bloomery testgen: tests made for a module, each proved before it is shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloomery.cli.language import AskModels
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_table, say

if TYPE_CHECKING:
    from bloomery.source.testing import Generated, WriteBy

Module = Annotated[Path, typer.Argument(help="The module's file, in the project.")]
Root = Annotated[Path, typer.Option("--root", help="The project's folder.")]
Tests = Annotated[
    list[str],
    typer.Option("--tests", "-t", help="Tests that there are: only what adds to them is made."),
]
Template = Annotated[
    Literal["unit", "regression", "property", "equation"],
    typer.Option(
        "--template",
        help="unit: one test a behaviour; regression: a table a function; property: laws, by Hypothesis; "
        "equation: a frame for each equation that a docstring cites.",
    ),
]
EffortName = Annotated[
    Literal["quick", "standard", "thorough"], typer.Option("--effort", help="How much is tried; counted.")
]
Seed = Annotated[int, typer.Option(help="Equal seeds make equal tests.", min=0)]
Write = Annotated[bool, typer.Option("--write", help="Write the file where it belongs. Default: show it.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the file there instead.")]
MOST_ASKED = 12


def generate_tests(
    module: Module,
    root: Root = Path(),
    tests: Tests = [],
    template: Template = "unit",
    effort: EffortName = "standard",
    seed: Seed = 0,
    write: Write = False,
    output: Output = None,
    ask_models: AskModels = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Make tests for a module: each passes on it, always, and fails on a wrong version of it.

    The module runs in the sandbox, on a copy of the project; nothing is written but the file that --write or
    --output asks for. Exit code 1 where nothing worth keeping was found.
    """
    from bloomery.source.testing import generate

    path = _relative(module, root)
    write_by = _model(path, workspace) if ask_models else None
    made = generate(root, path, seed=seed, effort=effort, write_by=write_by, tests=tests, template=template)
    place = _written(made, root, write=write, output=output)
    if as_json:
        print_json({"generated": made, "score": made.score, "written": place})
    else:
        _show(made, place)
    return 0 if made.tests else 1


def _relative(module: Path, root: Path) -> str:
    """Raises: UserError for a file outside of the root."""
    from bloomery.core.errors import UserError

    file = module if module.exists() else root / module
    if not file.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{module} is not inside of {root.resolve()}; name the project's folder by --root")
    return file.resolve().relative_to(root.resolve()).as_posix()


def _written(made: "Generated", root: Path, *, write: bool, output: Path | None) -> Path | None:
    from bloomery.core.errors import UserError

    place = output or (root / made.path if write else None)
    if place is None or not made.text:
        return None
    if place.exists():
        raise UserError(f"{place} exists; name another file by --output")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(made.text, encoding="utf-8")
    return place


def _show(made: "Generated", place: Path | None) -> None:
    if made.text and place is None:
        say(made.text)
    print_table(
        ["test", "fails on", "alone runs"],
        [[one.name, f"{len(one.kills)} wrong versions", f"{len(one.adds)} lines"] for one in made.tests],
        empty="nothing worth keeping was found",
    )
    say(
        f"\nwrong versions noticed: {made.killed_before} before, {made.killed} now, of {made.mutants}; "
        f"lines run: {made.covered_before} before, {made.covered} now, of {made.lines}"
    )
    for survivor in made.survivors[:10]:
        say(f"not noticed: {survivor}")
    for note in made.notes:
        say(f"note: {note}")
    if made.text:
        say(f"written: {place}" if place else f"it belongs in {made.path}; --write puts it there")


def _model(path: str, workspace: Path) -> "WriteBy":
    """Asks the configured language models by the prompt for tests."""
    from bloomery.agents.answers import WrittenTests
    from bloomery.agents.prompting import prompt
    from bloomery.cli.language import language_models
    from bloomery.source.testing import Request

    router = language_models(workspace)

    def write(request: Request) -> str:
        asked = prompt("write_tests").fill(
            path=path,
            function=f"{request.module}: each public function",
            source=request.source,
            module=request.module,
            missing="\n".join(request.survivors[:40]),
            count=MOST_ASKED,
        )
        answer = router.ask(asked, WrittenTests).value
        return "\n".join([*answer.imports, *(one.source for one in answer.tests)])

    return write
