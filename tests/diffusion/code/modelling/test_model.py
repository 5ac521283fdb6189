"""The code model: its logits, what it is told of places, and folders that are whole, damaged or foreign."""

import json
from pathlib import Path

import pytest
import torch

from bloomery.core.errors import BloomeryError, FormatRefused, MissingFile, UnknownName, UserError
from bloomery.diffusion.code.lexemes.places import places
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.model import MASK_ID, CodeModel
from bloomery.diffusion.processes.sampling import sample

CODE = b"def f(a):\n    if a:\n        return [a]\n    return (a,\n        1)\n\n\nx = f(2)\n"


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained([(CODE * 4, "python")], 1600)


def stirred(model: CodeModel) -> CodeModel:
    """A fresh model answers nothing yet: give every weight something to say."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.net.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


@pytest.fixture
def model(tokenizer: LexemeTokenizer) -> CodeModel:
    return stirred(CodeModel.fresh(tokenizer, "tiny", prompts=["<pad>", "sum", "list"]))


def test_logits_are_those_of_the_net_told_where_the_tokens_stand(
    model: CodeModel, tokenizer: LexemeTokenizer
) -> None:
    row = tokenizer.encode(CODE, "python")
    row[11] = row[23] = MASK_ID
    line, level, scope, _ = torch.from_numpy(places(tokenizer, row)).T[:, None]
    assert line.max() == 8
    assert level.max() == 2
    assert scope.max() == 2
    ids, prompt = torch.tensor([row]), torch.tensor([[1, 2]])
    told = model.net(ids, condition=prompt, lines=line, indents=level, scopes=scope)
    assert torch.equal(model.logits(ids, condition=prompt), told)
    for name in ("lines", "indents", "scopes"):
        given = {"lines": line, "indents": level, "scopes": scope} | {name: torch.zeros_like(line)}
        assert not torch.allclose(model.net(ids, condition=prompt, **given), told)


def test_the_language_of_a_row_without_its_own_can_be_given(model: CodeModel) -> None:
    row = model.tokenizer.encode(b"func f() {\n\ta()\n}\n", "go")[2:]
    ids = torch.tensor([row])
    assert model.signals(ids, "go")["indents"].max() == 1
    assert model.signals(ids)["indents"].max() == 0


def test_a_model_without_places_gives_the_same_logits_with_lines_joined(tokenizer: LexemeTokenizer) -> None:
    plain = stirred(CodeModel.fresh(tokenizer, "tiny", places=False))
    ids = torch.tensor([tokenizer.encode(CODE, "python")])
    assert plain.signals(ids) == {}
    assert torch.equal(plain.logits(ids), plain.net(ids))


def test_a_model_fills_a_canvas_as_samplers_want_it(model: CodeModel) -> None:
    draw = torch.Generator().manual_seed(0)
    x = model.process.prior((2, 12), draw)
    prompt = torch.tensor([[1, 2], [2, 0]])
    filled = sample(model.process, model.denoiser(prompt), x, steps=4, generator=draw)
    assert filled.shape == (2, 12)
    assert not (filled == MASK_ID).any()


def test_a_saved_model_is_loaded_with_the_same_bits(model: CodeModel, tmp_path: Path) -> None:
    model.save(tmp_path / "a")
    again = CodeModel.load(tmp_path / "a")
    assert again.prompts == model.prompts
    assert not again.net.training
    for name, weight in model.net.state_dict().items():
        assert torch.equal(again.net.state_dict()[name], weight)
    ids = torch.tensor([again.tokenizer.encode(CODE, "python")])
    assert again.tokenizer.decode(ids[0].tolist()) == CODE
    assert torch.equal(again.logits(ids), model.logits(ids))


def test_saving_over_a_model_with_prompts_leaves_none_of_them(
    model: CodeModel, tokenizer: LexemeTokenizer, tmp_path: Path
) -> None:
    model.save(tmp_path)
    CodeModel.fresh(tokenizer, "tiny").save(tmp_path)
    assert CodeModel.load(tmp_path).prompts == ()
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors", "lexemes.json"}


def spoil(folder: Path, name: str, how: str) -> None:
    path = folder / name
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "noise":
        path.write_bytes(b"\x00\xff not it" * 10)
    elif how == "[]":
        path.write_text(how)
    else:
        config = json.loads(path.read_text())
        key, value = how.split("=")
        path.write_text(json.dumps(config | {key: json.loads(value)}))


@pytest.mark.parametrize(
    ("name", "how", "kind", "says"),
    [
        ("config.json", "gone", MissingFile, "has no config.json"),
        ("model.safetensors", "gone", MissingFile, "has no model.safetensors"),
        ("lexemes.json", "gone", MissingFile, "has no lexemes.json"),
        ("config.json", "noise", FormatRefused, "no code model that can be read"),
        ("config.json", "[]", FormatRefused, "of a 'list'"),
        ("config.json", 'model_type="llama"', FormatRefused, "of a 'llama'"),
        ("config.json", "vocab_size=77", FormatRefused, "size mismatch"),
        ("config.json", "num_hidden_layers=3", FormatRefused, "blocks.2"),
        ("config.json", "hidden_size=-4", FormatRefused, "no code model that can be read"),
        ("model.safetensors", "cut", FormatRefused, "no code model that can be read"),
        ("model.safetensors", "noise", FormatRefused, "no code model that can be read"),
        ("lexemes.json", "noise", FormatRefused, "no code model that can be read"),
        ("lexemes.json", "cut", FormatRefused, "no vocabulary of lexemes"),
        ("prompts.json", "gone", FormatRefused, "3 words, 0 are given"),
        ("prompts.json", "noise", FormatRefused, "no code model that can be read"),
    ],
)
def test_a_damaged_or_foreign_folder_is_refused(
    model: CodeModel, tmp_path: Path, name: str, how: str, kind: type[BloomeryError], says: str
) -> None:
    model.save(tmp_path)
    spoil(tmp_path, name, how)
    with pytest.raises(kind, match=says):
        CodeModel.load(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(model: CodeModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    LexemeTokenizer.trained([(CODE, "python")], 1500).save(tmp_path)
    with pytest.raises(FormatRefused, match="not of one model"):
        CodeModel.load(tmp_path)


def test_sizes_and_options_that_no_model_has_are_refused(tokenizer: LexemeTokenizer) -> None:
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        CodeModel.fresh(tokenizer, "smal")
    with pytest.raises(UserError, match="heads"):
        CodeModel.fresh(tokenizer, "tiny", num_attention_heads=5)


def test_equal_seeds_give_equal_models(tokenizer: LexemeTokenizer) -> None:
    one, two, other = (
        CodeModel.fresh(tokenizer, "tiny", seed=seed).net.embedding.weight for seed in (3, 3, 4)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
