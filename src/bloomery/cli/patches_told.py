"""What the verbs of `bloomery patches` share: options, and the ledger."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bloomery.optimize.changes import Ledger

Cid = Annotated[str, typer.Argument(metavar="CID", help="The patch, or the beginning of its CID.")]
Name = Annotated[str, typer.Option("--by", help="Who decides. Default: git's user.name.")]
Repo = Annotated[Path, typer.Option("--repository", "-C", help="The repository, or a folder in it.")]


def ledger_of(workspace: Path, repository: Path, *, create: bool = False) -> "Ledger":
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.changes import open_ledger

    return open_ledger(Workspace.open(workspace, create=create), repository)


def user(ledger: "Ledger") -> str:
    answer = ledger.repository.ask("config", "user.name")
    return answer.out.decode().strip()
