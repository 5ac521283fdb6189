import pytest
import torch

from bloomery.core.errors import ConfigError
from bloomery.tasks.generation import write, written_accuracy
from bloomery.tasks.task import Example

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
