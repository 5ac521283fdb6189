"""Each family opens, gives logits by places, and says no to what it is not."""

import json
import types

import huggingface_hub
import numpy as np
import pytest
import torch
import transformers

from bloomery.core.errors import FormatRefused, MissingFile, UnknownName, UserError
from bloomery.diffusion.code.hub import opening
from bloomery.diffusion.code.hub.families import FAMILIES
from bloomery.diffusion.code.hub.opening import open_model
from bloomery.diffusion.code.hub.settings import mask_of
from tests.diffusion.code.hub.checkpoints import (
    SMALL,
    llada,
    native,
    qwen_tokenizer,
    remote,
    tokenizer,
    told,
    weights,
)
from tests.diffusion.code.hub.reference import forward

IDS = torch.tensor([[3, 1, 22, 1, 5, 9, 2, 6], [0, 1, 2, 3, 4, 22, 22, 7]])
LENGTH = IDS.shape[1]
SHAPE = {"heads": 2, "eps": 1e-6}


def dream(folder):
    mask = qwen_tokenizer(folder)
    return native(
        folder, "Qwen2ForCausalLM", model_type="Dream", architectures=["DreamModel"], mask_token_id=mask
    )


def fast(folder):
    mask = tokenizer(folder, "|<MASK>|", named=False)
    said = {"model_type": "Fast_dLLM_Qwen", "architectures": ["Fast_dLLM_QwenForCausalLM"], "bd_size": 3}
    return native(folder, "Qwen2ForCausalLM", mask_id=mask, **said)


def sdar(folder):
    tokenizer(folder, "<|MASK|>")
    return native(folder, "Qwen3ForCausalLM", model_type="sdar", architectures=["SDARForCausalLM"])


def a2d(folder):
    tokenizer(folder)
    return native(folder, "Qwen3ForCausalLM", model_type="a2d-qwen3", architectures=["A2DQwen3LMHeadModel"])


def stable(folder):
    tokenizer(folder)
    return native(folder, "LlamaForCausalLM", architectures=["StableDiffcoderForCausalLM"])


def seen_by(block):
    place = np.arange(LENGTH) // block
    return place[:, None] >= place[None, :]


@pytest.mark.parametrize(
    ("build", "family", "shift", "block"),
    [
        (dream, "Dream, Dream-Coder, DiffuCoder", True, LENGTH),
        (a2d, "a2d", False, LENGTH),
        (fast, "Fast-dLLM v2", True, 3),
        (sdar, "SDAR", False, 4),
        (stable, "Stable-DiffCoder", False, 4),
    ],
)
def test_logits_are_those_of_the_equations_at_the_places_they_speak_of(tmp_path, build, family, shift, block):
    """A wrong mask, name, shift, position or block would differ far above float32's rounding."""
    folder = build(tmp_path / "model")
    model = open_model(folder)
    said = model.logits(IDS).double().numpy()
    theta, groups = 10000.0, 1
    for row, ids in enumerate(IDS.numpy()):
        expected = forward(weights(folder), ids, seen_by(block), groups=groups, theta=theta, **SHAPE)
        if shift:
            expected = np.concatenate([expected[:1], expected[:-1]])
        np.testing.assert_allclose(said[row], expected, atol=2e-4, rtol=2e-4)
    assert model.family.name == family
    assert model.mask == model.tokenizer.convert_tokens_to_ids(model.tokenizer.decode([model.mask]))


def test_llada_is_llama_under_other_names(tmp_path):
    folder = llada(tmp_path / "model")
    mask = tokenizer(folder, "<|mdm_mask|>", named=False)
    model = open_model(folder)
    names = {
        "wte": "embed_tokens",
        "ln_f": "norm",
        "attn_norm": "input_layernorm",
        "ff_norm": "post_attention_layernorm",
        "q_proj": "self_attn.q_proj",
        "k_proj": "self_attn.k_proj",
        "v_proj": "self_attn.v_proj",
        "attn_out": "self_attn.o_proj",
        "ff_proj": "mlp.gate_proj",
        "up_proj": "mlp.up_proj",
    }
    own = {}
    for name, value in weights(folder).items():
        *before, last, _ = name.removeprefix("model.transformer.").split(".")
        inner = ".".join(before).replace("blocks", "layers")
        new = names.get(last) or ("mlp.down_proj" if before else "lm_head")
        own[f"{inner}.{new}.weight".lstrip(".")] = value
    expected = forward(own, IDS[0].numpy(), seen_by(LENGTH), heads=2, groups=2, eps=1e-5, theta=500000.0)
    np.testing.assert_allclose(model.logits(IDS)[0].double().numpy(), expected, atol=2e-4, rtol=2e-4)
    assert model.mask == mask


