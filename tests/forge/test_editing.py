"""What a stage edits is what it ships: latent weights keep their trits, and packed they answer the same."""

import torch

from bloomery.forge.bitnet.quantizing import make_ternary
from bloomery.forge.editing import Editable, load_editable, pack_editable, save_editable
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.converting import ternary_layers
from tests.forge.small_folders import llama

IDS = torch.tensor([[3, 4, 5, 6, 7]])
TERNARY = TernaryConfig(threshold=0.9, per_row=True, scaling="least_squares", embedding_bits=4)


def logits(model):
    with torch.inference_mode():
        return model.eval()(input_ids=IDS, use_cache=False).logits


def test_latent_weights_are_loaded_with_the_trits_they_stand_for(tmp_path):
    model, tokenizer = load_model(llama(tmp_path / "full"))
    turned = make_ternary(model, TERNARY)
    save_editable(Editable(model=model, tokenizer=tokenizer, ternary=TERNARY), tmp_path / "latent")
    again = load_editable(tmp_path / "latent")
    assert again.ternary == TERNARY
    assert sorted(ternary_layers(again.model)) == sorted(turned)
    assert torch.equal(logits(again.model), logits(model))


def test_a_model_without_trits_stays_in_full_precision(tmp_path):
    full = llama(tmp_path / "full")
    edited = load_editable(full)
    assert edited.ternary is None
    assert not ternary_layers(edited.model)
    pack_editable(edited, tmp_path / "shipped")
    shipped, _ = load_model(tmp_path / "shipped")
    assert torch.equal(logits(shipped), logits(load_model(full)[0]))


def test_what_is_shipped_of_latent_weights_has_their_trits(tmp_path):
    model, tokenizer = load_model(llama(tmp_path / "full"))
    make_ternary(model, TERNARY)
    edited = Editable(model=model, tokenizer=tokenizer, ternary=TERNARY)
    pack_editable(edited, tmp_path / "shipped")
    shipped, _ = load_model(tmp_path / "shipped")
    for name, layer in ternary_layers(model).items():
        assert torch.equal(shipped.get_submodule(name).trits(), layer.ternarized()[0]), name
