"""A small model that thinks before it answers: long sums, at which it is poor at once. Taught in seconds."""

import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

from bloomery.core.config import build
from bloomery.core.step import StepContext
from bloomery.forge.data import training_rows
from bloomery.forge.exams import TaskExam, exams
from bloomery.forge.fitting import fit
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.quietstar.examining import own_accuracy
from bloomery.forge.quietstar.tokens import add_thought_tokens
from bloomery.forge.settings import FitConfig
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.quietstar.planted import FIT, VALUES, config, small_llama

RECIPE = {name: VALUES[name] for name in ("mixture", "exam", "thoughts")}  # a recipe's root
WORDS = config()
TOKENS = WORDS.thoughts.tokens


def context_in(folder, inputs=(), words=None, **options):
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    places = {name: folder / name for name in ("output", "checkpoint")}
    return StepContext(**places, inputs=dict(inputs), config=words, **{"seed": 1, **options})


@cache
def _taught():
    tokenizer, model = train_tokenizer([]), small_llama()
    add_thought_tokens(model, tokenizer, 0)
    fitting = build(FitConfig, {**FIT, "steps": 160}).on(WORDS.mixture)
    rows = training_rows(fitting, tokenizer, WORDS.thoughts, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        fit(context_in(Path(folder)), model, rows, fitting)
    return model.eval(), tokenizer


def thinker():
    """A model and a tokenizer of the caller's own."""
    return deepcopy(_taught())


def thinker_in(folder):
    save_model(*thinker(), folder)
    return folder


def sums() -> TaskExam:
    """The recipe's test examples."""
    return exams(WORDS.mixture, WORDS.exam, "test")["chained_sums"]


def after_thoughts(model, tokenizer) -> float:
    return own_accuracy(model, tokenizer, sums(), tokens=TOKENS)


def after_thoughts_in(folder) -> float:
    return after_thoughts(*load_model(folder))
