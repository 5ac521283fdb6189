"""The language models that a command asks where the user wants it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bloomery.agents.routing import Router

AskModels = Annotated[
    bool,
    typer.Option(
        "--ask-models", help="Ask the configured language models, within their budget, for what is written."
    ),
]


def language_models(workspace: Path) -> "Router":
    """Raises: NoModel where none can be asked, before anything long begins."""
    from bloomery.agents.errors import NoModel
    from bloomery.agents.opening import open_models
    from bloomery.core.workspace import Workspace

    router = open_models(Workspace.open(workspace))
    if router.why_not:
        raise NoModel(router.why_not)
    return router
