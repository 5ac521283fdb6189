"""The consumer's view of a baked model: each bake from disk, the last as it ships, beside what was given."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isnan, nan
from pathlib import Path

from transformers import PreTrainedModel

from bloomery.core import machine
from bloomery.core.evidence import Measured, not_run
from bloomery.core.step import StepContext
from bloomery.forge.baking.completions import Completion, sample
from bloomery.forge.baking.cycles import Round
from bloomery.forge.baking.divergence import Residual, divergence, residual
from bloomery.forge.baking.forging import ROUNDS
from bloomery.forge.baking.questions import A, Questions
from bloomery.forge.baking.scoring import tool_success
from bloomery.forge.baking.strength import measured_by, strength_curve, weights_of
from bloomery.forge.baking.turns import after_turns, turns_before
from bloomery.forge.editing import load_editable
from bloomery.forge.exams import exams, longest_prompt, mean_rate, record_by_difficulty
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS, LATENCY, THINKING
from bloomery.forge.measuring import answer_latency_ms, as_measured, furthest, give_evidence, share
from bloomery.forge.quietstar.keeping import answer_thinking
from bloomery.forge.sitting import sit_folders
from bloomery.forge.stage import given
from bloomery.forge.stages.baking import (
    BAKED,
    DRIFT,
    EFFECT,
    ENDED,
    KEPT,
    MONOTONE,
    PERSONAS,
    RESIDUAL,
    TOOLS,
    TURNS,
    BakingStageConfig,
    checks,
)

SEED = 11  # of what is sampled to measure on: no bake's


@dataclass(frozen=True)
class Bake:
    """One bake that was kept, from disk: the model that it began with, and the one that it ended with."""

    round: Round
    before: PreTrainedModel
    after: PreTrainedModel

    @property
    def prompt(self) -> str:
        return self.round.prompts[str(self.round.baked)]


def measure_baked(context: StepContext) -> None:
    """What the bakes left of their prompts' effects, what they gained, and what else they changed."""
    set_threads(machine.threads())
    config: BakingStageConfig = context.config
    began = time.perf_counter()
    questions = Questions(config, load_model(context.inputs["model"])[1], SEED)
    told = json.loads((context.inputs["bakes"] / ROUNDS).read_text())
    kept = [Round(**one) for one in told["rounds"] if one["baked"] is not None]
    measured = {
        BAKED: Measured(value=len(kept)),
        ENDED: Measured(value=float(told["at a plateau"])),
        **_of_each_bake(context, questions, kept),
        **_of_the_last(context, questions, kept),
        **_of_accuracy(context, questions),
    }
    answer_thinking(context, checks(config))
    asked = [check for check in checks(config) if check.name not in (LATENCY, THINKING)]
    took = time.perf_counter() - began
    give_evidence(context, asked, measured, how=f"{__name__}.measure_baked", duration_s=took)
    why = "no query that the prompts do not concern" if kept else "nothing was baked"
    for check in asked:
        if check.name not in measured:
            how = f"{__name__}.measure_baked"
            context.evidence(not_run(check, why, inputs=[context.inputs["model"].name], how=how))


def clock_baked(context: StepContext) -> None:
    """Latency of the shipped model: reported, never decided on."""
    set_threads(machine.threads())
    config: BakingStageConfig = context.config
    longest, began = longest_prompt(exams(config.mixture, config.exam, "test")), time.perf_counter()
    found = {LATENCY: answer_latency_ms(*load_model(context.inputs["model"]), longest)}
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.clock_baked", duration_s=took)


def bake_of(context: StepContext, kept: Sequence[Round], number: int) -> Bake:
    """The last bake ends with the model that ships, each other one with that which the next begins with."""
    folder = context.inputs["bakes"]
    before = load_editable(folder / kept[number].name).model
    last = number == len(kept) - 1
    after = _shipped(context) if last else load_editable(folder / kept[number + 1].name).model
    return Bake(kept[number], before, after)


def _of_each_bake(context: StepContext, questions: Questions, kept: Sequence[Round]) -> dict[str, Measured]:
    left, drifts = [], []
    for number in range(len(kept)):
        one = bake_of(context, kept, number)
        left.append(_residual(questions, one, written_under(questions, one)))
        if controls := questions.controls(one.round.cycle):
            drifts.append(_drift(questions, one, controls) / left[-1].base if left[-1].base else nan)
    found = {
        RESIDUAL: Measured(value=largest(one.ratio for one in left), baseline=1.0),
        EFFECT: Measured(value=min((one.base for one in left), default=nan)),
    }
    return found | ({DRIFT: Measured(value=largest(drifts))} if drifts else {})