def test_where_a_net_says_the_next_token_the_answer_is_moved_to_its_place(tmp_path):
    """The net of this checkpoint says after each token its successor; so the token at each place is said."""
    folder = dream(tmp_path / "model")
    with torch.no_grad():
        net = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SMALL | {"hidden_size": 32}))
        for layer in net.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        net.model.embed_tokens.weight.copy_(torch.eye(32))
        net.lm_head.weight.copy_(torch.eye(32).roll(1, 0))
    settings = json.loads((folder / "config.json").read_text())
    net.save_pretrained(folder)
    told(folder, **{key: settings[key] for key in ("model_type", "architectures", "mask_token_id")})
    counting = torch.arange(10)[None]
    assert open_model(folder).logits(counting).argmax(-1)[0, 1:].tolist() == list(range(1, 10))


def test_later_blocks_change_nothing_before_them(tmp_path):
    model = open_model(sdar(tmp_path / "model"))
    other = IDS.clone()
    other[:, 6] = 11
    before, after = model.logits(IDS), model.logits(other)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])  # the same block: seen from the left, too


def test_by_name_the_mask_token_and_the_family_of_a_shared_type(tmp_path):
    """qwen2 is no diffusion model by itself; open-dcoder is one by its name, or where a person says so."""
    folder = native(tmp_path / "open-dcoder-0.5B", "Qwen2ForCausalLM")
    mask = tokenizer(folder, "[MASK]")
    assert open_model(folder).family.shift
    renamed = folder.rename(tmp_path / "mine")
    with pytest.raises(UserError, match=r"mine is of no family .*qwen2.*known: DreamOn; Dream"):
        open_model(renamed)
    assert open_model(renamed, family="open-dcoder").mask == mask
    with pytest.raises(UnknownName, match="did you mean 'open-dcoder'"):
        open_model(renamed, family="open-coder")
    with pytest.raises(FormatRefused, match=r"model_type 'qwen2', expected sdar"):
        open_model(renamed, family="SDAR")


def test_tokens_that_ask_for_a_longer_canvas_are_never_written(tmp_path):
    folder = dream(tmp_path / "DreamOn-v0-7B")
    qwen_tokenizer(folder, "<|expand|>")
    model = open_model(folder)
    assert model.family.name == "DreamOn"
    assert model.barred == [model.tokenizer.convert_tokens_to_ids("<|expand|>")]
    assert torch.isinf(model._barred_logits(IDS)[..., model.barred]).all()


def test_masks_that_disagree_are_refused(tmp_path):
    folder = told(dream(tmp_path / "model"), mask_token_id=7)
    with pytest.raises(FormatRefused, match=r"two masks: config.json says 7, the tokenizer says 2\d"):
        open_model(folder)
    none = told(sdar(tmp_path / "other"), model_type="a2d-qwen3", architectures=["A2DQwen3LMHeadModel"])
    tokenizer(none, "nothing", named=False)
    with pytest.raises(FormatRefused, match="tells no mask"):
        open_model(none)
    far = told(native(tmp_path / "far", "Qwen3ForCausalLM"), model_type="sdar", mask_token_id=151669)
    tokenizer(far, "nothing", named=False)
    with pytest.raises(FormatRefused, match="its mask is token 151669, its net has 32"):
        open_model(far)


def test_a_mask_of_0_is_told_and_the_published_one_is_taken_where_none_is():
    """Nets whose vocabulary was cut tell another mask than the published one: theirs is taken."""
    bare = types.SimpleNamespace(get_vocab=dict)
    family = next(each for each in FAMILIES if each.name == "LLaDA")
    for settings, mask in (({"mask_token_id": 0}, 0), ({"mask_token_id": 7}, 7), ({}, 126336)):
        assert mask_of(family, settings, bare, "model") == mask
    for wrong in ("x", -1, True, 2.5, [3]):
        with pytest.raises(FormatRefused, match=r"a whole number from 0 on, not"):
            mask_of(family, {"mask_token_id": wrong}, bare, "model")


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null"])
def test_a_configuration_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FormatRefused, match=r"its config.json holds a \w+, not a configuration"):
        open_model(tmp_path)


def test_values_of_other_types_in_a_configuration_are_refused(tmp_path):
    folder = dream(tmp_path / "model")
    with pytest.raises(FormatRefused, match=r"its config.json makes no Qwen2Config: .*hidden_size"):
        open_model(told(folder, hidden_size="x"))
    with pytest.raises(FormatRefused, match=r"`architectures` in its config.json are a list of names"):
        open_model(told(folder, architectures=3))


