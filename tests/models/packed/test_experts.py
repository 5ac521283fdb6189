"""Experts in a file: what is written is read, a packed folder switches them, other models' are refused."""

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bloomery.core.errors import DamagedArtifact
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.elsewhere import logits_elsewhere
from bloomery.forge.folders import load_model
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.dispatching import prompt_features
from bloomery.models.packed.experts import FILE, Experts, ExpertSet, attach, read, stored, to_bytes
from tests.forge.small_folders import FOLDERS
from tests.models.packed.expert_sets import PROMPT, expert_set


@pytest.fixture(scope="module", params=["llama", "cognate"])
def packed(request, tmp_path_factory):
    """A packed folder without experts, and one with them."""
    folder = tmp_path_factory.mktemp(request.param)
    FOLDERS[request.param](folder / "full")
    for name in ("plain", "with"):
        quantize_folder(folder / "full", folder / name, TernaryConfig())
    held = expert_set(*load_model(folder / "plain"))
    (folder / "with" / FILE).write_bytes(to_bytes(held))
    return folder / "plain", folder / "with", held


def logits(model, tokenizer):
    with torch.no_grad():
        return model(torch.tensor([tokenizer.encode(PROMPT)]), use_cache=False).logits


def test_a_packed_folder_with_experts_loads_them_and_switches(packed):
    plain, folder, held = packed
    model, tokenizer = load_model(folder)
    expected = logits(*load_model(plain))
    first = logits(model, tokenizer)
    assert not torch.allclose(first, expected, atol=1e-3)
    model.experts.use("one")  # the mixture is the first alone
    assert torch.equal(logits(model, tokenizer), first)
    model.experts.use("two")
    assert not torch.allclose(logits(model, tokenizer), first, atol=1e-3)
    model.experts.use(None)
    assert torch.equal(logits(model, tokenizer), expected)
    assert model.experts.names == held.names


def test_a_vector_keeps_four_significant_bits_in_a_byte_and_nothing_stays_nothing():
    deltas = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    kept = stored(deltas)
    assert kept.element_size() == 1
    assert ((kept.double() - deltas) / deltas).abs()[deltas.abs() > 2**-6].max() <= 2**-4
    assert stored(torch.tensor([0.0, 1e9, -1e9])).tolist() == [0.0, 448.0, -448.0]


def test_it_generates_with_experts_as_its_forward_pass_says(packed):
    model, tokenizer = load_model(packed[1])
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    written = model.generate(ids, max_new_tokens=3, do_sample=False, eos_token_id=-1)
    with torch.inference_mode():
        for _ in range(3):
            ids = torch.cat([ids, model(input_ids=ids, use_cache=False).logits[:, -1].argmax(-1)[None]], 1)
    assert written.tolist() == ids.tolist()


@pytest.mark.slow
def test_a_stranger_gets_the_same_bits(packed):
    model, tokenizer = load_model(packed[1])
    assert torch.equal(logits_elsewhere(packed[1], PROMPT), logits(model, tokenizer))


def test_the_first_pass_does_not_see_who_is_at_work_nor_padding(packed):
    model, tokenizer = load_model(packed[1])
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    expected = model.experts.choose(ids)
    assert expected.sum().item() == pytest.approx(1.0)
    model.experts.use("two")
    assert torch.equal(model.experts.choose(ids), expected)
    assert model.experts.used == "two"
    longer = torch.cat([ids, torch.zeros(1, 3, dtype=torch.long)], dim=1)
    mask = torch.cat([torch.ones_like(ids), torch.zeros(1, 3, dtype=torch.long)], dim=1)
    # sums over padded rows round otherwise
    torch.testing.assert_close(model.experts.choose(longer, mask), expected, atol=1e-5, rtol=0)


def test_what_is_written_is_read_and_the_same_bytes_again(packed, tmp_path):
    _, _, held = packed
    design = {"strategy": "plan act", "threshold": 0.5, "thoughts": 0}
    data = to_bytes(replace(held, settings={"halt_threshold": 0.25}, design=design))
    (tmp_path / FILE).write_bytes(data)
    found = read(tmp_path / FILE)
    assert to_bytes(found) == data
    assert found.names == held.names
    assert found.ranks == held.ranks
    assert found.settings == {"halt_threshold": 0.25}
    assert found.design == design
    assert torch.equal(found.deltas, held.deltas)
    assert torch.equal(found.dispatcher.weight, held.dispatcher.weight)


