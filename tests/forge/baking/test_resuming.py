"""One prompt after the other, pursued, stopped and gone on with."""

import pytest
import torch

from bloomery.core.step import Paused
from bloomery.forge.baking.bake import bake
from bloomery.forge.baking.in_turn import bake_in_turn, pursue
from tests.forge.baking.bakes import BAR, answers
from tests.forge.baking.promptable import (
    IDLE,
    LOUD,
    TOKENIZER,
    UNSEEN,
    context_in,
    llama,
    promptable_llama,
    quick,
    some_queries,
    steps,
)


def test_one_prompt_after_the_other_leaves_both_in_the_model(tmp_path):
    """The second prompt is idle by itself: that the first one's effect stays is what is seen."""
    model = promptable_llama()
    found = bake_in_turn(
        context_in(tmp_path), model, TOKENIZER, {"loud": LOUD, "idle": IDLE}, some_queries(),
        config=quick(), fitting=steps(),
    )  # fmt: skip
    assert list(found) == ["loud", "idle"]
    assert found["loud"].residual.ratio <= BAR
    assert found["idle"].residual.base < 0.1 * found["loud"].residual.base
    assert answers(model) == [one[0].upper() for one in UNSEEN]


def test_each_round_of_a_pursuit_has_the_model_before_it_as_its_teacher(tmp_path):
    model = promptable_llama()
    found = pursue(
        context_in(tmp_path), model, TOKENIZER, LOUD, some_queries(), rounds=2, config=quick(),
        fitting=steps(),
    )  # fmt: skip
    assert found[1].residual.base < 0.1 * found[0].residual.base  # the prompt has hardly more to say
    assert answers(model) == [one[0].upper() for one in UNSEEN]


class Stopper:
    def __init__(self, at):
        self.left = at

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_stopped_bake_goes_on_to_the_same_weights(tmp_path, mode):
    config = quick(mode=mode, empty=1.0)

    def bake_here(folder, model, **options):
        both = {"one": "UU", "two": "VV"}
        context = context_in(folder, **options)
        return bake_in_turn(context, model, TOKENIZER, both, some_queries(), config=config, fitting=steps(6))

    whole, parts = llama(), llama()
    bake_here(tmp_path / "whole", whole)
    with pytest.raises(Paused):
        bake_here(tmp_path / "parts", llama(), stopping=Stopper(8))  # in the second prompt
    again = bake_here(tmp_path / "parts", parts)
    assert again["two"].steps == 6
    theirs = parts.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in whole.state_dict().items())


def test_what_a_stopped_bake_had_sampled_is_not_sampled_again(tmp_path, monkeypatch):
    words = {"config": quick(empty=1.0), "fitting": steps(4)}
    with pytest.raises(Paused):
        bake(context_in(tmp_path, stopping=Stopper(1)), llama(), TOKENIZER, "UU", some_queries(), **words)
    monkeypatch.setattr("bloomery.forge.baking.bake.sample", lambda *_, **__: pytest.fail("it samples again"))
    assert bake(context_in(tmp_path), llama(), TOKENIZER, "UU", some_queries(), **words).steps == 4
