"""bloomery patches and bloomery rollback: what was put up, looked at, applied, taken back out, handed on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bloomery.cli import patches_sharing
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Wide, WorkspacePath, print_json
from bloomery.cli.patches_told import Cid, Name, Repo, ledger_of, user
from bloomery.cli.tables import print_evidence, print_fields, print_table, say
from bloomery.cli.wording import files, short

if TYPE_CHECKING:
    from bloomery.optimize.changes import Ledger, Patch

app = typer.Typer(help="Changes that were proposed, with their evidence.", no_args_is_help=True)


@app.command("list")
def list_them(
    status: Annotated[
        Literal["all", "proposed", "validated", "failed", "approved", "rejected", "applied", "rolled_back"],
        typer.Option(help="Only those."),
    ] = "all",
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """List the patches of the workspace, the oldest first."""
    records = ledger_of(workspace, repository).records.patches(None if status == "all" else status)
    if as_json:
        print_json(records)
        return
    rows = [
        [one.created_at, one.goal, one.proposer, files(one.paths), one.status, short(one.cid, wide=wide),
         *([one.description] if wide else [])]
        for one in records
    ]  # fmt: skip
    columns = ["made", "goal", "proposer", "changes", "status", "cid", *(["why"] if wide else [])]
    print_table(columns, rows, empty="none yet; `bloomery optimize FILE` puts them up")


@app.command()
def show(
    cid: Cid, repository: Repo = Path(), workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False
) -> None:
    """Show a patch: what it changes, what was measured about it, and what was decided."""
    ledger = ledger_of(workspace, repository)
    patch = ledger.load(cid)
    record, evidence = ledger.records.patch(patch.cid), _evidence(ledger, patch.cid)
    decisions = ledger.records.decisions(patch.cid)
    if as_json:
        print_json({"patch": patch, "status": record.status, "evidence": evidence, "decisions": decisions})
        return
    about = patch.about
    print_fields(
        [
            ("cid", patch.cid),
            ("status", record.status),
            ("goal", about.goal),
            ("made by", f"{about.proposer}: {about.operator}"),
            ("why", about.description),
            ("base", about.commit or patch.content.base.tree),
            ("builds on", ", ".join(about.parents) or None),
        ]
    )
    print_evidence(evidence, title="\nmeasured")
    for one in decisions:
        say(f"{one.decision} by {one.by}" + (f": {one.reason}" if one.reason else ""))
    say(f"\n{patch.content.diff.rstrip()}")


@app.command()
def apply(
    cid: Cid,
    by: Name = "",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    test: Annotated[
        bool,
        typer.Option("--test/--no-test", help="Run the tests with the patch in."),
    ] = True,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Approve a patch with its newest evidence and put it into the tree and git's index; commit it yourself.

    Where a test fails with the patch in, it is taken back out.
    """
    from bloomery.optimize.changes import apply as put_in
    from bloomery.optimize.changes import approve, findings
    from bloomery.optimize.putting_up import measured_after

    ledger = ledger_of(workspace, repository)
    patch = ledger.load(cid)
    if not _is_approved(ledger, patch):
        digest, found = findings(ledger, patch.cid)
        who = by or user(ledger)
        if not yes:
            _refuse_json(patch.cid, as_json=as_json)
            print_evidence(found.evidence, title=f"{files(patch.paths)}: {patch.about.description}")
            _confirm(f"apply {short(patch.cid)} as {who}?")
        approve(ledger, patch.cid, by=who, evidence=digest, reason=reason)
    tests = tuple(patch.about.facts.get("tests", ()))
    check = measured_after(tests, patch.paths) if test else None
    done = put_in(ledger, patch.cid, by=by or user(ledger), validate=check)
    if as_json:
        print_json(done)
        return
    say(f"{short(done.cid)} is in: {files(done.paths)}" + (" (merged)" if done.merged else ""))
    say(f"next: git commit; or bloomery rollback {short(done.cid)}")


@app.command()
def verify(
    cid: Annotated[str, typer.Argument(metavar="[CID]", help="A patch to judge again.")] = "",
    level: Annotated[
        Literal["basic", "standard", "strict", "paranoid"], typer.Option(help="How much has to be proven.")
    ] = "standard",
    goal: Annotated[
        Literal["speed", "memory", "fix", "robustness", "security", "coverage"] | None,
        typer.Option(
            help="What you say it is for. Default: its own goal; of a received one speed or memory."
        ),
    ] = None,
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Judge a patch again on its own base; without one, check that no patch and no entry was altered.

    One from elsewhere has to mean the same as the code does now, unless you say what else it is for.
    """
    from bloomery.optimize.changes import check
    from bloomery.optimize.verifying import verify as judged

    ledger = ledger_of(workspace, repository)
    wrong = check(ledger)
    evidence = [] if wrong or not cid else judged(ledger, cid, level=level, goal=goal)
    passed = not wrong and all(one.state == "passed" for one in evidence if one.required)
    if as_json:
        print_json({"wrong": wrong, "evidence": evidence, "passed": passed})
    elif wrong:
        for line in wrong:
            say(line)
    elif cid:
        print_evidence(evidence, title=f"{short(ledger.find(cid))}, judged anew")
    else:
        say(f"{len(ledger.records.patches())} patches and the audit are as they were written")
    return 0 if passed else 1


app.command()(patches_sharing.export)
app.command("import")(patches_sharing.import_)
app.command()(patches_sharing.share)
app.command()(patches_sharing.fetch)


def rollback(
    cid: Cid,
    dependents: Annotated[bool, typer.Option("--dependents", help="Also what builds on it.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would go, and touch nothing.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    by: Name = "",
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Take a patch that was applied back out of the tree; other changes since stay."""
    from bloomery.optimize.changes import plan_rollback, roll_back

    ledger = ledger_of(workspace, repository)
    if plan:
        found = plan_rollback(ledger, cid)
        if as_json:
            print_json(found)
        else:
            print_table(["goes", "why"], [[short(one.cid), one.why] for one in found.steps])
            say(f"does not merge: {found.conflict.why}" if found.conflict else "nothing is in the way")
        return 1 if found.conflict else 0
    gone = roll_back(ledger, cid, by=by or user(ledger), dependents=dependents, reason=reason)
    print_json({"rolled_back": gone}) if as_json else say(f"out again: {', '.join(map(short, gone))}")
    return 0


def _evidence(ledger: "Ledger", cid: str) -> tuple[Any, ...]:
    from bloomery.optimize.changes import findings

    return findings(ledger, cid)[1].evidence if ledger.records.patch(cid).evidence else ()


def _is_approved(ledger: "Ledger", patch: "Patch") -> bool:
    from bloomery.core.errors import UserError
    from bloomery.optimize.changes.approving import check_approved

    branch = ledger.repository.branch()
    try:
        check_approved(ledger, patch, branch or "")
    except UserError:
        return False
    return True


def _refuse_json(cid: str, *, as_json: bool) -> None:
    """Raises: UserError, since a question has no place in JSON and silence is no approval."""
    from bloomery.core.errors import UserError

    if as_json:
        raise UserError(
            f"{short(cid)} is not approved yet and --json cannot ask: read its evidence, give --yes"
        )


def _confirm(question: str) -> None:
    """Raises: UserError where nobody can be asked."""
    from bloomery.core.errors import UserError

    if not sys.stdin.isatty():
        raise UserError("nobody is here to be asked: give --yes once the evidence was read")
    typer.confirm(question, abort=True)
