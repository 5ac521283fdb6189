"""bloomery train: one model of the library from a config."""

from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Overrides, Track, WorkspacePath, print_json
from bloomery.cli.tables import print_evidence, print_fields

if TYPE_CHECKING:
    from bloomery.forge.supervised.training import Trained

Config = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A path, e.g. papers/lenet5/modern.yaml.", show_default=False)
]


def train(
    config: Config,
    overrides: Overrides = [],
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    track: Track = None,
    as_json: AsJson = False,
) -> None:
    """Train a model of the library and measure it on what it has not seen.

    The run's folder gets the weights, the figures, their picture, and the config as it took effect; the same
    config and seed give the same bytes. Stopped or killed, the same command goes on from the last checkpoint;
    what the workspace knows already is not computed again. A missed bar of the config is exit code 1.
    """
    from bloomery.cli.progress import watching
    from bloomery.core.log import set_level
    from bloomery.core.step import Paused
    from bloomery.core.workspace import Workspace
    from bloomery.forge.supervised.training import plan, refuse_missed
    from bloomery.forge.supervised.training import train as go
    from bloomery.forge.tracking import tracking

    planned = plan(config, overrides)
    opened = Workspace.open(workspace)
    set_level("warning")  # progress is for people; the whole log is in the run's folder
    try:
        with (
            watching(planned.config.work()) as watch,
            tracking(track, opened.root, planned.name.replace("/", "-")) as sink,
        ):
            trained = go(opened, planned, watch=watch, sink=sink)
    except Paused as paused:
        raise Paused(f"{str(paused).partition(';')[0]}; the same command goes on") from paused
    _show(trained, as_json=as_json)
    refuse_missed(trained)


def _show(trained: "Trained", *, as_json: bool) -> None:
    if as_json:
        print_json(trained)
        return
    print_evidence(trained.evidence)
    print_fields([
        ("run", trained.run_id), ("folder", trained.folder), ("cid", trained.cid),
        ("report", trained.report),
    ])  # fmt: skip
