"""Language models as a proposer."""

from os import environ

from bloomery.agents.opening import MODELS_FILE, open_models
from bloomery.agents.routing import Router
from bloomery.agents.settings import PACKAGED, Settings
from bloomery.core.errors import MissingFile
from bloomery.core.workspace import Workspace
from bloomery.optimize.proposers.models.proposing import ModelProposer

__all__ = ["ModelProposer", "language_models"]


def language_models() -> ModelProposer:
    """With the budget, the record and the kept answers of the workspace here; with none, for this session."""
    try:
        router = open_models(Workspace.open(create=False))
    except MissingFile:
        router = Router(Settings.load(environ.get(MODELS_FILE) or PACKAGED))
    return ModelProposer(router.ask)
