"""A model folder taken through the curriculum: the stage's steps, outside a workspace."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bloomery.core.disk import new_folder, remove_tree
from bloomery.core.step import Progress, StepContext, nobody_watches
from bloomery.forge.curriculum.course import GENERATORS, load_ladder
from bloomery.forge.curriculum.introspecting import introspect
from bloomery.forge.curriculum.principles import instil
from bloomery.forge.curriculum.proposing import TaskProposer
from bloomery.forge.curriculum.staircase import reached
from bloomery.forge.curriculum.tutoring import climb, find_ladder, rates_on_disk
from bloomery.forge.editing import TERNARY
from bloomery.forge.folders import check_folder, check_free
from bloomery.forge.resumable import forget_finished, resumable
from bloomery.forge.stages.curriculum import CurriculumStageConfig


@dataclass(frozen=True)
class Learned:
    """What a climb reached: each task's rungs, their held-out accuracy afterwards, and how many hold."""

    ladder: Mapping[str, tuple[int, ...]]
    rates: tuple[float, ...]
    reached: int


def learn_folder(
    base: Path,
    output: Path,
    config: CurriculumStageConfig,
    *,
    seed: int = 0,
    watch: Progress = nobody_watches,
    proposer: TaskProposer = GENERATORS,
) -> Learned:
    """The curriculum on a full-precision folder or on latent weights, into the folder that ships.

    Of latent weights the output is packed, and `<output>-latent` holds them for what comes later. What the
    stage would be compared with is not run. Killed or paused, the same call goes on from its checkpoints in
    `<output>.unfinished`; a proposer that does not write the same again is then asked for what is new only.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; Failure for a training
    that diverges.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    config = replace(config, uniform=False, unrehearsed=False)
    words = {"stage": config, "proposer": type(proposer).__qualname__}
    with resumable(
        output, learn_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        last, ladder = _steps(replace(context, config=config), base, proposer)
        _hand_out(last, output)
        rungs = load_ladder(ladder)
        rates = rates_on_disk(output, config, rungs)
    return Learned(rungs.rungs, tuple(rates), reached(rates, config.staircase.target))


def _steps(context: StepContext, base: Path, proposer: TaskProposer) -> tuple[Path, Path]:
    """The last step's output, and the ladder."""
    config: CurriculumStageConfig = context.config
    assess = _within(context, "assess", {"edited": base})
    find_ladder(assess)
    on = {"edited": base, "ladder": assess.output / "ladder.json"}
    last = _within(context, "climb", on)
    climb(last, proposer=proposer)
    on["log"] = last.output / "log.json"
    if config.self_model.steps:
        last = _within(context, "introspect", on | {"edited": last.output / "latent"})
        introspect(last)
    if config.principles.prompts:
        last = _within(context, "principles", on | {"edited": last.output / "latent"})
        instil(last)
    return last.output, on["ladder"]


def _within(context: StepContext, name: str, inputs: Mapping[str, Path]) -> StepContext:
    """A step of its own: its checkpoints stay until the whole is done, its output is made anew."""
    output, checkpoint = context.output / name, context.checkpoint / name
    remove_tree(output)
    for folder in (output, checkpoint):
        folder.mkdir(parents=True, exist_ok=True)
    return replace(context, output=output, checkpoint=checkpoint, inputs=inputs)


def _hand_out(made: Path, output: Path) -> None:
    if (made / "latent" / TERNARY).is_file():
        latent = output.with_name(f"{output.name}-latent")
        remove_tree(latent)
        with new_folder(latent) as folder:
            shutil.copytree(made / "latent", folder, dirs_exist_ok=True)
    with new_folder(output) as folder:
        shutil.copytree(made / "model", folder, dirs_exist_ok=True)