def test_what_is_nowhere_is_told_without_asking_again(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match=r"lacks a file of a model .*no config\.json"):
        open_model(tmp_path / "empty")
    asked = []

    def unreached(self, name, timeout=None):
        asked.append((name, timeout))
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreached)
    monkeypatch.setattr(opening, "cached_file", None)  # which would ask for half a minute
    with pytest.raises(MissingFile, match=r"nosuch is no folder here .*\(no route\)"):
        open_model("nosuch")
    assert asked == [("nosuch", 10)]


REMOTE = {
    "LLaDA-MoE": ("lladamoe", "AutoModel", "attention_mask=None"),
    "LLaDA2": ("llada2_moe", "AutoModelForCausalLM", "attention_mask"),
    "MDLM": ("mdlm", "AutoModelForMaskedLM", "timesteps"),
    "BD3LM": ("bd3lm", "AutoModelForMaskedLM", "timesteps, sample_mode"),
}


@pytest.mark.parametrize("family", REMOTE)
def test_code_of_a_repository_runs_only_where_the_user_says_so(tmp_path, family):
    kind, auto, takes = REMOTE[family]
    folder = remote(tmp_path / "model", kind, auto, takes)
    mask = tokenizer(folder)
    with pytest.raises(UserError, match=r"code in that repository.*--trust-remote-code"):
        open_model(folder)
    assert not (tmp_path / "ran").exists()
    model = open_model(folder, trust_remote_code=True)
    assert (tmp_path / "ran").exists()
    assert (model.family.name, model.mask) == (family, mask)
    table = weights(folder)["embedding.weight"]
    assert torch.equal(model.logits(IDS), table[IDS])


def test_llada2_is_told_that_later_blocks_are_not_seen(tmp_path):
    """Its own code asks for a mask of four dimensions, which is added: the last column's is given back."""
    gives = "attention_mask[:, 0].exp().sum(-1, keepdim=True).expand_as(x)"
    folder = remote(tmp_path / "model", "llada2_moe", "AutoModel", "attention_mask", gives)
    tokenizer(folder)
    said = open_model(folder, trust_remote_code=True).logits(torch.zeros(2, 70, dtype=torch.long))
    assert said[1, :, 0].tolist() == [32.0] * 32 + [64.0] * 32 + [70.0] * 6


def test_what_is_not_opened_says_why(tmp_path):
    for kind, why in (("sedd", "not logits"), ("udlm", "masks are filled")):
        folder = remote(tmp_path / kind, kind, "AutoModel", "t=None")
        with pytest.raises(UserError, match=why):
            open_model(folder, trust_remote_code=True)
    with pytest.raises(MissingFile, match=r"nobody/nothing is no folder.*nothing was downloaded"):
        open_model("nobody/nothing")
    with pytest.raises(MissingFile, match="no folder here"):
        open_model(tmp_path / "not there")


def test_damaged_and_foreign_weights_are_refused(tmp_path):
    folder = a2d(tmp_path / "model")
    with pytest.raises(FormatRefused, match=r"3 of its weights|of its weights are not those of Qwen2"):
        open_model(told(folder, model_type="a2d-qwen2"))
    told(folder, model_type="a2d-qwen3")
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(FormatRefused, match="cannot be read as a model"):
        open_model(folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(MissingFile, match=r"read from \*\.safetensors"):
        open_model(folder)
    odd = llada(tmp_path / "odd", include_bias=True)
    tokenizer(odd, "<|mdm_mask|>")
    with pytest.raises(FormatRefused, match=r"include_bias is True; only LLaDA nets with False"):
        open_model(odd)


def test_every_family_is_found_by_a_name_of_its_own():
    names = ["Dream-org/DreamOn-v0-7B", "apple/DiffuCoder-7B-cpGRPO", "GSAI-ML/iLLaDA-8B-Base"]
    names += ["GSAI-ML/LLaDA-8B-Instruct", "inclusionAI/LLaDA-MoE-7B-A1B-Base", "inclusionAI/LLaDA2.1-mini"]
    names += ["ByteDance-Seed/Stable-DiffCoder-8B-Instruct", "fredzzp/open-dcoder-0.5B"]
    names += ["dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-bd3lm-v0.1"]
    names += ["dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1", "Efficient-Large-Model/Fast_dLLM_v2_7B"]
    names += ["JetLM/SDAR-1.7B-Chat", "kuleshov-group/mdlm-owt", "kuleshov-group/bd3lm-owt-block_size4"]
    names += ["google/diffusiongemma-26B-A4B-it", "louaaron/sedd-small", "kuleshov-group/udlm-lm1b"]
    found = [[family.name for family in FAMILIES if family.has(name)] for name in names]
    assert all(len(each) == 1 for each in found), dict(zip(names, found, strict=True))
    assert len({each[0] for each in found}) == len(FAMILIES)
    assert [family.name for family in FAMILIES if family.has("Dream-org/Dream-Coder-v0-Base-7B")] == [
        found[1][0]
    ]