def largest(values: Iterable[float]) -> float:
    """nan, which meets no bar, where there is none or one is nan."""
    found = list(values)
    return nan if not found or any(map(isnan, found)) else max(found)


def written_under(questions: Questions, bake: Bake) -> list[Completion]:
    """What the model before the bake writes under the prompt, to queries that chose nothing."""
    config, cycle = questions.config, bake.round.cycle
    simple = partial(sample, per_query=config.bake.per_query, max_new_tokens=config.bake.max_new_tokens,
                     temperature=config.bake.temperature)  # fmt: skip
    draw = questions.talks() if cycle == A else simple
    asked = questions.held_out(cycle, "test")
    return draw(bake.before, questions.tokenizer, bake.prompt, asked, seed=SEED)


def _residual(questions: Questions, bake: Bake, completions: Sequence[Completion]) -> Residual:
    return residual(bake.before, bake.before, bake.after, questions.tokenizer, completions)


def _drift(questions: Questions, bake: Bake, controls: Sequence[str]) -> float:
    most = questions.config.bake.max_new_tokens
    own = sample(bake.before, questions.tokenizer, "", controls, max_new_tokens=most, seed=SEED)
    return divergence(bake.before, bake.after, questions.tokenizer, own)


def _of_the_last(context: StepContext, questions: Questions, kept: Sequence[Round]) -> dict[str, Measured]:
    """How strength grows with the amount of the last bake, and what is left of it after other turns."""
    if not kept:
        return {}
    one = bake_of(context, kept, len(kept) - 1)
    latent, base = load_editable(context.inputs["latent"]).model, weights_of(one.before)
    teacher = load_editable(context.inputs["bakes"] / one.round.name).model
    strength = measured_by(teacher, one.before, questions.tokenizer, written_under(questions, one))
    curve = strength_curve(base, weights_of(latent), strength)
    for amount, value in curve.items():
        context.metric(f"strength/{one.round.name}", value, round(100 * amount))
    found = {MONOTONE: Measured(value=min(b - a for a, b in pairwise(curve.values())))}
    one.before.load_state_dict(base)
    return found | _after_turns(questions, one)


def _after_turns(questions: Questions, one: Bake) -> dict[str, Measured]:
    if not (distractors := questions.controls(one.round.cycle)):
        return {}
    config, written = questions.config, written_under(questions, one)
    texts = turns_before(
        one.before, questions.tokenizer, distractors, turns=config.distractors, count=len(written),
        max_new_tokens=config.bake.max_new_tokens,
    )  # fmt: skip
    left = _residual(questions, one, after_turns(questions.tokenizer, written, texts))
    return {TURNS: Measured(value=left.ratio, baseline=1.0)}


def _of_accuracy(context: StepContext, questions: Questions) -> dict[str, Measured]:
    config = questions.config
    folders = {"baked": context.inputs["model"], "given": context.inputs[given("model")]}
    results = sit_folders(context, folders, config.mixture, config.exam, "test")
    again = sit_folders(context, {"baked": folders["baked"]}, config.mixture, config.exam, "selection")
    claimed = json.loads(context.inputs["claims"].read_text())["scores"]
    rate = {name: mean_rate(result) for name, result in results.items()}
    for name, result in results.items():
        record_by_difficulty(context, name, result)
        context.metric(f"test accuracy/{name}", rate[name], 0)
    return {
        KEPT: Measured(value=share(rate["baked"], rate["given"]), baseline=rate["given"]),
        PERSONAS: Measured(value=rate["baked"] - rate["given"], baseline=rate["given"]),
        CLAIMS: Measured(value=furthest(claimed, again["baked"])),
        **{f"accuracy: {task}": as_measured(results["baked"][task]) for task in config.bars.accuracy},
        **_of_tools(folders, questions),
    }


def _of_tools(folders: Mapping[str, Path], questions: Questions) -> dict[str, Measured]:
    tested = questions.tool_exams("test")
    if not tested:
        return {}
    rate = {name: tool_success(*load_model(folder), tested) for name, folder in folders.items()}
    return {TOOLS: Measured(value=rate["baked"] - rate["given"], baseline=rate["given"])}


def _shipped(context: StepContext) -> PreTrainedModel:
    return load_model(context.inputs["model"])[0]
