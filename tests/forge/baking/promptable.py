"""A tiny model that follows a prompt: lower-case answers by itself, upper-case ones under "U:"."""

import random
from copy import deepcopy
from functools import cache

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.core.step import StepContext
from bloomery.forge.baking.bake import Queries
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.settings import FitConfig
from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import train_tokenizer
from bloomery.training.schedules import ScheduleConfig

LOUD, IDLE = "U:", "V:"  # the second one changes nothing
LETTERS, DIGITS = "abcdefghijkl", "0123456789"
TOKENIZER = train_tokenizer([])
ROWS = 3000


def asked(prompt: str, letter: str, digit: str) -> Example:
    """`k7=` is answered by the letter; the prompt tells its case."""
    return Example(f"{prompt}{letter}{digit}=", letter.upper() if prompt == LOUD else letter, 1)


def control(prompt: str, letter: str, digit: str) -> Example:
    """`#k7=` is answered by the digit, whatever the prompt."""
    return Example(f"{prompt}#{letter}{digit}=", digit, 1)


def queries(side: str, kind=asked, count: int = 60) -> list[str]:
    """In an order of their own, so that the first ones hold letters and digits of all kinds."""
    found = [kind("", letter, digit).prompt for digit in DIGITS for letter in LETTERS]
    random.Random(0).shuffle(found)
    return [one for one in found if side_of(one) == side][:count]


def drawn(generator: torch.Generator) -> Example:
    """A prompt or none, up to two turns answered before, and a question."""

    def pick(choices):
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    prompt, kinds = pick(["", LOUD, LOUD, IDLE]), [pick([asked, control]) for _ in range(pick([1, 1, 2, 3]))]
    turns = [kind(prompt, pick(LETTERS), pick(DIGITS)) for kind in kinds]
    text = [one.prompt.removeprefix(prompt) for one in turns]
    before = "".join(f"{question}{one.answer}\n" for question, one in zip(text[:-1], turns, strict=False))
    return Example(prompt + before + text[-1], turns[-1].answer, 1)


def llama(seed: int = 0) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    words = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "max_position_embeddings": 64}
    return LlamaForCausalLM(LlamaConfig(vocab_size=259, num_key_value_heads=4, **sizes, **words))


def cognate(seed: int = 0) -> CognateForCausalLM:
    torch.manual_seed(seed)
    words = {name: getattr(TOKENIZER, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_hidden_layers": 2}
    config = cognate_tiny(vocab_size=259, **words, **sizes, memory_layers=[1], max_recursion=2)
    return CognateForCausalLM(config)


def taught(model, *, steps: int, lr: float = 5e-3, batch: int = 48):
    """The model after so many steps on what it should answer."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=lr / 20)
    rows = [row_of(drawn(generator), TOKENIZER, 40) for _ in range(ROWS)]
    for _ in range(steps):
        chosen = torch.randint(ROWS, (batch,), generator=generator).tolist()
        loss = model(**collate(rows[one] for one in chosen)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay.step()
    return model.eval()


@cache
def _promptable_llama():
    return taught(llama(), steps=260)


def promptable_llama():
    """A copy of its own for each test."""
    return deepcopy(_promptable_llama())


def context_in(folder, **options) -> StepContext:
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    given = {"seed": 3, **options}
    return StepContext(output=folder / "output", checkpoint=folder / "checkpoint", **given)


def some_queries(**changes) -> Queries:
    given = {
        "train": queries("train"),
        "held_out": queries("test"),
        "anchors": queries("train", control, 30),
        **changes,
    }
    return Queries(**given)


def quick(**changes) -> BakeConfig:
    return BakeConfig(**{"per_query": 2, "max_new_tokens": 4, **changes})


def steps(count: int = 60, lr: float = 3e-3, *, optimizer="adamw", halting=0.0, **train) -> FitConfig:
    return FitConfig(
        steps=count, seq_len=32, optimizer=optimizer, preset="baking", muon_grokfast={"lr": lr},
        schedule=ScheduleConfig(kind="cosine", final=0.05), train={"micro_batch": 24, **train},
        halting=halting,
    )  # fmt: skip


def text_of(ids) -> str:
    return TOKENIZER.decode(list(ids), skip_special_tokens=True)


UNSEEN, CONTROLS = queries("test"), queries("test", control)
