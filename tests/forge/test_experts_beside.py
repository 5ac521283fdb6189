"""Experts beside weights in full precision: our loader has them at work, and a stranger is told."""

import pytest
import torch

from bloomery.core.errors import DamagedArtifact, FormatRefused
from bloomery.core.evidence import State
from bloomery.core.step import StepContext
from bloomery.forge import packing
from bloomery.forge.folders import load_model, load_without_experts, save_model
from bloomery.forge.full_models import load_full
from bloomery.forge.measuring import logits_of
from bloomery.models.packed.experts import FILE, attach, to_bytes
from tests.forge.test_folders import small_pair
from tests.forge.test_shipping import CARD
from tests.models.packed.expert_sets import PROMPT, expert_set


@pytest.fixture
def folder(tmp_path):
    model, tokenizer = small_pair()
    save_model(model, tokenizer, tmp_path / "model")
    (tmp_path / "model" / FILE).write_bytes(to_bytes(expert_set(model, tokenizer)))
    return tmp_path / "model"


def test_a_loaded_folder_computes_with_its_experts(folder):
    """As the same experts do that are put into the same weights by hand."""
    loaded, tokenizer = load_model(folder)
    plain, _ = small_pair()
    before = logits_of(plain, tokenizer, PROMPT)
    attach(plain, folder / FILE)
    assert torch.equal(logits_of(loaded, tokenizer, PROMPT), logits_of(plain, tokenizer, PROMPT))
    assert not torch.equal(logits_of(loaded, tokenizer, PROMPT), before)
    loaded.experts.use(None)
    assert torch.equal(logits_of(loaded, tokenizer, PROMPT), before)
    assert torch.equal(logits_of(*load_without_experts(folder), PROMPT), before)


def test_experts_of_another_model_are_refused(folder, tmp_path):
    model, tokenizer = small_pair()
    fewer = expert_set(model, tokenizer)
    rest = dict(list(fewer.ranks.items())[1:])
    size = sum(rest.values())
    others = expert_set(
        model, tokenizer, ranks={"elsewhere": 4, **rest}, deltas=torch.ones(2, size + 4).half()
    )
    (folder / FILE).write_bytes(to_bytes(others))
    with pytest.raises(DamagedArtifact, match="model"):
        load_model(folder)


def test_weights_that_experts_were_made_for_are_not_trained_on(folder):
    with pytest.raises(FormatRefused, match="has experts, made for the weights as they are"):
        load_full(folder)


@pytest.mark.parametrize("experts", [True, False])
def test_the_card_tells_a_stranger_what_plain_transformers_leave_out(folder, tmp_path, monkeypatch, experts):
    def elsewhere(shipped, prompt):
        return logits_of(*load_without_experts(shipped), prompt)

    monkeypatch.setattr(packing, "logits_elsewhere", elsewhere)
    if not experts:
        (folder / FILE).unlink()
    (tmp_path / "output").mkdir()
    context = StepContext(
        output=tmp_path / "output",
        checkpoint=tmp_path,
        inputs={"model": folder},
        config={"name": "one", **CARD},
    )
    packing.write_folder(context)
    card = (tmp_path / "output" / "shipped" / "README.md").read_text()
    assert ("leaves out the experts in `experts.safetensors`" in card) == experts
    (reloaded,) = context.journal.evidence
    assert (reloaded.state, reloaded.measured) == (State.PASSED, 0.0)
