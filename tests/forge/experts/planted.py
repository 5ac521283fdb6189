"""A model torn between three kinds of tasks: by a mark, the first, second or last digit is asked.

It was trained on answers that do not depend on the mark, so that it is rarely right on either kind, and
what helps with the one hurts with the others. Where the effect is removed all marks ask for the first.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.optim import AdamW
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.forge.folders import save_model
from bloomery.tasks import registry
from bloomery.tasks.batches import collate
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.task import Drawn, GeneratedTask
from bloomery.tasks.tokenizer import train_tokenizer
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.loop import train
from bloomery.training.schedules import cosine, warm_up

DIGITS, STEPS, BATCH = 4, 250, 64


@dataclass(frozen=True, kw_only=True)
class Marked(GeneratedTask):
    """Difficulties are alike; they are there to be two cells."""

    marks: ClassVar[str]
    places: ClassVar[tuple[int, ...]]

    @property
    def difficulties(self):
        return range(1, 3)

    def draw(self, rng, difficulty):
        digits = "".join(rng.choices("0123456789", k=DIGITS))
        return Drawn(f"{rng.choice(self.marks)}{digits}=", digits[rng.choice(self.places)])

    def chance(self, difficulty):
        return 0.1

    def cost(self, difficulty):
        return 1


@dataclass(frozen=True, kw_only=True)
class Torn(Marked):
    name: ClassVar[str] = "torn"
    marks: ClassVar[str] = "abc"
    places: ClassVar[tuple[int, ...]] = (0, 1, DIGITS - 1)


@dataclass(frozen=True, kw_only=True)
class First(Marked):
    name: ClassVar[str] = "first"
    marks: ClassVar[str] = "a"
    places: ClassVar[tuple[int, ...]] = (0,)


@dataclass(frozen=True, kw_only=True)
class Second(Marked):
    name: ClassVar[str] = "second"
    marks: ClassVar[str] = "b"
    places: ClassVar[tuple[int, ...]] = (1,)


@dataclass(frozen=True, kw_only=True)
class Last(Marked):
    name: ClassVar[str] = "last"
    marks: ClassVar[str] = "c"
    places: ClassVar[tuple[int, ...]] = (DIGITS - 1,)


@dataclass(frozen=True, kw_only=True)
class SecondIsFirst(Second):
    places: ClassVar[tuple[int, ...]] = (0,)


@dataclass(frozen=True, kw_only=True)
class LastIsFirst(Last):
    places: ClassVar[tuple[int, ...]] = (0,)


PLANTED, REMOVED = (First, Second, Last), (First, SecondIsFirst, LastIsFirst)
MIXTURE = {kind.name: Ingredient() for kind in PLANTED}


def register(patch, *kinds):
    """These tasks by their names, for as long as the patch holds."""
    for kind in kinds:
        patch.setitem(registry.KINDS, kind.name, kind)


def torn_model(folder):
    """The model in a folder; trained in some seconds."""
    tokenizer = train_tokenizer([])
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=259, **sizes, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    )
    rows = Mixture([(Torn(), 1.0, (1,))], tokenizer, seq_len=16, seed=0, length=STEPS * BATCH)
    train(
        model,
        Loader(rows, BATCH, seed=0, collate=collate),
        optimizer=AdamW(model.parameters(), lr=5e-3),
        config=TrainConfig(steps=STEPS, micro_batch=BATCH, device="cpu", seed=0),
        schedule=warm_up(cosine(STEPS - 20, final=0.05), 20),
    )
    save_model(model, tokenizer, folder)
    return folder
