"""A model folder with experts beside its weights: the stage's work, outside a workspace."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bloomery.core.disk import new_folder, remove_tree
from bloomery.core.step import Progress, StepContext, nobody_watches
from bloomery.forge.experts.folder import check_without_experts
from bloomery.forge.experts.looking import Gained, check_not_latent, gained
from bloomery.forge.experts.searching import design_of, search_designs, write_folder
from bloomery.forge.experts.steps import find, teach_experts
from bloomery.forge.folders import check_folder, check_free
from bloomery.forge.resumable import forget_finished, resumable
from bloomery.forge.stages.experts import ExpertsStageConfig

STEPS = {"find": find, "teach": teach_experts, "search": search_designs}


def specialize_folder(
    base: Path,
    output: Path,
    config: ExpertsStageConfig,
    *,
    seed: int = 0,
    watch: Progress = nobody_watches,
) -> tuple[Mapping[str, Any], Gained]:
    """Find experts for the config's tasks, teach them, and write the folder of the chosen design.

    Returns the table of designs, and what was gained on the test examples. `watch` is told where a part of
    the work begins, by its name with a total of 0. Killed or paused, the same call goes on from its last
    checkpoint, which lies in `<output>.unfinished`.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; Failure for a training
    that diverges.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    check_without_experts(base)
    check_not_latent(base)
    words = {"mixture": config.mixture, "exam": config.exam, "find": config.find, "teach": config.teach,
             "search": config.search, "random": False}  # fmt: skip
    with resumable(
        output, specialize_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        made = {"model": base}
        for name in STEPS:
            made |= _made(context, name, made)
        table: dict[str, Any] = json.loads(made["designs"].read_text())
        work = context.output / "model"
        write_folder(base, made["experts"], design_of(table), work)
        found = gained(base, made, work, config)  # before the output is there: a kill loses no figure
        with new_folder(output) as folder:
            shutil.copytree(work, folder, dirs_exist_ok=True)
    return table, found


def _made(context: StepContext, name: str, inputs: Mapping[str, Path]) -> dict[str, Path]:
    """What a part of the work leaves; a part that was done before a kill is not done again."""
    place = context.checkpoint / name
    done, work = place / "done", place / "work"
    if not done.exists():
        remove_tree(work)
        context.progress(0, 0, name)
        work.mkdir(parents=True)
        (place / "checkpoint").mkdir(exist_ok=True)
        STEPS[name](replace(context, output=work, checkpoint=place / "checkpoint", inputs=inputs))
        work.rename(done)
    return {path.stem: path for path in sorted(done.iterdir())}
