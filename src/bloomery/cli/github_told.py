"""What the verbs of `bloomery github` share: options, the ledger, and what became of patches."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import print_json
from bloomery.cli.tables import print_table, say
from bloomery.cli.wording import short

if TYPE_CHECKING:
    from bloomery.optimize.changes import Ledger
    from bloomery.optimize.github.publishing import Published

Repo = Annotated[Path, typer.Option("--repository", "-C", help="The repository, or a folder in it.")]
Name = Annotated[
    str, typer.Option("--repo", metavar="OWNER/NAME", help="Default: the workflow's, or origin's.")
]
Files = Annotated[Path, typer.Option(help="The folder for patches that cannot be sent now.")]


def tell(told: "Published", *, as_json: bool, summarize: bool = True) -> None:
    from bloomery.optimize.github import events, texts

    problem = str(told.problem or "")
    if summarize:
        events.summary(texts.told(told.publications, problem))
    if as_json:
        print_json({"publications": told.publications, "problem": problem})
        return
    rows = [
        [short(one.patch), one.stage, one.url or ", ".join(one.files), one.why] for one in told.publications
    ]
    columns = ["patch", "state", "where", "why"]
    print_table(columns, rows, wrapped=["why"], empty="nothing is put up, nothing waits")
    if told.waiting:
        say(f"\n{len(told.waiting)} wait: the same command sends them later")


def ledger_of(workspace: Path, repository: Path) -> "Ledger":
    from bloomery.core.workspace import Workspace
    from bloomery.optimize.changes import open_ledger

    return open_ledger(Workspace.open(workspace), repository)
