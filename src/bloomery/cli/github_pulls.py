"""bloomery github check, merge, revert: pull requests that somebody approved, or wants out again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bloomery.cli.github_told import Files, Name, Repo, ledger_of, tell
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import say

if TYPE_CHECKING:
    from bloomery.optimize.changes import About, Ledger
    from bloomery.optimize.github.approving import Ask
    from bloomery.optimize.proposal import Proposal
    from bloomery.optimize.validating import Verdict

Number = Annotated[
    int | None, typer.Argument(help="The pull request. Default: of the workflow's event.", min=1)
]
By = Annotated[str, typer.Option(help="Who approves it: a login. In a workflow its event says it.")]
Commit = Annotated[str, typer.Option(help="The commit that was looked at. Default: the one put up.")]


def check(
    pull: Number = None,
    by: By = "",
    commit: Commit = "",
    level: Annotated[
        Literal["", "basic", "standard", "strict", "paranoid"],
        typer.Option(help="How much has to be proven. Default: as when it was put up."),
    ] = "",
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Validate an approved pull request again, merged into the newest base; exit code 1 if it fails."""
    from bloomery.optimize.changes import findings
    from bloomery.optimize.github import approving, events, texts
    from bloomery.optimize.github.opening import connected, name_of
    from bloomery.optimize.github.outbox import Outbox

    ledger = ledger_of(workspace, repository)
    ask = _ask(pull, by, commit)

    def validate(proposal: "Proposal", about: "About") -> "Verdict":
        return _validated(ledger, proposal, about, level)

    name = name_of(ledger.repository, repo)
    with connected(ledger, name) as github:
        judged = approving.check(github, ledger, Outbox.of(ledger.workspace, name), ask, validate)
    told = "passed" if judged.accepted else "did not pass"
    rows = texts.evidence_rows(findings(ledger, judged.patch)[1].evidence)
    events.summary(f"#{judged.pull} {told} on `{judged.base[:12]}`.\n\n{texts.table(rows)}")
    print_json(judged) if as_json else say(f"#{judged.pull} {told} on {judged.base[:12]}")
    return int(not judged.accepted)


def merge(
    pull: Number = None,
    by: By = "",
    commit: Commit = "",
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Merge what `check` passed, as it was checked or not at all; close its issue; write it down."""
    from bloomery.optimize.github import approving, events
    from bloomery.optimize.github.opening import connected, name_of
    from bloomery.optimize.github.outbox import Outbox

    ledger = ledger_of(workspace, repository)
    name, ask = name_of(ledger.repository, repo), _ask(pull, by, commit)
    with connected(ledger, name) as github:
        merged = approving.merge(github, ledger, Outbox.of(ledger.workspace, name), ask)
    told = f"#{merged.number} is merged into {merged.base} as {(merged.merge_commit or '')[:12]}"
    events.summary(f"{told}, approved by {ask.by}.")
    print_json(merged) if as_json else say(told)


def revert(
    pull: Annotated[int, typer.Argument(help="The merged pull request.", min=1)],
    files: Files = Path("patches"),
    repository: Repo = Path(),
    repo: Name = "",
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Open a pull request that takes a merged one out again; later changes stay."""
    from bloomery.optimize.github import publishing, reverting
    from bloomery.optimize.github.opening import connected, name_of
    from bloomery.optimize.github.outbox import Outbox

    ledger = ledger_of(workspace, repository)
    name = name_of(ledger.repository, repo)
    with connected(ledger, name) as github:
        patch = reverting.reverse(github, ledger, pull)
        wanted = publishing.Wanted(files=files)
        told = publishing.publish(ledger, github, Outbox.of(ledger.workspace, name), [patch.cid], wanted)
    tell(told, as_json=as_json)


def _ask(pull: int | None, by: str, commit: str) -> "Ask":
    """Raises: UserError where neither an event nor the options say who approves what."""
    from bloomery.core.errors import UserError
    from bloomery.optimize.github import events
    from bloomery.optimize.github.approving import Ask

    if pull is None:
        return events.approval(events.Event.of())
    if not by:
        raise UserError("who approves it? give --by LOGIN")
    return Ask(pull=pull, by=by, kind="hand", commit=commit or None)


def _validated(ledger: "Ledger", proposal: "Proposal", about: "About", level: str) -> "Verdict":
    from bloomery.optimize.github.reverting import REVERT
    from bloomery.optimize.validating import validate

    facts = about.facts
    strictness: Any = level or facts.get("level", "standard")
    goal: Any = about.goal or ("fix" if about.proposer == REVERT else "speed")
    return validate(
        ledger.repository.root, proposal, goal=goal, level=strictness, tests=tuple(facts.get("tests", ())),
        claim=bool(about.goal) or about.proposer == REVERT,
    )  # fmt: skip
