"""bloomery validate: what a change of a file, or a patch, is worth, check by check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, opened, print_json
from bloomery.cli.tables import print_evidence, say
from bloomery.core.errors import UserError

if TYPE_CHECKING:
    from bloomery.core.evidence import Evidence
    from bloomery.optimize.validating import Verdict
    from bloomery.optimize.validating.change import Change

Subject = Annotated[
    str,
    typer.Argument(
        metavar="FILE|PATCH",
        help="A changed file, a .patch or .diff file, or a patch's CID.",
    ),
]
Strictness = Annotated[
    Literal["basic", "standard", "strict", "paranoid"],
    typer.Option(
        "--level",
        help="basic: it means the same; standard: types and tests, too; strict: also style, security, time; "
        "paranoid: memory, generated tests, and every test again.",
    ),
]
Wanted = Annotated[
    Literal["speed", "memory", "fix", "robustness", "security", "coverage"] | None,
    typer.Option("--goal", help="What the change is for; that is required, too. Default: nothing else."),
]
Tests = Annotated[list[str], typer.Option("--tests", help="Files or folders of tests; may be given often.")]
Folder = Annotated[
    Path | None,
    typer.Option("--repository", "-C", help="The project's folder. Default: the repository's."),
]
GoOn = Annotated[bool, typer.Option("--all", help="Make later checks even after a required one failed.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Take nothing from earlier validations.")]
Every = Annotated[
    bool, typer.Option("--every-test", help="Run all tests, those too that the change cannot reach.")
]
AtOnce = Annotated[int, typer.Option("--jobs", "-j", help="Checks at once.", min=1)]
Seed = Annotated[int, typer.Option(help="Equal seeds try the same inputs.", min=0)]


def validate(
    subject: Subject,
    level: Strictness = "standard",
    goal: Wanted = None,
    tests: Tests = [],
    repository: Folder = None,
    go_on: GoOn = False,
    fresh: Fresh = False,
    every_test: Every = False,
    jobs: AtOnce = 2,
    seed: Seed = 0,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Judge a change against the last commit: syntax, types, tests, equivalence, security, style, time.

    A file is taken as it lies there. Everything runs on copies, in the sandbox; nothing in the tree is
    changed. Exit code 1 where a required check failed, or could not be run.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.optimize.proposal import Proposal
    from bloomery.optimize.validating import Cache, Forgetful
    from bloomery.optimize.validating.levels import CHECKS, is_measured
    from bloomery.optimize.validating.validating import validate_change

    set_level("warning")
    change = _change(subject, repository, workspace)
    kept = Forgetful() if fresh else Cache(workspace / "verdicts") if workspace.is_dir() else None
    texts = {path: text for path, text in change.texts.items() if text is not None}
    proposal = Proposal("a person", "validate", subject, texts)
    work = [check for check in CHECKS if is_measured(check, level, goal or "speed")]
    with watching({check.name: 1 for check in work}) as watch:
        verdict = validate_change(
            change, proposal, goal=goal or "speed", level=level, tests=tests, seed=seed, cache=kept,
            progress=watch, go_on=go_on, claim=goal is not None, every_test=every_test, at_once=jobs,
        )  # fmt: skip
    if as_json:
        print_json(
            {"changed": change.paths, "as_committed": change.nothing, "accepted": verdict.accepted,
             "sound": verdict.sound, "level": level, "goal": goal, "evidence": verdict.evidence,
             "suggestions": verdict.suggestions}
        )  # fmt: skip
    else:
        _print(change, verdict)
    return 0 if verdict.accepted else 1


def _change(subject: str, folder: Path | None, workspace: Path) -> "Change":
    """The change that a person means. Raises: UserError for what is neither a file nor a patch."""
    from bloomery.optimize.changes import open_ledger
    from bloomery.optimize.changes.repository import Repository
    from bloomery.optimize.validating.change import change_of_diff, change_of_texts

    path = Path(subject)
    if not path.exists():
        known = opened(workspace)
        if known is None or path.suffix or len(path.parts) > 1:
            raise UserError(f"{subject}: there is no such file; name a changed file, a .patch file or a CID")
        ledger = open_ledger(known, folder or Path())
        return change_of_diff(folder or ledger.repository.root, ledger.load(subject).content.diff)
    if path.is_dir():
        raise UserError(f"{subject} is a folder: name one of its files, or a patch")
    if path.suffix in (".patch", ".diff"):
        return change_of_diff(folder or Repository.open(Path()).root, _text(path))
    root = (folder or Repository.open(path).root).resolve()
    inside = path.resolve()
    if not inside.is_relative_to(root):
        raise UserError(f"{subject} lies outside of {root}: name a file of the repository")
    return change_of_texts(root, {inside.relative_to(root).as_posix(): _text(path)})


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is binary, or not in UTF-8: only text is validated") from None


def _print(change: "Change", verdict: "Verdict") -> None:
    what = ", ".join(change.paths)
    title = f"{what}, as committed" if change.nothing else f"{what}, against the last commit"
    print_evidence(verdict.evidence, title=f"{title}, level {verdict.level}")
    for one in verdict.evidence:
        for line in _said(one, verdict.suggestions.get(one.check, "")):
            say(line)
    refused = "sound, and its goal is not reached" if verdict.sound else "refused"
    say(f"\n{'accepted' if verdict.accepted else refused}")


def _said(one: "Evidence", mend: str) -> list[str]:
    """What there is to say of a check that did not pass."""
    if one.state == "passed":
        return []
    lines = [f"\n{one.check}: {one.reason if one.state == 'not_run' else one.how}"]
    return lines + ([f"  to mend it: {mend.strip()}"] if mend and mend != one.reason else [])
