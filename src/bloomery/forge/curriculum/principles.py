"""The step that bakes in prompts: values, a way to act, who the model is."""

import random
from pathlib import Path
from typing import Any

from bloomery.core import machine
from bloomery.core.step import StepContext
from bloomery.forge.baking.anchoring import thought_anchors
from bloomery.forge.baking.bake import Queries, bake
from bloomery.forge.baking.completions import sample
from bloomery.forge.baking.divergence import Residual, residual
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.curriculum.settings import PrincipleConfig
from bloomery.forge.curriculum.tutoring import solved_before, write_both, write_log
from bloomery.forge.editing import load_editable, pack_editable
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.stages.curriculum import CurriculumStageConfig


def instil(context: StepContext) -> None:
    """Prompts baked in one after the other, each measured in its packed form by questions that probe it."""
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    edited, wanted = load_editable(context.inputs["edited"]), config.principles
    solved = solved_before(context)
    anchors = [
        one.prompt
        for one in random.Random(f"anchors/{context.seed}").sample(solved, min(len(solved), wanted.anchors))
    ]
    thoughts = thought_anchors(config, edited.tokenizer, wanted.thought_anchors, seed=context.seed)
    log: dict[str, Any] = {}
    for name, one in wanted.prompts.items():
        folders = [context.checkpoint / f"{name}-{when}" for when in ("before", "after")]
        pack_editable(edited, folders[0])
        queries = Queries(train=one.questions, held_out=one.probes, anchors=anchors, thoughts=thoughts)
        baked = bake(
            context, edited.model, edited.tokenizer, one.prompt, queries,
            config=wanted.bake, fitting=wanted.fit, name=f"bake-{name}",
        )  # fmt: skip
        pack_editable(edited, folders[1])
        log[name] = _probed(context, one, *folders) | {"steps": baked.steps}
    write_both(context, edited)
    write_log(context, log)


def _probed(context: StepContext, one: PrincipleConfig, before: Path, after: Path) -> dict[str, float]:
    """How far the unprompted packed model is from the prompted one, before and after the bake."""
    left = left_of(context.config.principles.bake, one, before, after, seed=context.seed)
    return {"base": left.base, "baked": left.baked, "ratio": left.ratio}


def left_of(wanted: BakeConfig, one: PrincipleConfig, before: Path, after: Path, *, seed: int) -> Residual:
    """What is left of a prompt's effect on one model folder in another, on the questions that probe it."""
    (old, tokenizer), (new, _) = load_model(before), load_model(after)
    probes = sample(
        old, tokenizer, one.prompt, one.probes, per_query=wanted.per_query,
        max_new_tokens=wanted.max_new_tokens, seed=seed + 1,
    )  # fmt: skip
    return residual(old, old, new, tokenizer, probes)
