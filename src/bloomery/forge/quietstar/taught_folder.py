"""A model folder that was taught to think: the stage quietstar's training, outside a workspace."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bloomery.core.disk import new_folder
from bloomery.core.step import Progress, StepContext, nobody_watches
from bloomery.forge.folders import check_folder, check_free
from bloomery.forge.full_models import KEPT
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.teaching import add_tokens, reinforce_taught, teach
from bloomery.forge.resumable import forget_finished, resumable
from bloomery.forge.settings import FitConfig


def think_folder(
    base: Path,
    output: Path,
    fit: FitConfig,
    thoughts: ThoughtsConfig,
    *,
    reinforce: ReinforceConfig | None = None,
    seed: int = 0,
    watch: Progress = nobody_watches,
) -> None:
    """Teaches a model folder to think, on the mixture of `fit`, and reinforces its thoughts where told to.

    Killed or paused, the same call goes on from its last checkpoint, which lies in `<output>.unfinished`.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; Failure for a training
    that diverges.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    words = {"fit": fit, "thoughts": thoughts, "reinforce": reinforce}
    with resumable(
        output, think_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        made = _step(context, add_tokens, "ready", base, None)
        made = _step(context, teach, "taught", made, {"fit": fit, "thoughts": thoughts})
        if reinforce is not None:
            made = _step(context, reinforce_taught, "reinforced", made, reinforce)
        _put(made, base, output)


INPUTS = {"ready": "model", "taught": "ready", "reinforced": "taught"}  # what each is made from


def _step(
    context: StepContext, step: Callable[[StepContext], None], name: str, source: Path, config: Any
) -> Path:
    """What the step makes, with checkpoints of its own."""
    checkpoint = context.checkpoint / name
    step(replace(context, config=config, inputs={INPUTS[name]: source}, checkpoint=checkpoint))
    return context.output / name


def _put(made: Path, base: Path, output: Path) -> None:
    check_free(output)
    with new_folder(output) as folder:
        kept = [path for pattern in KEPT for path in sorted(base.glob(pattern))]
        for path in [*kept, *sorted(made.iterdir())]:  # what was made last counts
            shutil.copyfile(path, folder / path.name)
