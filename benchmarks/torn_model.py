"""A small Llama torn between two kinds of prompts: what helps with the one hurts with the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.optim import AdamW
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.small_models import TOKENIZER
from bloomery.forge.experts.cells import Cell, freeze
from bloomery.tasks.batches import collate
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Drawn, GeneratedTask
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.loop import train
from bloomery.training.schedules import cosine, warm_up

DIGITS, BASE_STEPS, BASE_BATCH = 4, 250, 64
SELECTION, TEST = 100, 400
SIZES: Mapping[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Marked(GeneratedTask):
    """A digit of four, by the mark or by chance."""

    name: ClassVar[str] = "marked"
    marks: str
    places: tuple[int, ...]

    @property
    def difficulties(self) -> range:
        return range(1, 2)

    def draw(self, rng: Any, difficulty: int) -> Drawn:
        digits = "".join(rng.choices("0123456789", k=DIGITS))
        return Drawn(f"{rng.choice(self.marks)}{digits}=", digits[rng.choice(self.places)])

    def chance(self, difficulty: int) -> float:
        return 0.1

    def cost(self, difficulty: int) -> int:
        return 1


FIRST, LAST = Marked(marks="a", places=(0,)), Marked(marks="b", places=(DIGITS - 1,))
NEW = Marked(marks="a", places=(1,))
TORN = Marked(marks="ab", places=(0, DIGITS - 1))


def torn_model(seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(TOKENIZER), **SIZES, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    )
    rows = Mixture([(TORN, 1.0, (1,))], TOKENIZER, seq_len=16, seed=seed, length=BASE_STEPS * BASE_BATCH)
    train(
        model,
        Loader(rows, BASE_BATCH, seed=seed, collate=collate),
        optimizer=AdamW(model.parameters(), lr=5e-3),
        config=TrainConfig(steps=BASE_STEPS, micro_batch=BASE_BATCH, device="cpu", seed=seed),
        schedule=warm_up(cosine(BASE_STEPS - 20, final=0.05), 20),
    )
    freeze(model)
    return model


def cell(task: Marked, seed: int) -> tuple[Cell, Cell]:
    """Selection and test examples that no training shows."""
    drawn = examples(task, "test", count=SELECTION + TEST, seed=seed, difficulties=(1,))
    return Cell(task, 1, tuple(drawn[:SELECTION])), Cell(task, 1, tuple(drawn[SELECTION:]))
