import pytest

from bloomery.forge.baking.completions import sample
from tests.forge.baking.bakes import baked
from tests.forge.baking.promptable import LOUD, TOKENIZER, UNSEEN, promptable_llama


@pytest.fixture(scope="session")
def loud(tmp_path_factory):
    """The model with its prompt baked in, and what became of the prompt; never change it."""
    model = promptable_llama()
    return model, baked(tmp_path_factory.mktemp("loud"), model)


@pytest.fixture(scope="session")
def held_out():
    """What the prompted model writes to queries that no bake saw, by another seed than any bake's."""
    return sample(promptable_llama(), TOKENIZER, LOUD, UNSEEN, max_new_tokens=4, seed=99)
