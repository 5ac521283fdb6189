"""A stage's steps tried alone: their config, and a context in a folder."""

from pathlib import Path
from typing import Any

from bloomery.core.config import build, to_plain
from bloomery.core.step import StepContext
from bloomery.forge.pipeline import plan
from tests.forge.whole import ALL


def config_of(stage_name: str, **changes: Any) -> Any:
    """The stage's config in the recipe of all stages, with changes."""
    (found,) = [one for stage, one in plan(ALL).stages if stage.name == stage_name]
    return build(type(found), {**to_plain(found), **changes})


def context_in(folder: Path, inputs: dict[str, Path], words: Any, **options: Any) -> StepContext:
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return StepContext(
        output=folder / "output",
        checkpoint=folder / "checkpoint",
        config=words,
        inputs=inputs,
        **{"seed": 1, **options},
    )
