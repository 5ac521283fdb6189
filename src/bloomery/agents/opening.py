"""Language models for a workspace: its own settings, its record of calls, its store for answers."""

from collections.abc import Mapping
from os import environ
from pathlib import Path

from bloomery.agents.routing import Router
from bloomery.agents.settings import PACKAGED, Settings
from bloomery.core.workspace import Workspace

MODELS_FILE = "BLOOMERY_MODELS"  # environment variable: a models file to use instead of the workspace's


def open_models(
    workspace: Workspace,
    file: Path | str | None = None,
    *,
    scope: str = "",
    environment: Mapping[str, str] = environ,
) -> Router:
    """`file`, else what BLOOMERY_MODELS names, else models.yaml in the workspace, else the packaged table.

    It opens without a key and without a server, too: then `why_not` says so, and asking raises NoModel.
    """
    settings = Settings.load(file or environment.get(MODELS_FILE) or _own(workspace))
    return Router(
        settings,
        ledger=workspace.catalog.calls,
        store=workspace.store,
        scope=scope,
        environment=environment,
    )


def _own(workspace: Workspace) -> Path | str:
    own = workspace.root / "models.yaml"
    return own if own.is_file() else PACKAGED
