import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.tasks.tokenizer import check_vocabulary, encode, train_tokenizer

from .conftest import tiny_llama

TEXTS = [f"the smith heats iron bar {i % 7} and hammers it until bar {i % 5} rings\n" for i in range(60)]
EVERY_CHARACTER_BELOW_800 = "".join(map(chr, range(0x800)))
TRICKY = [
    EVERY_CHARACTER_BELOW_800,
    "  leading, trailing  \t\r\n\n",
    "déjà vu, 混ぜる, 👩‍👩‍👧‍👦🏴‍☠️, \u202e, \ufeff, \x00",
    "<|eos|> is text, so is <|bos|>",
    "1234567890 .,!? n't 's",
    "",
]


@pytest.fixture(scope="module")
def trained():
    return train_tokenizer(TEXTS, 290)


@pytest.mark.parametrize("text", TRICKY, ids=["characters", "spaces", "emoji", "specials", "digits", "empty"])
def test_every_text_comes_back_as_it_went_in(trained, text):
    ids = trained(text)["input_ids"]
    assert ids[0] == trained.bos_token_id
    assert not {trained.bos_token_id, trained.eos_token_id, trained.pad_token_id} & set(ids[1:])
    assert trained.decode(ids, skip_special_tokens=True) == text
    assert trained.decode(encode(trained, text)) == text


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_comes_back_as_it_went_in(text):
    tokenizer = train_tokenizer([])
    assert tokenizer.decode(encode(tokenizer, text)) == text


def test_every_byte_has_a_token_of_its_own(tokenizer):
    assert len(tokenizer) == 259
    assert [len(encode(tokenizer, "é")), len(encode(tokenizer, "👍"))] == [2, 4]


def test_the_order_of_the_texts_does_not_matter(trained):
    shuffled = TEXTS[:]
    random.Random(4).shuffle(shuffled)
    again = train_tokenizer(shuffled, 290)
    assert again.backend_tokenizer.to_str() == trained.backend_tokenizer.to_str()


def test_merges_make_texts_like_the_training_texts_shorter(trained, tokenizer):
    text = "the smith heats iron bar 3"
    assert len(encode(trained, text)) < 0.5 * len(encode(tokenizer, text))
    assert len(trained) == 290


def test_digits_stay_single_however_often_a_number_occurs():
    trained = train_tokenizer(["1234 bars of iron"] * 50, 280)
    assert len(encode(trained, "1234")) == 4
    assert len(encode(trained, " iron")) == 1


def test_a_saved_tokenizer_is_loaded_by_auto_tokenizer(trained, tmp_path):
    trained.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for text in TRICKY:
        assert again(text)["input_ids"] == trained(text)["input_ids"]
        assert again.decode(again(text)["input_ids"], skip_special_tokens=True) == text
    assert (again.pad_token_id, again.bos_token_id, again.eos_token_id) == (0, 1, 2)


def test_a_vocabulary_without_room_for_the_bytes_is_refused():
    with pytest.raises(ConfigError, match="need 259"):
        train_tokenizer(TEXTS, 258)


def test_a_model_with_a_smaller_vocabulary_is_refused(trained):
    with pytest.raises(FormatRefused, match="290 tokens and the model 259"):
        check_vocabulary(tiny_llama(259), trained)


def test_a_model_with_other_special_tokens_is_refused(tokenizer):
    with pytest.raises(FormatRefused, match="eos_token_id is 2 in the tokenizer and 7 in the model"):
        check_vocabulary(tiny_llama(eos_token_id=7), tokenizer)


def test_a_model_with_a_padded_vocabulary_is_accepted(tokenizer):
    model = tiny_llama(320)
    check_vocabulary(model, tokenizer)
    assert model.config.vocab_size > len(tokenizer)
