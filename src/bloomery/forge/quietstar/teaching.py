"""quietstar's steps: tokens to think between, teaching on chains of thought, reinforcement, and the choice.

Each function here is a step: a function of its context alone.
"""

import json
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from torch import nn
from transformers import PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.step import StepContext
from bloomery.forge.data import training_data
from bloomery.forge.exams import WHILE_TRAINING, exams, plain, rates
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.full_models import load_full
from bloomery.forge.judging import thought_about
from bloomery.forge.quietstar.conditions import Condition
from bloomery.forge.quietstar.examining import (
    Thinking,
    examine_folders,
    generated,
    own_accuracy,
    under,
)
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.reinforcing import reinforce
from bloomery.forge.quietstar.rows import ThoughtRows
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.thinking_folder import save_thinking
from bloomery.forge.quietstar.tokens import add_thought_tokens
from bloomery.forge.settings import FitConfig
from bloomery.forge.window import window_of

JUDGED: tuple[Condition, ...] = ("own", "without")  # the conditions by which candidates are chosen


def add_tokens(context: StepContext) -> None:
    """The model with room for thoughts; it answers as before."""
    set_threads(machine.threads())
    model, tokenizer = load_full(context.inputs["model"])
    add_thought_tokens(model, tokenizer, context.seed)
    context.kinds["ready"] = "model"
    save_model(model, tokenizer, context.output / "ready")


def teach(context: StepContext) -> None:
    """Fine-tuning on examples with chains of thought, among examples without."""
    set_threads(machine.threads())
    model, tokenizer = load_model(context.inputs["ready"])
    fitting: FitConfig = context.config["fit"]
    thoughts: ThoughtsConfig = context.config["thoughts"]
    data = ThoughtRows(training_data(fitting, tokenizer, seed=context.seed), thoughts)
    data.check_room(window_of(model))
    tokenizer.model_max_length = max(tokenizer.model_max_length, fitting.seq_len)  # it learns longer rows now
    fit(context, model, data, fitting, validate=_validation(tokenizer, fitting, thoughts))
    context.kinds["taught"] = "model"
    save_model(model, tokenizer, context.output / "taught")


def _validation(
    tokenizer: PreTrainedTokenizerBase, fitting: FitConfig, thoughts: ThoughtsConfig
) -> Callable[[nn.Module], dict[str, float]]:
    """Accuracy without thoughts and with them, while training."""
    given = exams(fitting.mixture, WHILE_TRAINING, "selection", fewer_ok=True)
    about = thought_about(fitting.mixture, thoughts)
    asked = generated(exams(about, WHILE_TRAINING, "selection", fewer_ok=True))

    def validate(model: nn.Module) -> dict[str, float]:
        thinking = {
            f"thinking_{name}": own_accuracy(model, tokenizer, exam, tokens=thoughts.tokens)  # type: ignore[arg-type]
            for name, exam in asked.items()
        }
        return rates(model, tokenizer=tokenizer, given=given) | thinking

    return validate


def reinforce_taught(context: StepContext) -> None:
    """REINFORCE on the thoughts, with the mixing head that comes of it beside the model's weights."""
    set_threads(machine.threads())
    config: ReinforceConfig = context.config
    model, tokenizer = load_model(context.inputs["taught"])
    thinking = reinforce(context, model, tokenizer, config)
    context.kinds["reinforced"] = "model"
    save_thinking(thinking, tokenizer, context.output / "reinforced")


def claim(context: StepContext) -> None:
    """The candidates on the selection examples, some of their thoughts, and the name of the best one: that
    with most answers right with thoughts and without."""
    config = context.config
    found = examine_folders(
        context, context.inputs, config["mixture"], config["exam"], "selection", tokens=config["tokens"]
    )
    scores = {name: scored(results) for name, results in found.items()}
    rate = {
        name: fmean(one["rate"] for results in by.values() for one in results.values())
        for name, by in scores.items()
    }
    shown = {name: {task: one.shown for task, one in results.items()} for name, results in found.items()}
    claims = {"best": max(rate, key=lambda name: rate[name]), "scores": scores, "thoughts": shown}
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))


def scored(results: Mapping[str, Thinking]) -> dict[str, dict[str, Any]]:
    """Accuracies by condition and task, JSON-able, as they are claimed."""
    return {condition: plain(under(condition, results)) for condition in JUDGED}
