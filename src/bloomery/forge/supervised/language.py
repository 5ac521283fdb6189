"""Language models: trained on a mixture of tasks, examined from disk on held-out examples. Each is a step."""

import json
import time
from functools import partial

import torch
from transformers import AutoTokenizer

from bloomery.core import machine
from bloomery.core.evidence import judge
from bloomery.core.step import StepContext
from bloomery.forge.data import training_data, training_texts
from bloomery.forge.exams import WHILE_TRAINING, exams, plain, rates, sit
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.folders import save_model
from bloomery.forge.measuring import as_measured, count_parameters
from bloomery.forge.supervised.architectures import LANGUAGE, language_model
from bloomery.forge.supervised.settings import LanguageConfig
from bloomery.tasks.tokenizer import train_tokenizer


def train_vocabulary(context: StepContext) -> None:
    """Byte-level BPE over what the model is trained on; digits stay single."""
    config: LanguageConfig = context.config["language"]
    texts = training_texts(config.fit, seed=context.seed)
    tokenizer = train_tokenizer(texts, config.vocabulary, max_length=config.fit.seq_len)
    tokenizer.save_pretrained(context.output / "tokenizer")


def train_on_language(context: StepContext) -> None:
    """The model, from random weights, on the mixture."""
    set_threads(machine.threads())
    config: LanguageConfig = context.config["language"]
    tokenizer = AutoTokenizer.from_pretrained(context.inputs["tokenizer"], local_files_only=True)
    torch.manual_seed(context.seed)
    model = language_model(context.config["model"], context.config["architecture"], tokenizer)
    given = exams(config.fit.mixture, WHILE_TRAINING, "selection")
    fit(
        context,
        model,
        training_data(config.fit, tokenizer, seed=context.seed),
        config.fit,
        validate=partial(rates, tokenizer=tokenizer, given=given),
    )
    context.facts["parameters"] = count_parameters(model)
    save_model(model, tokenizer, context.output / "model")


def examine_on_language(context: StepContext) -> None:
    """The model from disk on examples that it has not seen and that chose nothing."""
    set_threads(machine.threads())
    config: LanguageConfig = context.config["language"]
    folder, began = context.inputs["model"], time.perf_counter()
    model = LANGUAGE[context.config["model"]].model.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    results = sit(model, tokenizer, exams(config.fit.mixture, config.exam, "test"))
    measured = context.output / "measured"
    measured.mkdir()
    (measured / "metrics.json").write_text(json.dumps(plain(results), indent=2, sort_keys=True) + "\n")
    how, took = f"{__name__}.examine_on_language", time.perf_counter() - began
    for check in context.config["checks"]:
        found = results.get(check.name.removeprefix("accuracy: "))
        if found is not None:  # a data set of code has no exact scorer here
            given = as_measured(found)
            context.evidence(judge(check, given, how=how, duration_s=took, inputs=[folder.name]))
