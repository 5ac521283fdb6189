import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.core.errors import FormatRefused
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.quietstar.tokens import END, NOISE, START, add_thought_tokens, thought_ids
from bloomery.tasks.tokenizer import encode, train_tokenizer
from tests.forge.small_folders import FOLDERS

PROMPTS = ["3+5=", "a longer prompt than the first, and then some", "x"]


@pytest.fixture(params=FOLDERS)
def folder(request, tmp_path):
    return FOLDERS[request.param](tmp_path / "given")


def logits(model, tokenizer, prompt, copies=1):
    with torch.inference_mode():
        ids = torch.tensor([tokenizer.encode(prompt)] * copies)
        return model.eval()(input_ids=ids, use_cache=False).logits


def tables(model):
    """The embedding, and the head where it has weights of its own."""
    head = model.get_output_embeddings()
    return [model.get_input_embeddings().weight, *([] if head is None else [head.weight])]


def test_known_tokens_keep_their_logits_to_the_bit(folder):
    """But for the 3 of 259 columns that fill no vector of 8: there a matrix product of another width may add
    in another order, which moves sums of terms about 1 by a few units in the last place."""
    before, tokenizer = load_model(folder)
    after, more = load_model(folder)
    add_thought_tokens(after, more, seed=1)
    for prompt in PROMPTS:
        for copies in (1, 5):
            old, new = logits(before, tokenizer, prompt, copies), logits(after, more, prompt, copies)
            assert new.shape[-1] == old.shape[-1] + 2 == 261
            assert torch.equal(new[..., :256], old[..., :256])
            assert torch.allclose(new[..., 256:259], old[..., 256:259], rtol=0, atol=2e-6)


def test_known_tokens_keep_their_rows_to_the_bit(folder):
    before, _ = load_model(folder)
    after, more = load_model(folder)
    add_thought_tokens(after, more, seed=1)
    for old, new in zip(tables(before), tables(after), strict=True):
        assert torch.equal(new[:-2], old)


def test_no_thought_is_begun_or_ended_before_any_was_taught(folder):
    model, tokenizer = load_model(folder)
    add_thought_tokens(model, tokenizer, seed=1)
    for prompt in PROMPTS:
        likeliest = logits(model, tokenizer, prompt).argmax(-1)
        assert not set(likeliest.flatten().tolist()) & set(thought_ids(tokenizer))


def test_the_rows_begin_at_the_mean_of_the_others_but_for_a_little_noise(folder):
    """The noise is normal, so that its mean square over some dozens of numbers is near its variance."""
    model, tokenizer = load_model(folder)
    with torch.no_grad():
        for table in tables(model):
            table += 3.0  # random weights have no mean to speak of
    add_thought_tokens(model, tokenizer, seed=1)
    for table in tables(model):
        known, begun = table[:-2].double(), table[-2:].double()
        noise = (begun - known.mean(0)) / known.std()
        assert not torch.equal(begun[0], begun[1])
        assert NOISE / 1.6 < noise.square().mean().sqrt() < NOISE * 1.6


def test_equal_seeds_begin_alike_and_others_do_not(folder):
    rows = []
    for seed in (4, 4, 5):
        torch.manual_seed(len(rows))  # which is not what decides
        model, tokenizer = load_model(folder)
        add_thought_tokens(model, tokenizer, seed=seed)
        rows.append(tables(model)[0][-2:].clone())
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


def test_a_folder_keeps_the_tokens_and_their_names_in_a_text_are_text(folder, tmp_path):
    model, tokenizer = load_model(folder)
    add_thought_tokens(model, tokenizer, seed=1)
    save_model(model, tokenizer, tmp_path / "ready")
    again, same = load_model(tmp_path / "ready")
    assert thought_ids(same) == thought_ids(tokenizer) == (len(tokenizer) - 2, len(tokenizer) - 1)
    assert torch.equal(tables(again)[0], tables(model)[0])
    text = f"a{START}b{END}c"
    assert not set(encode(same, text)) & set(thought_ids(same))
    assert same.decode(encode(same, text)) == text


def test_a_second_time_changes_nothing(folder):
    model, tokenizer = load_model(folder)
    add_thought_tokens(model, tokenizer, seed=1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    add_thought_tokens(model, tokenizer, seed=2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert len(tokenizer) == model.config.vocab_size


def test_spare_rows_of_a_padded_vocabulary_are_used_before_new_ones():
    tokenizer = train_tokenizer([])
    config = LlamaConfig(
        vocab_size=264, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    model = LlamaForCausalLM(config)
    before = model.model.embed_tokens.weight.clone()
    add_thought_tokens(model, tokenizer, seed=1)
    after = model.model.embed_tokens.weight
    changed = (after != before).any(1).nonzero().flatten().tolist()
    assert (model.config.vocab_size, changed) == (264, list(thought_ids(tokenizer))) == (264, [259, 260])


def test_a_tokenizer_without_the_tokens_is_refused():
    with pytest.raises(FormatRefused, match=r"add_thought_tokens"):
        thought_ids(train_tokenizer([]))
