"""bloomery testgen: tests made for a module, each proved before it is shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloomery.cli.language import AskModels
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import print_table, say

if TYPE_CHECKING:
    from bloomery.source.testing import Generated, WriteBy
    from bloomery.source.testing.improving import Strengthened

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
Improve = Annotated[
    bool,
    typer.Option(
        "--improve", help="Judge the tests that --tests names, one by one, and propose stronger assertions."
    ),
]
Apply = Annotated[bool, typer.Option("--apply", help="With --improve: change the tests so.")]
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
    improve: Improve = False,
    apply: Apply = False,
    ask_models: AskModels = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Make tests for a module: each passes on it, always, and fails on a wrong version of it.

    The module runs in the sandbox, on a copy of the project; nothing is written but the file that --write or
    --output asks for. Exit code 1 where nothing worth keeping was found. With --improve: which wrong versions
    each test fails on, and what weak statements could say; tests are changed only with --apply.
    """
    from bloomery.source.testing import generate

    path = _relative(module, root)
    if improve:
        return _improve(path, root, tests, apply=apply, as_json=as_json)
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


def _improve(path: str, root: Path, tests: list[str], *, apply: bool, as_json: bool) -> int:
    from bloomery.core.errors import UserError
    from bloomery.source.testing.improving import improve

    if not tests:
        raise UserError("--improve judges tests: name them by --tests")
    found = improve(root, path, tests)
    for name, text in found.texts.items() if apply else ():
        (root / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"strengthened": found, "applied": apply and bool(found.texts)})
    else:
        _show_strengthened(found, applied=apply)
    return 0


def _show_strengthened(found: "Strengthened", *, applied: bool) -> None:
    print_table(
        ["test", "fails on", "alone"],
        [[one.node, len(one.kills), len(one.alone)] for one in found.tests],
        title="wrong versions that each test notices, and those that only it does",
    )
    for node, why in found.not_passing.items():
        say(f"not judged: {node}: {why}")
    for one in found.proposals:
        say(f"\n{one.path}:{one.line}: it says {one.weakness}; {len(one.kills)} more would be noticed")
        say(f"  - {one.before}\n  + {one.after}")
    say(f"\nnoticed: {found.killed_before} as they are, {found.killed} so, of {found.mutants}")
    if found.texts:
        say("the tests are changed" if applied else "--apply changes the tests so")


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
