"""Both ways of reading thoughts are the model's own reading of each line by itself."""

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, MistralConfig, MistralForCausalLM

from bloomery.models.thinking.layout import blocks_of
from bloomery.models.thinking.reading import read_by_mask, read_by_rows, takes_mask
from tests.models.thinking.small import END, SIZES, START, WORDS, cognate, llama, spread
from tests.models.thinking.test_layout import THOUGHTS

WAYS = pytest.mark.parametrize(
    ("make", "read"), [(llama, read_by_mask), (llama, read_by_rows), (cognate, read_by_rows)]
)
ROUNDING = {"rtol": 0, "atol": 1e-9}  # float64 with logits of some tens, sums in another order


@pytest.fixture
def blocks(texts, spots):
    return blocks_of(THOUGHTS, texts, spots, start=START, end=END, ahead=4)


def alone(model, texts, spots, blocks, row):
    """Logits of one block, from a pass over its line and nothing else."""
    before = texts.ids[spots.text[row], : spots.place[row] + 1]
    block = blocks.ids[row, : blocks.lengths[row]]
    with torch.no_grad():
        return model(input_ids=torch.cat([before, block])[None]).logits[0, len(before) :]


def unchanged(make, before, after):
    """To the bit; where tokens halt, other lines' halting sizes the matrix products, and rounding differs."""
    torch.testing.assert_close(before, after, rtol=0, atol=0 if make is llama else 1e-12)


def lines(reading, blocks):
    return [reading.logits[row, : blocks.lengths[row]] for row in range(len(blocks.ids))]


@WAYS
def test_a_block_is_read_as_its_line_alone_is(make, read, texts, spots, blocks):
    model = make()
    reading = read(model, texts, spots, blocks)
    for row, line in enumerate(lines(reading, blocks)):
        torch.testing.assert_close(line, alone(model, texts, spots, blocks, row), **ROUNDING)


@torch.no_grad()
@WAYS
def test_the_text_itself_is_read_as_without_thoughts(make, read, texts, spots, blocks):
    model = make()
    reading = read(model, texts, spots, blocks)
    plain = model(input_ids=texts.ids, attention_mask=texts.mask, output_hidden_states=True)
    here = texts.mask.bool()
    torch.testing.assert_close(reading.base_logits[here], plain.logits[here], **ROUNDING)
    torch.testing.assert_close(reading.base_hidden[here], plain.hidden_states[-1][here], **ROUNDING)


@torch.no_grad()
def test_the_two_ways_agree_in_logits_and_hidden_states(texts, spots, blocks):
    model = llama()
    mask, rows = read_by_mask(model, texts, spots, blocks), read_by_rows(model, texts, spots, blocks)
    for one, other in zip(lines(mask, blocks), lines(rows, blocks), strict=True):
        torch.testing.assert_close(one, other, **ROUNDING)
    inside = torch.arange(blocks.ids.shape[1]) < blocks.lengths[:, None]
    torch.testing.assert_close(mask.hidden[inside], rows.hidden[inside], **ROUNDING)


@torch.no_grad()
@WAYS
def test_a_later_token_changes_no_earlier_logit(make, read, texts, spots):
    """Text token 4 changes: blocks after tokens up to 3 stay to the bit, with one true token behind them."""
    model = make()
    one = blocks_of(THOUGHTS, texts, spots, start=START, end=END, ahead=1)
    changed = texts._replace(ids=texts.ids.clone())
    changed.ids[:, 4] = texts.ids[:, 4] % 17 + 1
    before, after = read(model, texts, spots, one), read(model, changed, spots, one)
    early = spots.place < 4
    unchanged(make, before.logits[early], after.logits[early])
    unchanged(make, before.base_logits[:, :4], after.base_logits[:, :4])
    late = ~early & (one.lengths > 0)
    assert ((before.logits - after.logits)[late].abs().amax((1, 2)) > 1e-3).all()


@torch.no_grad()
@WAYS
def test_a_thought_changes_no_other_thought_and_not_the_text(make, read, texts, spots, blocks):
    model = make()
    ids = blocks.ids.clone()
    ids[1, 1] = 11  # of the second of two thoughts at one place
    before, after = read(model, texts, spots, blocks), read(model, texts, spots, blocks._replace(ids=ids))
    others = torch.arange(6) != 1
    unchanged(make, before.logits[others], after.logits[others])
    unchanged(make, before.base_logits, after.base_logits)
    unchanged(make, before.logits[1, 0], after.logits[1, 0])
    assert (before.logits[1, 1] - after.logits[1, 1]).abs().max() > 1e-3


@torch.no_grad()
@WAYS
def test_within_a_thought_a_later_token_changes_no_earlier_logit(make, read, texts, spots, blocks):
    model = make()
    ids = blocks.ids.clone()
    ids[:, 2] = 12
    before, after = read(model, texts, spots, blocks), read(model, texts, spots, blocks._replace(ids=ids))
    unchanged(make, before.logits[:, :2], after.logits[:, :2])


def mistral(window):
    config = MistralConfig(vocab_size=WORDS, num_key_value_heads=1, **SIZES, sliding_window=window)
    return spread(MistralForCausalLM(config))


def deaf():
    """Takes a mask and reads on without it."""
    model = llama()
    own = model.forward

    def forward(input_ids=None, attention_mask=None, position_ids=None, **given):
        return own(input_ids=input_ids, **given)

    model.forward = forward
    return model


def test_a_model_is_read_by_mask_only_where_that_agrees_with_rows():
    torch.manual_seed(0)
    neox = GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=WORDS, **SIZES))
    assert takes_mask(llama())
    assert takes_mask(spread(neox))
    assert takes_mask(mistral(None))
    assert not takes_mask(mistral(64))  # wider than what it is tried on
    assert not takes_mask(cognate())
    assert not takes_mask(deaf())
