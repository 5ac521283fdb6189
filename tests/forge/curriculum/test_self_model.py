"""Self-modelling: its gradient, its control, and its measure against a regression by numpy."""

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from bloomery.core.errors import UserError
from bloomery.forge.curriculum.self_model import SelfModelling, explained, weight_spread
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.task import Example
from tests.forge.curriculum.pupils import TOKENIZER, pupil
from tests.forge.small_folders import llama

EXAMPLES = [Example(prompt, "1", 1) for prompt in ("1+0=", "0+1+1=", "1+1+1+0=", "0+0=")]


@pytest.fixture
def model():
    return pupil(1)


def batch():
    return collate(row_of(one, TOKENIZER, 16) for one in EXAMPLES)


def gradients(wrapped):
    wrapped.zero_grad()
    wrapped(**batch()).loss.backward()
    return {name: None if p.grad is None else p.grad.clone() for name, p in wrapped.model.named_parameters()}


def test_with_weight_the_activations_themselves_learn_to_be_predicted(model):
    plain = gradients(SelfModelling(model, layer=1, weight=0.0))
    pulled = gradients(SelfModelling(model, layer=1, weight=0.5))
    assert not torch.equal(
        plain["layers.0.feedforward.up_proj.weight"], pulled["layers.0.feedforward.up_proj.weight"]
    )


def test_the_control_changes_nothing_in_the_model(model):
    wrapped = SelfModelling(model, layer=1, weight=0.0)
    controlled = gradients(wrapped)
    model.zero_grad()
    model(**batch()).loss.backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (controlled[name] is None), name
        assert parameter.grad is None or torch.equal(parameter.grad, controlled[name]), name
    assert wrapped.head.bias.grad.abs().sum() > 0


def test_the_loss_is_the_models_plus_the_weighted_squared_error(model):
    model.eval()
    output = model(**batch(), output_hidden_states=True)
    target = output.hidden_states[1][batch()["attention_mask"].bool()].detach().double().numpy()
    wrapped = SelfModelling(model, layer=1, weight=0.25)  # its head predicts 0 before it learns
    found = wrapped(**batch()).loss.detach()
    assert float(found) == pytest.approx(output.loss.item() + 0.25 * (target**2).mean(), rel=1e-5)  # float32


def test_a_head_by_least_squares_explains_what_numpy_says_that_it_does(model):
    model.eval()
    wrapped = SelfModelling(model, layer=1, weight=0.1)
    with torch.no_grad():
        output = model(**batch(), output_hidden_states=True)
    seen = batch()["attention_mask"].bool()
    x, y = (output.hidden_states[place][seen].double().numpy() for place in (-1, 1))
    design = np.hstack([x[:, :3], np.ones((len(x), 1))])  # three activations explain a part
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    with torch.no_grad():
        wrapped.head.weight[:, :3] = torch.tensor(found[:3].T)
        wrapped.head.bias.copy_(torch.tensor(found[3]))
    expected = 1 - ((y - design @ found) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
    assert 0.05 < expected < 0.95
    assert explained(wrapped, TOKENIZER, EXAMPLES) == pytest.approx(expected, abs=1e-5)  # a float32 head


def test_any_causal_model_with_hidden_states_models_itself(tmp_path):
    from bloomery.forge.folders import load_model

    other, tokenizer = load_model(llama(tmp_path / "llama"))
    wrapped = SelfModelling(other, layer=0, weight=0.1)
    loss = wrapped(**collate(row_of(one, tokenizer, 16) for one in EXAMPLES)).loss
    loss.backward()
    assert float(wrapped.head.bias.grad.abs().sum()) > 0


def test_a_layer_that_is_not_there_is_refused_with_those_that_are():
    sizes = {"vocab_size": 259, "n_positions": 16, "n_embd": 8, "n_layer": 1, "n_head": 2}
    wrapped = SelfModelling(GPT2LMHeadModel(GPT2Config(**sizes, eos_token_id=2)), layer=1, weight=0.1)
    with pytest.raises(UserError, match=r"1 hidden states below its last and self_model.layer is 1"):
        wrapped(**batch())


def test_the_spread_is_numpys_over_all_matrices():
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2))
    flat = np.concatenate([p.detach().double().numpy().ravel() for p in module.parameters() if p.ndim > 1])
    assert weight_spread(module) == pytest.approx(flat.std(ddof=1))
