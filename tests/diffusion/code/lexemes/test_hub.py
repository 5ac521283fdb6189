"""The tokenizer behind Hugging Face's interface."""

from pathlib import Path

import pytest

from bloomery.diffusion.code.lexemes.hub import HubLexemeTokenizer
from bloomery.diffusion.code.lexemes.tokenizer import FILE, LexemeTokenizer

CODE = "def f(a, b):\n    # über <mask>\n    return a + b  \n"


@pytest.fixture
def hub(tmp_path: Path) -> HubLexemeTokenizer:
    LexemeTokenizer.trained([(CODE.encode() * 5, "python")], 1400).save(tmp_path)
    return HubLexemeTokenizer(str(tmp_path / FILE), language="python")


def test_a_text_comes_back_and_has_the_tokens_of_the_plain_tokenizer(hub: HubLexemeTokenizer):
    ids = hub(CODE)["input_ids"]
    assert ids == hub.lexemes.encode(CODE.encode(), "python")
    assert hub.decode(ids) == CODE
    odd = b"x = '\xff'\r\n".decode("utf-8", "surrogateescape")
    assert hub.decode(hub.encode(odd)) == odd


def test_it_reloads_to_the_same_ids(hub: HubLexemeTokenizer, tmp_path: Path):
    hub.save_pretrained(tmp_path / "saved")
    again = HubLexemeTokenizer.from_pretrained(tmp_path / "saved")
    assert again.encode(CODE) == hub.encode(CODE)
    assert again.language == "python"
    assert len(again) == len(hub) > 500


def test_batches_are_padded_with_its_own_token(hub: HubLexemeTokenizer):
    batch = hub([CODE, "x\n"], padding=True)
    assert len(batch["input_ids"][0]) == len(batch["input_ids"][1])
    assert batch["input_ids"][1][-1] == hub.pad_token_id == 0
    assert hub.mask_token_id == 1
    assert batch["attention_mask"][1][-1] == 0
