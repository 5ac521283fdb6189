"""What is written as GGUF is what transformers reads from it."""

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from bloomery.core.errors import FormatRefused
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.exporting.gguf_file import write_gguf
from bloomery.forge.exporting.gguf_tokenizer import LLAMA3
from bloomery.forge.exporting.plain import load_plain
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.settings import TernaryConfig
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.exporting.reading import model_in, tokenizer_in
from tests.forge.merging.families import tiny_llama
from tests.forge.small_folders import cognate

gguf = pytest.importorskip("gguf", reason="the extra `export` is not installed")

WIDE = {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2}
TEXTS = [
    "the cat sat on the mat",
    "12+34=46",
    "naïve café",
    "  two  spaces\n\tand tabs",
    "北京 🌱",
    "",
    "a1b22c",
]


def qwen2(folder):
    """A random Qwen2, whose queries, keys and values have biases."""
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 264, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
    }  # fmt: skip
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, bos_token_id=1, eos_token_id=2, pad_token_id=0))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    save_model(model, train_tokenizer([], 259), folder)
    return folder


def grouped(folder):
    """Four heads that share two of keys, and a head's width that is not hidden size / heads."""
    return tiny_llama(folder, num_attention_heads=4, num_key_value_heads=2, head_dim=8, rope_theta=5000.0)


FOLDERS = {
    "llama": tiny_llama,
    "tied llama": lambda folder: tiny_llama(folder, tie_word_embeddings=True),
    "grouped llama": grouped,
    "qwen2": qwen2,
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_floats_come_back_to_the_bit_with_the_same_logits(kind, tmp_path):
    model, tokenizer = load_plain(FOLDERS[kind](tmp_path / "model"))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    counts = write_gguf(model, tokenizer, tmp_path / "x.gguf", floats="f32")
    again = model_in(tmp_path / "x.gguf")
    assert counts == {"F32": len(list(model.parameters()))}
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():  # the same operations on the same weights
        assert torch.equal(again(ids).logits, model(ids).logits)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_the_model_is_left_with_the_values_that_are_read(kind, tmp_path):
    model, tokenizer = load_plain(FOLDERS[kind](tmp_path / "model"))
    exact = model.lm_head.weight.clone()
    write_gguf(model, tokenizer, tmp_path / "x.gguf")
    again = model_in(tmp_path / "x.gguf").state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model.lm_head.weight, exact.half().float())
    assert not torch.equal(model.lm_head.weight, exact)


@pytest.fixture(scope="module")
def trits(tmp_path_factory):
    """A packed Llama whose rows are whole blocks, with a scale for each row, and with one a matrix."""
    root = tmp_path_factory.mktemp("trits")
    base = tiny_llama(root / "base", **WIDE)
    for name, per_row in (("row", True), ("matrix", False)):
        quantize_folder(base, root / name, TernaryConfig(per_row=per_row))
    return root


@pytest.mark.parametrize("scales", ["row", "matrix"])
@pytest.mark.parametrize("ternary", ["tq1_0", "tq2_0"])
def test_the_trits_of_a_packed_folder_are_the_trits_of_the_file(trits, tmp_path, scales, ternary):
    packed, _ = load_model(trits / scales)
    model, tokenizer = load_plain(trits / scales)
    counts = write_gguf(model, tokenizer, tmp_path / "x.gguf", ternary=ternary)
    assert counts == {"F16": 2, ternary.upper(): 14, "F32": 5}
    again = model_in(tmp_path / "x.gguf")
    for name, layer in packed.named_modules():
        if type(layer).__name__ == "PackedTernaryLinear" and name != "lm_head":
            scale = layer.scale.half().float()
            assert torch.equal(again.get_submodule(name).weight, layer.trits() * scale[:, None])


def test_weights_that_are_no_trits_are_never_written_as_trits(trits, tmp_path):
    model, tokenizer = load_plain(trits / "base")
    assert set(write_gguf(model, tokenizer, tmp_path / "x.gguf")) == {"F16", "F32"}


def test_embeddings_and_the_head_stay_floats_even_where_they_are_trits(trits, tmp_path):
    """llama.cpp looks rows up in them, or multiplies them, in types that are no trits."""
    model, tokenizer = load_plain(trits / "base")
    for module in (model.lm_head, model.model.embed_tokens, model.model.layers[0].mlp.up_proj):
        module.weight.data = module.weight.data.sign() / 2
    assert write_gguf(model, tokenizer, tmp_path / "x.gguf") == {"F16": 15, "TQ2_0": 1, "F32": 5}


LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
LEARNT = ["the cat sat on the mat, that cat's 12 1234 12345\n\n"] * 9


def split_by(*parts):
    """A tokenizer of merges that were learnt from words, split this way."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(list(parts))
    core.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core.train_from_iterator(LEARNT, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    return PreTrainedTokenizerFast(tokenizer_object=core)


def split_by_regex(regex):
    split = pre_tokenizers.Split(Regex(regex), behavior="isolated")
    return split_by(split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))


TOKENIZERS = {
    "of bytes": lambda: train_tokenizer([], 259),
    "of merges": lambda: train_tokenizer(LEARNT, 320),
    "as GPT-2's": lambda: split_by(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "as Llama 3's": lambda: split_by_regex(LLAMA3),
    "as Qwen2's": lambda: split_by_regex(PRETOKENIZE_REGEX),
}


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_file_s_tokenizer_encodes_as_the_given_one(tmp_path, kind):
    tokenizer = TOKENIZERS[kind]()
    tokenizer.add_tokens(["<word>"])
    model, _ = load_plain(tiny_llama(tmp_path / "model", vocab_size=len(tokenizer) + 5))
    write_gguf(model, tokenizer, tmp_path / "x.gguf")
    again = tokenizer_in(tmp_path / "x.gguf")
    for text in [*TEXTS, *LEARNT]:
        assert again.encode(text) == tokenizer.encode(text), text
        assert again.decode(tokenizer.encode(text), skip_special_tokens=True) == text
    assert again.convert_ids_to_tokens([len(tokenizer)]) == [f"[unused{len(tokenizer)}]"]
    ids = ("bos_token_id", "eos_token_id", "pad_token_id")
    assert [getattr(again, name) for name in ids] == [getattr(tokenizer, name) for name in ids]


def test_each_token_s_kind_is_told(tmp_path):
    tokenizer = train_tokenizer([], 259)
    tokenizer.add_tokens(["<word>"])
    model, _ = load_plain(tiny_llama(tmp_path / "model", vocab_size=261))
    write_gguf(model, tokenizer, tmp_path / "x.gguf")
    kinds = gguf.GGUFReader(tmp_path / "x.gguf").get_field("tokenizer.ggml.token_type").contents()
    types = gguf.TokenType
    expected = [types.CONTROL] * 3 + [types.NORMAL] * 256 + [types.USER_DEFINED, types.UNUSED]
    assert kinds == [int(kind) for kind in expected]


def by_words():
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))


def by_spaces():
    core = Tokenizer(models.BPE({"a": 0}, []))
    core.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel()])
    return PreTrainedTokenizerFast(tokenizer_object=core)


@pytest.mark.parametrize(
    ("make", "said"),
    [(by_words, "the tokenizer is WordLevel"), (by_spaces, "splits text by Whitespace, ByteLevel")],
)
def test_a_tokenizer_that_the_format_cannot_say_is_refused(tmp_path, make, said):
    model, _ = load_plain(tiny_llama(tmp_path / "model"))
    with pytest.raises(FormatRefused, match=said):
        write_gguf(model, make(), tmp_path / "x.gguf")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"mlp_bias": True}, "mlp_bias is True"),
        (
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
            "rope_type is 'linear'",
        ),
    ],
)
def test_a_variant_that_the_format_is_not_written_for_is_refused(tmp_path, changes, said):
    model, tokenizer = load_plain(tiny_llama(tmp_path / "model", **changes))
    with pytest.raises(FormatRefused, match=said):
        write_gguf(model, tokenizer, tmp_path / "x.gguf")
    assert not (tmp_path / "x.gguf").exists()


def test_other_architectures_are_refused_and_pointed_to_onnx(tmp_path):
    model, tokenizer = load_plain(cognate(tmp_path / "model"))
    with pytest.raises(FormatRefused, match=r"llama, qwen2, not for 'cognate'.*onnx"):
        write_gguf(model, tokenizer, tmp_path / "x.gguf")


def test_a_parameter_without_a_place_is_refused(tmp_path):
    model, tokenizer = load_plain(tiny_llama(tmp_path / "model"))
    model.model.layers[0].extra = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(FormatRefused, match=r"no place for model\.layers\.0\.extra"):
        write_gguf(model, tokenizer, tmp_path / "x.gguf")