@pytest.mark.equation("transformer2", "3.3a", oracle="closed form")
def test_a_mixture_is_the_weighted_sum_times_each_layers_strength():
    held = ExpertSet(
        names=("a", "b"), ranks={"x": 2, "y": 1}, deltas=torch.tensor([[1.0, 2.0, 4.0], [2.0, 0.0, 8.0]]),
        mixture=torch.tensor([0.5, 0.25]), strengths=torch.tensor([1.0, 0.5]),
    )  # fmt: skip
    assert held.delta((0.5, 0.25)).tolist() == [1.0, 1.0, 2.0]
    assert held.delta("b").tolist() == [2.0, 0.0, 4.0]
    assert held.delta(None) is None
    with pytest.raises(ValueError, match=r"no expert 'c'; there are a, b"):
        held.delta("c")
    with pytest.raises(ValueError, match="1 weights for 2 experts"):
        held.delta((1.0,))


def test_settings_of_a_design_change_what_the_model_computes(tmp_path):
    model, tokenizer = load_model(FOLDERS["cognate"](tmp_path / "model"))
    held = expert_set(model, tokenizer, mixture=torch.zeros(2), settings={"max_recursion": 1})
    before = logits(model, tokenizer)
    experts = Experts(model, held)
    assert model.config.max_recursion == 1
    one_step = logits(model, tokenizer)
    assert not torch.equal(one_step, before)
    ids = torch.tensor([tokenizer.encode(PROMPT)])
    written = model.generate(ids, max_new_tokens=1, do_sample=False)
    assert int(written[0, -1]) == int(one_step[0, -1].argmax())
    experts.hold(replace(held, settings={"max_recursion": 3}))
    assert torch.equal(logits(model, tokenizer), before)


def test_experts_of_another_model_are_refused(packed, tmp_path):
    plain, _, held = packed
    model, _ = load_model(plain)
    first, *others = held.ranks
    strange = replace(
        held, ranks={"elsewhere": held.ranks[first], **{name: held.ranks[name] for name in others}}
    )
    (tmp_path / FILE).write_bytes(to_bytes(strange))
    with pytest.raises(ValueError, match="no layer 'elsewhere'"):
        attach(model, tmp_path / FILE)
    with pytest.raises(ValueError, match="unknown settings other_setting"):
        Experts(model, replace(held, settings={"other_setting": 1}))


@pytest.mark.parametrize(
    "change", [{"mixture": torch.ones(3)}, {"strengths": torch.ones(1)}, {"names": ("a",)}]
)
def test_shapes_that_do_not_belong_together_are_refused(packed, change):
    with pytest.raises(ValueError, match="altered"):
        replace(packed[2], **change)


def test_a_folder_with_an_altered_file_does_not_load(packed, tmp_path):
    folder = shutil.copytree(packed[1], tmp_path / "altered")
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-20])
    with pytest.raises(DamagedArtifact, match="truncated or altered"):
        load_model(folder)
    save_file({"deltas": load_file(packed[1] / FILE)["deltas"]}, folder / FILE)
    with pytest.raises(DamagedArtifact, match="holds no experts"):
        load_model(folder)


def test_a_layer_that_reads_no_tokens_cannot_dispatch():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, input_ids, **_):
            return self.used(torch.zeros(input_ids.numel(), 2))

    ids = torch.zeros(2, 3, dtype=torch.long)
    for layer in ("used", "unused"):
        with pytest.raises(ValueError, match="name another layer"):
            prompt_features(Flat(), layer, ids, torch.ones_like(ids))


def test_features_are_the_mean_and_the_last_token_without_padding():
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, input_ids, **_):
            return self.layer(input_ids[..., None].float())

    ids, mask = torch.tensor([[2, 4, 9], [1, 2, 6]]), torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert prompt_features(Rows(), "layer", ids, mask).tolist() == [[3.0, 4.0], [3.0, 6.0]]
