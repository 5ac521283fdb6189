import pytest
import torch
from transformers import AutoModelForCausalLM

from bloomery.core.errors import ConfigError
from bloomery.tasks.generation import continued, write, written_accuracy
from bloomery.tasks.task import Example

from .conftest import tiny_llama

PROMPTS = ["iron", "a longer prompt than the first", "x", "1+1="]


def test_a_batch_writes_what_each_prompt_alone_would(tokenizer, llama):
    alone = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        ids = llama.generate(**inputs, do_sample=False, max_new_tokens=6)[0, inputs["input_ids"].shape[1] :]
        alone.append(tokenizer.decode(ids, skip_special_tokens=True))
    for size in (1, 3):
        assert write(llama, tokenizer, PROMPTS, max_new_tokens=6, batch_size=size) == alone


def test_nothing_is_written_after_the_end(tokenizer, llama, monkeypatch):
    def generate(input_ids, **options):
        added = torch.tensor([[98, 99, 2, 0], [98, 2, 0, 0], [98, 99, 100, 101]])
        return torch.cat([input_ids, added], dim=1)

    monkeypatch.setattr(llama, "generate", generate)
    written = write(llama, tokenizer, PROMPTS[:3], max_new_tokens=4)
    assert written == [tokenizer.decode(ids) for ids in ([98, 99], [98], [98, 99, 100, 101])]


def test_written_answers_are_scored_one_by_one(tokenizer, llama):
    examples = [Example(prompt, "", 0) for prompt in PROMPTS]
    written = write(llama, tokenizer, PROMPTS, max_new_tokens=3)
    liked = {example.prompt: text for example, text in zip(examples, written, strict=True)}

    def score(example, text):
        assert text == liked[example.prompt]
        return {"iron": 1.0, "x": 0.5}.get(example.prompt, 0.0)

    options = {"score": score, "chance": 0.1, "max_new_tokens": 3}
    measured = written_accuracy(llama, tokenizer, examples, benchmark="words v1", batch_size=2, **options)
    assert (measured.correct, measured.total, measured.chance) == (1, 4, pytest.approx(0.1))
    assert str(measured).startswith("words v1: 0.250 [")
    with pytest.raises(ConfigError, match="no examples"):
        written_accuracy(llama, tokenizer, [], benchmark="", **options)


HABITS = {
    "repetition_penalty": 3.0, "no_repeat_ngram_size": 1, "num_beams": 3, "suppress_tokens": [33],
    "min_new_tokens": 6, "do_sample": True, "temperature": 3.0, "top_k": 2, "min_p": 0.9, "typical_p": 0.2,
}  # fmt: skip


@pytest.fixture
def repeating():
    """Input and output embeddings are one matrix: what was read is likeliest to be written."""
    return tiny_llama(tie_word_embeddings=True).eval()


@pytest.fixture
def with_habits(repeating, tmp_path):
    """The same weights from a folder whose generation config asks for much."""
    repeating.save_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for name, value in HABITS.items():
        setattr(model.generation_config, name, value)
    return model


@pytest.mark.parametrize("temperature", [None, 0.7])
def test_a_folder_that_asks_for_penalties_writes_what_it_would_without(repeating, with_habits, temperature):
    """Plain `generate` heeds them: there is something to leave out."""
    ids = [[3, 40, 41], [3, 40, 41, 42, 43]]

    def texts(model):
        torch.manual_seed(5)
        return continued(model, ids, 8, pad=0, ends=[2], temperature=temperature)

    assert texts(with_habits) == texts(repeating)
    asked, same = torch.tensor(ids[:1]), {"do_sample": False, "num_beams": 1, "max_new_tokens": 8}
    assert with_habits.generate(asked, **same).tolist() != repeating.generate(asked, **same).tolist()
    assert with_habits.generation_config.repetition_penalty == HABITS["repetition_penalty"]


def test_what_a_caller_asks_for_counts(tokenizer, repeating):
    plain = write(repeating, tokenizer, PROMPTS, max_new_tokens=6)
    assert write(repeating, tokenizer, PROMPTS, max_new_tokens=6, repetition_penalty=9.0) != plain
