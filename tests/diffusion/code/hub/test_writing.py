"""What models of the Hub write: prompts, holes, blocks, programs that parse and refusals."""

from types import SimpleNamespace

import pytest
import torch
import transformers
from torch import nn

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.code.hub.families import FAMILIES
from bloomery.diffusion.code.hub.model import HubModel, attention
from bloomery.diffusion.code.hub.opening import open_model
from bloomery.diffusion.code.hub.writing import Refused, checked, code_of, write_code
from tests.diffusion.code.hub.checkpoints import SMALL, VOCABULARY, WORDS, tokenizer

BY_NAME = {family.name: family for family in FAMILIES}
DREAM = BY_NAME["Dream, Dream-Coder, DiffuCoder"]


class ByPlace(nn.Module):
    """Says at place i the letter i, or, where the family shifts, the letter i + 1; keeps what it saw."""

    def __init__(self, shift):
        super().__init__()
        self.weight, self.shift, self.saw = nn.Parameter(torch.zeros(1)), shift, []

    def forward(self, input_ids, attention_mask):
        self.saw.append(input_ids[0].tolist())
        letters = (torch.arange(input_ids.shape[1]) + self.shift) % 20
        logits = nn.functional.one_hot(letters, VOCABULARY).float() * 9
        return SimpleNamespace(logits=logits.expand(len(input_ids), -1, -1))


@pytest.fixture
def letters(tmp_path):
    tokenizer(tmp_path / "letters")
    return transformers.AutoTokenizer.from_pretrained(tmp_path / "letters")


def model_of(name, letters):
    family = BY_NAME[name]
    return HubModel(family, ByPlace(int(family.shift)), letters, letters.mask_token_id, family.block)


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ["LLaDA", DREAM.name, "SDAR", "Fast-dLLM v2"])
def test_an_answer_has_at_each_place_what_the_net_says_of_it(letters, name):
    said = model_of(name, letters).write("a a a", length=6, steps=3, generator=drawn())
    assert said.split() == WORDS[3:9]


def test_a_hole_is_filled_between_the_texts_and_only_there(letters):
    model = model_of("LLaDA", letters)
    assert model.fill("a a", "a a a", length=4, steps=2, generator=drawn()).split() == WORDS[2:6]
    known = [[tokens[at] for at in (0, 1, 6, 7, 8)] for tokens in model.net.saw]
    assert known == [[0] * 5] * len(known)
    with pytest.raises(UserError, match="fills no hole before a text"):
        model_of("SDAR", letters).fill("a", "b", length=4, steps=2, generator=drawn())


def test_blocks_are_those_of_the_attention_and_end_before_the_next_begins(letters):
    model = model_of("SDAR", letters)
    model.write("a a a a a", length=7, steps=2, generator=drawn())
    masks = [{at // 4 for at, token in enumerate(tokens) if token == model.mask} for tokens in model.net.saw]
    assert masks[0] == {1, 2}
    assert {2} in masks
    last = next(at for at, blocks in enumerate(masks) if 1 not in blocks)
    assert all(2 in blocks for blocks in masks[:last])
    filled = [sum(token == model.mask for token in tokens[8:]) for tokens in model.net.saw[: last + 1]]
    assert set(filled) == {4}, "a later block was touched before the one before it was done"


def test_the_answer_ends_where_the_model_ends_it(letters):
    model = model_of("LLaDA", letters)
    assert model.decode([0, 1, letters.eos_token_id, 2]).split() == ["a", "b"]


def test_prompts_are_put_as_the_chat_was_taught(letters):
    model = model_of("LLaDA", letters)
    assert model.encode_prompt("b c") == [1, 2]
    letters.chat_template = "{% for m in messages %}a {{ m.content }} d{% endfor %}"
    assert model.encode_prompt("b c") == [0, 1, 2, 3]


def test_attention_by_blocks():
    inf = -torch.inf
    assert attention(5, 2)[0, 0, 2].tolist() == [0, 0, 0, 0, inf]
    assert attention(5, 2)[0, 0, 1].tolist() == [0, 0, inf, inf, inf]
    assert attention(3, None).abs().max() == 0


def test_lengths_that_are_none_are_refused(letters):
    with pytest.raises(UserError, match="1 token or more, not 0"):
        model_of("LLaDA", letters).write("a", length=0, steps=2, generator=drawn())


def test_the_program_is_what_stands_between_fences():
    assert code_of("Here:\n```python\nx = 1\n```\nand\n```\ny\n```") == "x = 1\n"
    assert code_of("```go\npackage a\n") == "package a\n"
    assert code_of("x = 1") == "x = 1"


class Saying:
    """Answers in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def write(self, prompt, **_):
        return self.answers.pop(0)


def test_only_what_parses_is_given_and_the_rest_is_told():
    good = "```python\ndef f(x):\n    return x\n```"
    found = write_code(Saying("def f(", "", good), "f", "python", generator=drawn())
    assert found.code == "def f(x):\n    return x\n"
    assert [each.text for each in found.refused] == ["def f(", ""]
    nothing = write_code(Saying("def f(", "def g("), "f", "python", tries=2, generator=drawn())
    assert nothing.code is None
    assert len(nothing.refused) == 2
    assert isinstance(checked("func f() {", "go"), Refused)
    with pytest.raises(UnknownName):
        write_code(Saying(good), "f", "cobol", generator=drawn())


def gemma(folder):
    small = {key: value for key, value in SMALL.items() if key != "initializer_range"}
    text = transformers.DiffusionGemmaTextConfig(
        **small,
        head_dim=8,
        global_head_dim=8,
        num_experts=2,
        top_k_experts=1,
        moe_intermediate_size=8,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
    )
    seeing = transformers.Gemma4VisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, head_dim=8
    )
    config = transformers.DiffusionGemmaConfig(text_config=text, vision_config=seeing, canvas_length=6)
    config.boi_token_id, config.eoi_token_id, config.image_token_id = 29, 30, 31
    torch.manual_seed(0)
    net = transformers.DiffusionGemmaForBlockDiffusion(config)
    net.save_pretrained(folder)
    tokenizer(folder)
    return net, open_model(folder)


def test_diffusion_gemma_knows_its_prompt_and_says_its_canvas(tmp_path):
    net, model = gemma(tmp_path)
    ids = torch.randint(0, 20, (2, 9), generator=drawn())
    said = model.logits(ids)
    assert said.shape == (2, 9, VOCABULARY)
    assert torch.equal(said[:, :3].argmax(-1), ids[:, :3])
    own = net.eval()(input_ids=ids[:, :3], decoder_input_ids=ids[:, 3:]).logits
    torch.testing.assert_close(said[:, 3:], own)
    assert model.mask is None
    with pytest.raises(UserError, match="at least one token before its canvas"):
        model.logits(ids, begin=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of what its sampler imports
def test_diffusion_gemma_writes_by_the_generator_alone(tmp_path):
    _, model = gemma(tmp_path)
    first, again, other = (model.write("a b", length=6, steps=3, generator=drawn(seed)) for seed in (0, 0, 1))
    assert first == again != other
