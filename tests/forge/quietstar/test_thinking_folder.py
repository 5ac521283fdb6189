"""A thinking model's folder: the model, its tokenizer, and the mixing head beside them."""

import pytest

from bloomery.core.errors import DamagedArtifact, MissingFile
from bloomery.forge.quietstar.thinking_folder import MIXING, load_thinking, save_thinking
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.models.thinking.thinking_model import ThinkingModel
from tests.forge.quietstar.thinkers import reinforced, thinking_pair
from tests.forge.test_fitting import context, digest


def test_a_thinking_model_comes_back_from_its_folder_bit_for_bit(tmp_path):
    thinking, tokenizer = reinforced(context(tmp_path))
    save_thinking(thinking, tokenizer, tmp_path / "model")
    again, words = load_thinking(tmp_path / "model")
    assert digest(again) == digest(thinking)
    assert (again.start, again.end) == thought_ids(words) == thought_ids(tokenizer)
    save_thinking(again, words, tmp_path / "twice")
    for path in (tmp_path / "model").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_folder_without_its_mixing_head_or_with_half_of_it_is_refused(tmp_path):
    model, tokenizer = thinking_pair()
    start, end = thought_ids(tokenizer)
    save_thinking(ThinkingModel(model, start=start, end=end), tokenizer, tmp_path / "model")
    path = tmp_path / "model" / MIXING
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(DamagedArtifact, match="truncated"):
        load_thinking(tmp_path / "model")
    path.unlink()
    with pytest.raises(MissingFile, match="no thinking model"):
        load_thinking(tmp_path / "model")
