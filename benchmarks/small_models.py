"""What the benchmarks of recall and halting share: a small model, trained for so many steps, and counts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch

from bloomery.forge.cognate.growing import new_model
from bloomery.forge.fitting import halting_loss, language_loss
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.tasks.batches import collate
from bloomery.tasks.intervals import wilson
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.task import Task
from bloomery.tasks.tokenizer import train_tokenizer
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.loop import train
from bloomery.training.muon_grokfast import MuonGrokfast
from bloomery.training.presets import MuonGrokfastConfig
from bloomery.training.schedules import cosine, warm_up

TOKENIZER = train_tokenizer([])  # bytes: every digit and letter is one token
WARM_UP = 20


def taught(
    task: Task, difficulties: Sequence[int], *, model: Mapping[str, Any], steps: int, batch: int, seed: int,
    seq_len: int = 96, halting: float = 0.0,
) -> CognateForCausalLM:  # fmt: skip
    """A `cognate-tiny` with these changes, trained on one task, as the quick-start trains."""
    torch.manual_seed(seed)
    pupil = new_model("cognate-tiny", model, TOKENIZER)
    return trained(
        pupil,
        [(task, 1.0, difficulties)],
        steps=steps,
        batch=batch,
        seed=seed,
        seq_len=seq_len,
        halting=halting,
    )


def trained(
    pupil: CognateForCausalLM, parts: Sequence[tuple[Task, float, Sequence[int]]], *, steps: int, batch: int,
    seed: int, seq_len: int, halting: float = 0.0, lr: float = 1e-2,
) -> CognateForCausalLM:  # fmt: skip
    """The model after so many more steps on a mixture of tasks (task, weight, difficulties)."""
    stream = Mixture(parts, TOKENIZER, seq_len=seq_len, seed=seed, length=steps * batch)
    train(
        pupil,
        Loader(stream, batch, seed=seed, collate=collate),
        optimizer=MuonGrokfast(pupil, MuonGrokfastConfig(lr=lr, lam=0.3)),
        config=TrainConfig(steps=steps, micro_batch=batch, device="cpu", seed=seed),
        schedule=warm_up(cosine(steps - WARM_UP, final=0.05), WARM_UP),
        loss=partial(halting_loss, share=halting) if halting else language_loss,
    )
    return pupil


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def counted(right: int, total: int) -> str:
    low, high = wilson(right, total)
    return f"{right / total:.3f} [{low:.3f}, {high:.3f}]"
