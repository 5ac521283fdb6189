"""bloomery workspace: what a workspace holds, whether it is whole, and what may go."""

from pathlib import Path
from typing import Annotated

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Wide, WorkspacePath, print_json
from bloomery.cli.tables import print_fields, print_table
from bloomery.cli.wording import short, size, span, state

app = typer.Typer(help="The store, the catalog and the runs.", no_args_is_help=True)
Cid = Annotated[str, typer.Argument(help="The artifact's CID.")]


@app.command("ls")
def list_contents(
    workspace: WorkspacePath = DEFAULT_WORKSPACE, wide: Wide = False, as_json: AsJson = False
) -> None:
    """List runs and artifacts, oldest first."""
    from bloomery.core.workspace import Workspace

    opened = Workspace.open(workspace, create=False)
    runs, artifacts = opened.catalog.runs(), opened.catalog.artifacts()
    if as_json:
        print_json({"workspace": opened.root, "runs": runs, "artifacts": artifacts})
        return
    print_table(
        ["run", "recipe", "state", "started", "took"],
        [
            [run.run_id, run.recipe, state(run.status), run.started_at,
             span((run.finished_at - run.started_at).total_seconds()) if run.finished_at else ""]
            for run in runs
        ],
        title=f"runs in {opened.root}",
        empty="none yet; `bloomery forge run` starts one",
    )  # fmt: skip
    print_table(
        ["name", "kind", "made by", "size", "cid", *(["run"] if wide else [])],
        [
            [one.name, one.kind, one.step or "brought in", size(one.size_bytes), short(one.cid, wide=wide),
             *([one.run_id] if wide else [])]
            for one in artifacts
        ],
        title="\nartifacts",
        empty="none yet",
    )  # fmt: skip
    there = [one.size_bytes for one in artifacts if opened.store.has(one.cid)]
    typer.echo(f"\n{len(there)} artifacts in the store, {size(sum(there))}")


@app.command()
def verify(workspace: WorkspacePath = DEFAULT_WORKSPACE, as_json: AsJson = False) -> None:
    """Hash every artifact again; exit code 1 where one is damaged."""
    from bloomery.core.workspace import Workspace

    opened = Workspace.open(workspace, create=False)
    damage = [str(one) for one in opened.verify()]
    checked = sum(1 for _ in opened.store)
    if as_json:
        print_json({"checked": checked, "damaged": damage})
    else:
        typer.echo(f"{checked} artifacts checked, {len(damage)} damaged")
        for line in damage:
            typer.echo(f"damaged: {line}")
    if damage:
        typer.echo("error: start the runs that made them again: what is damaged is computed anew", err=True)
        raise typer.Exit(1)


@app.command()
def clean(
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    keep_days: Annotated[int, typer.Option(help="Keep runs for so many days; -1: for ever.", min=-1)] = 30,
    keep_failed_days: Annotated[
        int, typer.Option(help="Keep failed runs for so many days; -1: like the others.", min=-1)
    ] = 7,
    keep_runs: Annotated[
        int, typer.Option(help="Keep at most so many runs, the newest; -1: all.", min=-1)
    ] = 100,
    remove_unknown: Annotated[
        bool, typer.Option("--remove-unknown", help="Also remove what the catalog does not know.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old runs and the artifacts that no kept run made or used."""
    from bloomery.core.retention import Retention
    from bloomery.core.retention import clean as clean_up
    from bloomery.core.workspace import Workspace

    policy = Retention(
        keep_days=_rule(keep_days),
        keep_failed_days=_rule(keep_failed_days),
        keep_runs=_rule(keep_runs),
        remove_unknown=remove_unknown,
    )
    removal = clean_up(Workspace.open(workspace, create=False), policy, dry_run=dry_run)
    if as_json:
        print_json(removal)
        return
    verb = "would remove" if dry_run else "removed"
    typer.echo(
        f"{verb} {len(removal.runs)} runs and {len(removal.artifacts)} artifacts, {size(removal.size_bytes)}"
    )
    if removal.unknown and not remove_unknown:
        typer.echo(f"{len(removal.unknown)} artifacts that the catalog does not know were left alone")


@app.command()
def backup(
    archive: Annotated[Path, typer.Argument(help="The archive to write, e.g. bloomery.tar.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Write everything into one archive."""
    from bloomery.core.archive import backup as write
    from bloomery.core.workspace import Workspace

    written = write(Workspace.open(workspace, create=False), archive)
    if as_json:
        print_json({"archive": written, "size_bytes": written.stat().st_size})
    else:
        typer.echo(f"{written} ({size(written.stat().st_size)})")


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="An archive that `workspace backup` wrote.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Make a workspace from an archive; every artifact is verified."""
    from bloomery.core.archive import restore as unpack

    root = unpack(archive, workspace).root
    if as_json:
        print_json({"workspace": root})
    else:
        typer.echo(root)


@app.command()
def push(
    cid: Cid,
    url: Annotated[str, typer.Argument(help="Any fsspec URL: s3://bucket/prefix, file:///folder, ...")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Send an artifact to a remote."""
    from bloomery.core.remote import push as send
    from bloomery.core.workspace import Workspace

    address = send(Workspace.open(workspace, create=False).store, cid, url)
    if as_json:
        print_json({"cid": cid, "address": address})
    else:
        typer.echo(address)


@app.command()
def pull(
    cid: Cid,
    url: Annotated[str, typer.Argument(help="The fsspec URL it was sent to.")],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    name: Annotated[str, typer.Option(help="What to call it here.")] = "pulled",
    as_json: AsJson = False,
) -> None:
    """Get an artifact from a remote; its bytes are verified, and no clean-up takes it."""
    from bloomery.core.workspace import Workspace
    from bloomery.forge.library import bring_in

    artifact = bring_in(Workspace.open(workspace), cid, url, name=name)
    if as_json:
        print_json(artifact)
    else:
        print_fields([("name", artifact.name), ("kind", artifact.kind), ("size", size(artifact.size_bytes)),
                      ("cid", artifact.cid)])  # fmt: skip


def _rule(value: int) -> int | None:
    return None if value < 0 else value
