"""The consumer's view of the experts: from disk, on examples that chose nothing."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from bloomery.core import machine
from bloomery.core.evidence import Measured
from bloomery.core.step import StepContext
from bloomery.forge.exams import exams as exams_of
from bloomery.forge.exams import longest_prompt
from bloomery.forge.experts.cells import Cell, cells, freeze
from bloomery.forge.experts.comparing import Comparison, compare
from bloomery.forge.experts.examining import Result, bench_of, examine, examined, plain_design
from bloomery.forge.experts.folder import load_with_experts
from bloomery.forge.experts.steps import kinds_of
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import CLAIMS, LATENCY
from bloomery.forge.measuring import answer_latency_ms, give_evidence, logits_of, share
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.quietstar.keeping import answer_thinking
from bloomery.forge.quietstar.tokens import knows_thoughts
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stage import given
from bloomery.forge.stages.experts import (
    BYTES,
    CHOSEN,
    DISPATCH,
    IDENTITY,
    MORE,
    OPERATIONS,
    OVER_NONE,
    OVER_RANDOM,
    OVER_UNIFORM,
    SHIPPED_OVER_UNIFORM,
    SLOWER,
    TO_ORACLE,
    ExpertsStageConfig,
    checks,
)
from bloomery.models.packed.experts import FILE, Experts, read
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.intervals import wilson


def measure_experts(context: StepContext) -> None:
    """What two passes gain, and what the shipped design gains and costs, over the given model."""
    set_threads(machine.threads())
    config: ExpertsStageConfig = context.config
    began, before = time.perf_counter(), context.inputs[given("model")]
    passes = two_passes(
        before, context.inputs["experts"], context.inputs["kinds"], config.mixture, config.exam
    )
    claims = json.loads(context.inputs["claims"].read_text())
    found = _of_passes(passes)
    found |= _of_design(context, before, claims, passes.uniform)
    found[IDENTITY] = Measured(value=at_identity(before, context.inputs["experts"], config))
    if config.random_search:
        found[OVER_RANDOM] = Measured(value=claims["over random"])
    for name in ("none", "uniform", "two_pass", "oracle"):
        context.metric(
            f"test accuracy/{name}", getattr(passes, name), len(read(context.inputs["experts"]).names)
        )
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.measure_experts", duration_s=took)
    folder = context.inputs["model"]
    shipped = partial(shipped_thinking, folder, config) if (folder / FILE).exists() else None
    answer_thinking(context, checks(config), shipped=shipped)


def two_passes(
    folder: Path, experts: Path, kinds: Path, mixture: dict[str, Ingredient], exam: ExamConfig
) -> Comparison:
    """Two passes, from disk, on the test examples."""
    model, tokenizer = load_model(folder)
    freeze(model)
    chose, tested = (cells(mixture, exam, part) for part in ("selection", "test"))
    return compare(Experts(model, read(experts)), tokenizer, tested, places_of(kinds, chose, tested))


def places_of(kinds: Path, chose: Sequence[Cell], tested: Sequence[Cell]) -> list[int]:
    """The place of each tested cell's expert."""
    whose = {cell.name: place for place, kind in enumerate(kinds_of(kinds, chose)) for cell in kind}
    return [whose[cell.name] for cell in tested]


def at_identity(folder: Path, experts: Path, config: ExpertsStageConfig) -> float:
    """The largest difference of a logit between the model and itself with every vector at z = 1."""
    model, tokenizer = load_model(folder)
    prompt = longest_prompt(exams_of(config.mixture, config.exam, "test", fewer_ok=True))
    before = logits_of(model, tokenizer, prompt)
    Experts(model, read(experts)).attached.learn()
    return float((logits_of(model, tokenizer, prompt) - before).abs().max())


def shipped_result(folder: Path, given_cells: Sequence[Cell], before: Result) -> Result:
    """The folder's own design at work; a folder without experts is the model as it was given."""
    model, tokenizer, experts = load_with_experts(folder)
    freeze(model)
    if experts is None:
        return before
    return Result(*examined(experts, tokenizer, given_cells), weights_size(folder))


def shipped_thinking(folder: Path, config: ExpertsStageConfig) -> float | None:
    """Accuracy of the folder's design at work where it first thinks as long as the recipe's thoughts may be.

    None where its tokenizer has no thought tokens.
    """
    model, tokenizer, experts = load_with_experts(folder)
    if config.thoughts is None or experts is None or not knows_thoughts(tokenizer):
        return None
    freeze(model)
    thinking = {**experts.held.design, "thoughts": config.thoughts.tokens}
    experts.hold(replace(experts.held, design=thinking))
    return examined(experts, tokenizer, cells(config.tasks_with_thoughts(), config.exam, "test"))[0]


def _of_passes(passes: Comparison) -> dict[str, Measured]:
    sent = wilson(passes.dispatch * passes.prompts, passes.prompts)
    gained, possible = passes.two_pass - passes.none, passes.oracle - passes.none
    return {
        OVER_NONE: Measured(value=gained, baseline=passes.none),
        OVER_UNIFORM: Measured(value=passes.two_pass - passes.uniform, baseline=passes.uniform),
        TO_ORACLE: Measured(value=share(gained, possible), baseline=passes.oracle),
        DISPATCH: Measured(value=passes.dispatch, interval=sent, chance=passes.commonest),
    }


def _of_design(
    context: StepContext, before: Path, claims: dict[str, float], uniform: float
) -> dict[str, Measured]:
    config: ExpertsStageConfig = context.config
    results = {}
    for part in ("selection", "test"):
        inputs = {"model": before, "experts": context.inputs["experts"]}
        bench = bench_of(inputs, config.mixture, config.exam, part)
        none = examine(plain_design(bench), bench=bench)
        tested = cells(config.mixture, config.exam, part)
        results[part] = none, shipped_result(context.inputs["model"], tested, none)
    again = results["selection"][1].accuracy
    none, shipped = results["test"]
    return {
        CHOSEN: Measured(value=shipped.accuracy - none.accuracy, baseline=none.accuracy),
        MORE: Measured(value=(shipped.accuracy > none.accuracy) + (shipped.flops < none.flops)),
        SHIPPED_OVER_UNIFORM: Measured(value=shipped.accuracy - uniform, baseline=uniform),
        OPERATIONS: Measured(value=shipped.flops / none.flops, baseline=none.flops),
        BYTES: Measured(value=shipped.size / none.size, baseline=none.size),
        CLAIMS: Measured(value=abs(claims["accuracy"] - again)),
    }


def clock_experts(context: StepContext) -> None:
    """Latency of the shipped model's second pass and of the given model: reported, never decided on."""
    set_threads(machine.threads())
    config: ExpertsStageConfig = context.config
    began = time.perf_counter()
    longest = longest_prompt(exams_of(config.mixture, config.exam, "test", fewer_ok=True))
    with torch.no_grad():
        model, tokenizer, _ = load_with_experts(context.inputs["model"])
        now = answer_latency_ms(model, tokenizer, longest)
        before = answer_latency_ms(*load_model(context.inputs[given("model")]), longest)
    found = {LATENCY: now, SLOWER: Measured(value=now.value / before.value, baseline=before.value)}
    took = time.perf_counter() - began
    give_evidence(context, checks(config), found, how=f"{__name__}.clock_experts", duration_s=took)
