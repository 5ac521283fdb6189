"""A model folder taken through the curriculum: the stage's steps, outside a workspace."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bloomery.core.disk import new_folder, remove_tree
from bloomery.core.step import Progress, StepContext, nobody_watches
from bloomery.forge.curriculum.course import GENERATORS, check_prompts, load_ladder
from bloomery.forge.curriculum.introspecting import introspect
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.curriculum.principles import instil
from bloomery.forge.curriculum.proposing import TaskProposer, graded_tasks
from bloomery.forge.curriculum.rungs import climbed_rates, levels_of, rung_problems
from bloomery.forge.curriculum.staircase import reached
from bloomery.forge.curriculum.tutoring import climb, find_ladder, rates_on_disk
from bloomery.forge.editing import TERNARY, Editable, load_editable, ternary_of
from bloomery.forge.folders import check_folder, check_free
from bloomery.forge.resumable import forget_finished, is_unfinished, resumable
from bloomery.forge.stages.curriculum import CurriculumStageConfig


@dataclass(frozen=True)
class Learned:
    """What a climb reached: each task's rungs, their held-out accuracy before and afterwards, and how many
    hold from the first on; `forgotten` is what rungs lost after they were left (mean of best minus last),
    `residuals` what is left of the effect of each prompt that was baked in, `refused` how many problems
    of a proposer were left out, by reason.
    """

    ladder: Mapping[str, tuple[int, ...]]
    before: tuple[float, ...]
    rates: tuple[float, ...]
    reached_before: int
    reached: int
    forgotten: float
    residuals: Mapping[str, float]
    refused: Mapping[str, int]


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
    stage would be compared with is not run. `watch` is told where a part of the work begins, by its name with
    a total of 0. Killed or paused, the same call goes on from its checkpoints in
    `<output>.unfinished`; a proposer that does not write the same again is then asked for what is new only.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; Failure for a training
    that diverges.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    if ternary_of(base) is not None and not is_unfinished(output):
        check_free(latent_of(output))
    given = load_editable(base)
    check_prompts(config, given.model, given.tokenizer)
    config = replace(config, uniform=False, unrehearsed=False)
    words = {"stage": config, "proposer": proposer.name}
    with resumable(
        output, learn_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        last, made = _steps(replace(context, config=config), base, proposer)
        rungs = load_ladder(made["ladder"])
        before = _rates_before(given, config, rungs)
        _hand_out(last, output)
        rates = rates_on_disk(output, config, rungs)
        log = json.loads(made["log"].read_text())
        residuals = _residuals(made)
    target = config.staircase.target
    return Learned(
        ladder=rungs.rungs, before=tuple(before), rates=tuple(rates), reached_before=reached(before, target),
        reached=reached(rates, target), forgotten=log["forgotten"], residuals=residuals,
        refused=log["refused"],
    )  # fmt: skip


def _residuals(made: Mapping[str, Path]) -> dict[str, float]:
    if "principles" not in made:
        return {}
    return {name: one["ratio"] for name, one in json.loads(made["principles"].read_text()).items()}


def latent_of(output: Path) -> Path:
    """Where the weights behind a packed output are."""
    return output.with_name(f"{output.name}-latent")


def _rates_before(edited: Editable, config: CurriculumStageConfig, rungs: Ladder) -> list[float]:
    """The given model's accuracy on the test part of every rung; latent weights are read through trits."""
    tasks = graded_tasks(config.climbed())
    held_out = rung_problems(tasks, levels_of(rungs), config.mixture, config.exam, "test", config.examined)
    return climbed_rates(edited.model, edited.tokenizer, tasks, held_out)


def _steps(context: StepContext, base: Path, proposer: TaskProposer) -> tuple[Path, Mapping[str, Path]]:
    """The last step's output, and the ladder and the logs among others."""
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
        on["principles"] = last.output / "log.json"
    return last.output, on


def _within(context: StepContext, name: str, inputs: Mapping[str, Path]) -> StepContext:
    """A step of its own: its checkpoints stay until the whole is done, its output is made anew."""
    context.progress(0, 0, name)
    output, checkpoint = context.output / name, context.checkpoint / name
    remove_tree(output)
    for folder in (output, checkpoint):
        folder.mkdir(parents=True, exist_ok=True)
    return replace(context, output=output, checkpoint=checkpoint, inputs=inputs)


def _hand_out(made: Path, output: Path) -> None:
    if (made / "latent" / TERNARY).is_file():
        latent = latent_of(output)
        remove_tree(latent)
        with new_folder(latent) as folder:
            shutil.copytree(made / "latent", folder, dirs_exist_ok=True)
    with new_folder(output) as folder:
        shutil.copytree(made / "model", folder, dirs_exist_ok=True)
