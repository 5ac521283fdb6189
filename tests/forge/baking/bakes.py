"""Bakes of the tiny model that follows a prompt, and what it answers after them."""

from bloomery.forge.baking.bake import bake
from bloomery.forge.baking.completions import sample
from bloomery.forge.baking.divergence import divergence
from bloomery.tasks.generation import write
from tests.forge.baking.promptable import (
    CONTROLS,
    LOUD,
    TOKENIZER,
    UNSEEN,
    context_in,
    promptable_llama,
    quick,
    some_queries,
    steps,
)

BAR = 0.2  # of the residual ratio


def baked(folder, model, prompt=LOUD, **changes):
    given = {"config": quick(), "fitting": steps(), "queries": some_queries(), **changes}
    asked = given.pop("queries")
    return bake(context_in(folder), model, TOKENIZER, prompt, asked, **given)


def answers(model, asked=UNSEEN):
    return write(model, TOKENIZER, list(asked), max_new_tokens=4)


def loud_share(model, asked=UNSEEN):
    """How many of the answers to these, each ending in one of UNSEEN, are in upper case."""
    given = zip(answers(model, asked), UNSEEN, strict=True)
    return sum(got == one[0].upper() for got, one in given) / len(UNSEEN)


def drift(model):
    """From the model before it was baked, on questions that the prompt does not concern."""
    base = promptable_llama()
    some = sample(base, TOKENIZER, "", CONTROLS, max_new_tokens=4, seed=1)
    return divergence(base, model, TOKENIZER, some)
