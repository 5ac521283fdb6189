"""bloomery patches export, import, share, fetch: from one workspace to another, as a file or by CID."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.patches_told import Cid, Repo, ledger_of
from bloomery.cli.tables import print_fields, say
from bloomery.cli.wording import files, short

if TYPE_CHECKING:
    from bloomery.optimize.changes import Patch

Node = Annotated[
    str,
    typer.Option(
        "--ipfs",
        metavar="URL",
        help="The RPC of a node of IPFS (Kubo), as http://127.0.0.1:5001. Default: what BLOOMERY_IPFS names.",
    ),
]


def export(
    cid: Cid,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="NAME.diff or NAME.patch for git; else for import."),
    ],
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Write a patch to a file; one that shows a token stays here."""
    from bloomery.optimize.changes.sharing import export as write

    written = write(ledger_of(workspace, repository), cid, output)
    print_json({"path": written}) if as_json else say(str(written))


def import_(
    file: Annotated[Path, typer.Argument(help="What `bloomery patches export` wrote, no diff.")],
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Take a patch from a file: a proposal, whatever was measured or approved elsewhere."""
    from bloomery.optimize.changes.sharing import import_file

    _tell(import_file(ledger_of(workspace, repository, create=True), file), [], as_json=as_json)


def share(
    cid: Cid,
    folder: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="A folder, or its URL, for when the node fails. Default: what BLOOMERY_MEETING names.",
        ),
    ] = "",
    node: Node = "",
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Let others fetch a patch by its CID: from a node of IPFS, or where that fails from a folder.

    One that shows a token stays here.
    """
    from bloomery.core.log import set_level
    from bloomery.optimize.changes.sharing import broadcast, meeting_at

    set_level("error")  # what did not work is told below
    shared = broadcast(ledger_of(workspace, repository), cid, meeting_at(folder, node))
    if as_json:
        print_json(shared)
        return
    print_fields([("cid", shared.cid), ("about", shared.about), ("lies at", ", ".join(shared.places))])
    for note in shared.notes:
        say(f"note: {note}")
    say(f"\nelsewhere: bloomery patches fetch {shared.cid} --about {shared.about}")


def fetch(
    cid: Annotated[str, typer.Argument(metavar="CID", help="The patch: its whole CID.")],
    about: Annotated[str, typer.Option(metavar="CID", help="What was said of it, as `share` told.")] = "",
    folder: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="A folder, or its URL, that is asked last. Default: what BLOOMERY_MEETING names.",
        ),
    ] = "",
    node: Node = "",
    repository: Repo = Path(),
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Fetch a patch that somebody shares: its bytes are those of its CID, or it is refused.

    It is a proposal here, whatever was measured or approved elsewhere.
    """
    from bloomery.core.log import set_level
    from bloomery.optimize.changes.sharing import fetch as get
    from bloomery.optimize.changes.sharing import meeting_at

    set_level("error")  # what did not work is told below
    notes: list[str] = []
    ledger = ledger_of(workspace, repository, create=True)
    patch = get(ledger, cid, meeting_at(folder, node), about=about or None, told=notes.append)
    _tell(patch, notes, as_json=as_json)


def _tell(patch: "Patch", notes: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"cid": patch.cid, "about": patch.about, "paths": patch.paths, "notes": notes})
        return
    about, sender = patch.about, patch.about.facts.get("sender", {})
    print_fields(
        [
            ("cid", patch.cid),
            ("goal", about.goal or None),
            (
                "sender says",
                f"{sender.get('goal') or 'no goal'}, made by {sender.get('proposer', 'unknown')}",
            ),
            ("how", about.operator or None),
            ("why", about.description or None),
            ("changes", files(patch.paths)),
        ]
    )
    for note in dict.fromkeys(notes):
        say(f"note: {note}")
    say(f"\nnext: bloomery patches verify {short(patch.cid)}")
