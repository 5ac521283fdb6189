"""Growing models: a tokenizer, a base from random weights, specialists from the base, and their comparison.

Each function here is a step: a function of its context alone.
"""

import json
from collections.abc import Mapping
from functools import partial
from inspect import signature
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.errors import ConfigError, suggestion
from bloomery.core.step import StepContext
from bloomery.forge.data import training_data, training_texts
from bloomery.forge.exams import (
    WHILE_TRAINING,
    exams,
    mean_rate,
    plain,
    rates,
    record_by_difficulty,
)
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.measuring import count_parameters
from bloomery.forge.settings import FitConfig
from bloomery.forge.sitting import sit_folders
from bloomery.models.configuration_cognate import CognateConfig, cognate_25m, cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.tasks.tokenizer import train_tokenizer

PRESETS = {"cognate-tiny": cognate_tiny, "cognate-25m": cognate_25m}


def make_tokenizer(context: StepContext) -> None:
    """Byte-level BPE over what the base is trained on; digits stay single."""
    fitting: FitConfig = context.config["fit"]
    texts = training_texts(fitting, seed=context.seed)
    train_tokenizer(texts, context.config["vocabulary"], max_length=fitting.seq_len).save_pretrained(
        context.output / "tokenizer"
    )


def train_base(context: StepContext) -> None:
    """The shared ancestor, from random weights."""
    set_threads(machine.threads())
    fitting: FitConfig = context.config["fit"]
    tokenizer = AutoTokenizer.from_pretrained(context.inputs["tokenizer"], local_files_only=True)
    torch.manual_seed(context.seed)
    model = new_model(context.config["preset"], context.config["model"], tokenizer)
    _train(context, model, tokenizer, fitting, "base")


def train_specialist(context: StepContext) -> None:
    """A specialist, from the base's weights."""
    set_threads(machine.threads())
    model, tokenizer = load_model(context.inputs["base"], **context.config["changes"])
    _train(context, model, tokenizer, context.config["fit"], "specialist")


def new_model(
    preset: str, changes: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase
) -> CognateForCausalLM:
    """A model with random weights for this tokenizer.

    Raises: ConfigError for a change that the preset does not know, or that does not fit it.
    """
    known = set(signature(CognateConfig.__init__).parameters) - {"self", "kwargs"}
    for name in changes:  # transformers would keep an unknown one, and nobody would read it
        if name not in known:
            raise ConfigError(f"unknown key 'model.{name}'{suggestion(name, known)}")
    words = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    try:
        config: CognateConfig = PRESETS[preset](**{**words, **changes})
        return CognateForCausalLM(config)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"model {dict(changes)} does not fit {preset}: {error}") from error


def _train(
    context: StepContext,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    fitting: FitConfig,
    name: str,
) -> None:
    data = training_data(fitting, tokenizer, seed=context.seed)
    given = exams(fitting.mixture, WHILE_TRAINING, "selection")
    fit(context, model, data, fitting, validate=partial(rates, tokenizer=tokenizer, given=given))
    context.facts["parameters"] = count_parameters(model)
    context.kinds[name] = "model"
    save_model(model, tokenizer, context.output / name)


def choose(context: StepContext) -> None:
    """Every model on the selection examples; the best specialist's name, and all claims, on disk.

    Raises: Failure where a model could not be examined; it names the model.
    """
    config = context.config
    scores = sit_folders(context, context.inputs, config["mixture"], config["exam"], "selection")
    for name, results in scores.items():
        record_by_difficulty(context, name, results)
    best = max((name for name in scores if name != "base"), key=lambda name: mean_rate(scores[name]))
    claims = {"best": best, "scores": {name: plain(results) for name, results in scores.items()}}
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))
