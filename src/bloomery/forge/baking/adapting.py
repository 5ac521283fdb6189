"""Which weights a bake trains: all of them, or a low-rank change that is added to them afterwards.

Source: arXiv 2106.09685 (LoRA), by the package peft
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.forge.baking.settings import BakeConfig, LoraConfig
from bloomery.models.packed.converting import ternary_layers


@contextmanager
def trainable(model: PreTrainedModel, config: BakeConfig, *, seed: int) -> Iterator[nn.Module]:
    """What is to be trained, so that after the block `model` itself has changed.

    Raises: CapabilityMissing where LoRA is asked for and peft is not installed; UserError for ternary layers.
    """
    if config.mode == "full":
        yield model
        return
    learnt = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    adapted = _with_lora(model, config.lora, seed)
    try:
        yield adapted
        adapted.merge_and_unload()
    except BaseException:
        adapted.unload()
        raise
    finally:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(learnt[name])


def check_adaptable(model: PreTrainedModel, config: BakeConfig) -> None:
    """Raises: what `trainable` does, before anything is sampled."""
    if config.mode == "lora":
        _peft()
        lora_layers(model)


def lora_layers(model: PreTrainedModel) -> list[str]:
    """The linear layers that get a low-rank change: all but the head and what the model's class keeps whole.

    Raises: UserError where the model is ternary or has none.
    """
    if ternary_layers(model):
        raise UserError(
            "a low-rank change would be rounded away when it is added to ternary weights; bake with mode=full"
        )
    head, kept = model.get_output_embeddings(), getattr(model, "full_precision_layers", ())
    found = [
        name
        for name, module in model.named_modules()
        if type(module) is nn.Linear
        and module is not head
        and not any(fnmatchcase(name, pattern) for pattern in kept)
    ]
    if not found:
        raise UserError(
            f"{type(model).__name__} has no torch.nn.Linear layer that LoRA could change; bake with mode=full"
        )
    return found


def _with_lora(model: PreTrainedModel, config: LoraConfig, seed: int) -> Any:
    peft = _peft()
    change = peft.LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=lora_layers(model))
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        torch.manual_seed(seed)
        return peft.get_peft_model(model, change)


def _peft() -> Any:
    try:
        import peft
    except ImportError:
        raise CapabilityMissing(
            "peft is not installed; install bloomery[lora], or bake with mode=full"
        ) from None
    return peft
