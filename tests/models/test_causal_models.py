"""What every causal language model of the library does alike: streaming, generating, saving, learning."""

import inspect
import sys

import pytest
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from bloomery.models.causal_model import CausalModel
from tests.models.causal_models import KINDS, ids

LENGTH = {"max_new_tokens": 9, "min_new_tokens": 9, "pad_token_id": 0, "do_sample": False}


def of_kinds(**wanted):
    """The kinds that have these properties."""
    names = [n for n, kind in KINDS.items() if all(getattr(kind, key) == v for key, v in wanted.items())]
    return pytest.mark.parametrize("model", names, indirect=True)


@pytest.fixture(params=KINDS)
def model(request):
    return KINDS[request.param].make()


def expect_equal_logits(one, other) -> None:
    """Up to the last bits of float64, which hang on where a loaded weight lies in memory."""
    torch.testing.assert_close(one(ids()).logits, other(ids()).logits, atol=1e-12, rtol=1e-12)


def test_no_causal_model_of_the_library_is_left_out():
    found = {one for one in CausalModel.__subclasses__() if one.__module__.startswith("bloomery.")}
    assert found == {type(kind.make()) for kind in KINDS.values()}


def test_a_cache_gives_what_one_call_gives(model):
    cache, parts = model.new_cache(), []
    for part in ids().split([3, 1, 7, 2], dim=1):
        parts.append(model(part, past_key_values=cache).logits)
    whole = model(ids(), use_cache=False).logits
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-10, rtol=1e-10)
    assert cache.get_seq_length() == 13


def test_greedy_generation_is_repeated_argmax(model):
    longer = ids()
    for _ in range(9):
        last = model(longer, use_cache=False).logits[:, -1:]
        longer = torch.cat((longer, last.argmax(-1)), dim=1)
    assert torch.equal(model.generate(ids(), **LENGTH), longer)
    assert len(longer[:, 13:].unique()) > 2


@of_kinds(pads=True)
def test_a_left_padded_batch_generates_what_each_prompt_does_alone(model):
    short, long = ids(1, 6), ids(1, 11)
    pads = torch.zeros(1, 5, dtype=torch.long)
    both = torch.cat((torch.cat((pads, short), 1), long))
    mask = (both != 0).long()
    together = model.generate(both, attention_mask=mask, **LENGTH)
    assert torch.equal(together[0, 5:], model.generate(short, **LENGTH)[0])
    assert torch.equal(together[1], model.generate(long, **LENGTH)[0])


def test_beams_are_the_same_with_and_without_a_cache(model):
    options = {**LENGTH, "num_beams": 3, "num_return_sequences": 2}
    cached = model.generate(ids(), **options)
    assert torch.equal(cached, model.generate(ids(), use_cache=False, **options))
    assert cached.shape == (4, 13 + 9)


def test_a_loaded_model_has_the_saved_weights_to_the_bit(model, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    assert not loaded.training
    expect_equal_logits(loaded, model)


def test_every_weight_is_stored_once_and_nothing_is_a_pickle(model, tmp_path):
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as stored:
        assert set(stored.keys()) == set(model.state_dict())
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".py", ".safetensors"}


def test_the_folder_loads_by_its_own_code(model, tmp_path, monkeypatch):
    for known in (CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING):  # as where nobody registered our class
        monkeypatch.setattr(known, "_extra_content", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
        monkeypatch.delitem(sys.modules, name)  # another test's folder
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    model.save_pretrained(tmp_path / "model")
    config = AutoConfig.from_pretrained(tmp_path / "model", trust_remote_code=True)
    assert config.model_type == model.config.model_type
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", trust_remote_code=True)
    assert inspect.getfile(type(loaded)).startswith(str(tmp_path))
    expect_equal_logits(loaded, model)


def test_every_parameter_learns(model):
    model.train()(ids(), labels=ids()).loss.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


@of_kinds(plain_loss=True)
def test_the_loss_is_the_mean_over_labels(model):
    labels = ids().clone()
    labels[0, :9] = -100
    output = model.train()(ids(), labels=labels)
    logp = output.logits.log_softmax(-1)
    rows = [-logp[b, t - 1, labels[b, t]] for b in range(2) for t in range(1, 13) if labels[b, t] >= 0]
    torch.testing.assert_close(output.loss.double(), torch.stack(rows).mean(), atol=1e-6, rtol=1e-6)


@of_kinds(plain_loss=True)
def test_the_loss_falls(model):
    optimizer = torch.optim.AdamW(model.float().train().parameters(), lr=2e-2)
    losses = []
    for _ in range(12):
        loss = model(ids(4), labels=ids(4)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]  # four sequences learned by heart


def test_the_last_logits_alone_are_the_last_of_all(model):
    alone = model(ids(), logits_to_keep=2).logits
    torch.testing.assert_close(alone, model(ids()).logits[:, -2:], atol=1e-12, rtol=1e-12)


def test_a_cropped_cache_and_a_wrong_one_are_refused(model):
    cache = model(ids()).past_key_values
    with pytest.raises(NotImplementedError, match="cannot unread"):
        cache.crop(1)
    with pytest.raises(TypeError, match=r"DynamicCache; make one by model\.new_cache"):
        model(ids(), past_key_values=DynamicCache())
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model()
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model(ids(), inputs_embeds=model.embedding(ids()))
