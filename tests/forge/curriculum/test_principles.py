"""Principles: a prompt that a model follows is baked in; one that changes nothing or silences it is not."""

import json
from dataclasses import replace

import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.forge.curriculum.principles import instil
from bloomery.forge.curriculum.settings import PrincipleConfig, PrinciplesConfig
from bloomery.forge.folders import save_model
from tests.forge.baking.promptable import (
    CONTROLS,
    IDLE,
    LOUD,
    TOKENIZER,
    llama,
    promptable_llama,
    queries,
    quick,
    steps,
)
from tests.forge.curriculum.pupils import config, context_in

BAR = 0.2
SOLVED = [{"prompt": one, "answer": "", "difficulty": 1, "worked": [], "hints": 0} for one in CONTROLS]


def instilled(folder, model, prompt, **changes):
    """What is left of the prompt after the step, by questions that no bake saw."""
    save_model(model, TOKENIZER, folder / "model")
    (folder / "log.json").write_text(json.dumps({"solved": SOLVED}))
    asked = PrincipleConfig(prompt=prompt, questions=tuple(queries("train")), probes=tuple(queries("test")))
    given = {"prompts": {"one": asked}, "bake": quick(), "fit": steps(60), "anchors": 24, **changes}
    words = config(principles=PrinciplesConfig(**given))
    context = context_in(folder, {"edited": folder / "model", "log": folder / "log.json"}, words)
    instil(context)
    return json.loads((context.output / "log.json").read_text())["one"]


def test_a_prompt_that_the_model_follows_is_baked_in(tmp_path):
    found = instilled(tmp_path, promptable_llama(), LOUD)
    assert found["base"] > 0.5  # nats: the prompt has an effect
    assert found["ratio"] <= BAR


def test_a_prompt_that_changes_nothing_leaves_a_residual_above_the_bar(tmp_path):
    found = instilled(tmp_path, promptable_llama(), IDLE)
    assert found["base"] < 0.05
    assert found["ratio"] > BAR


def silent():
    """Every token has the same embedding and no layer adds to it: the end is all that it ever writes."""
    model = llama()
    with torch.no_grad():
        model.model.embed_tokens.weight[:] = 1.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        model.lm_head.weight[TOKENIZER.eos_token_id] = 1.0
    return model


def test_a_principle_under_which_all_answers_are_empty_is_refused_by_what_is_asked_for_by_default(tmp_path):
    default = PrinciplesConfig().bake
    with pytest.raises(UserError, match="under the prompt 'U:' 100% of the model's answers are empty"):
        instilled(tmp_path, silent(), LOUD, bake=replace(default, per_query=2, max_new_tokens=4))
