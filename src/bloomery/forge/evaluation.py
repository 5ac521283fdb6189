"""Evaluating a model that somebody names: a folder, or one of a workspace."""

from collections.abc import Sequence
from typing import Any

from bloomery.core.errors import UserError
from bloomery.core.workspace import Workspace
from bloomery.forge.exams import evaluate_tasks
from bloomery.forge.folders import load_model
from bloomery.forge.library import model_folder
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.tasks.accuracy import Accuracy


def evaluate(
    workspace: Workspace | None,
    model: str,
    tasks: Sequence[str] = (),
    *,
    count: int = 256,
    difficulties: Sequence[int] = (),
    seed: int = 7,
    recursion_steps: int | None = None,
    memory: bool = True,
) -> dict[str, Accuracy]:
    """Accuracy of a model on held-out examples of tasks (none named: all).

    Raises: MissingFile, UnknownName, DamagedArtifact, FormatRefused; UserError for an option that would
    change nothing in this model.
    """
    loaded, tokenizer = load_model(model_folder(workspace, model))
    options: dict[str, Any] = {} if recursion_steps is None else {"recursion_steps": recursion_steps}
    options |= {} if memory else {"memory_enabled": False}
    if options and not isinstance(loaded.config, CognateConfig):
        raise UserError(
            f"{model} is a {loaded.config.model_type} model: recursion steps and memory are Cognate's alone; "
            "leave these options out"
        )
    if recursion_steps is not None and not 1 <= recursion_steps <= loaded.config.max_recursion:
        raise UserError(
            f"recursion_steps is {recursion_steps}; {model} has 1 to {loaded.config.max_recursion}"
        )
    return evaluate_tasks(
        loaded, tokenizer, tasks, count=count, difficulties=tuple(difficulties), seed=seed, **options
    )
