"""What the causal language models here share: how weights begin, how tokens are read, how a cache goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.cache_utils import Cache
from transformers.generation.utils import GenerationMixin
from transformers.modeling_utils import PreTrainedModel
from transformers.utils.generic import ModelOutput

from .embedding import FactorizedEmbedding
from .memory_layer import MemoryLayer
from .persistent_memory import PersistentMemory

IGNORED_LABEL = -100
Kind = TypeVar("Kind", bound=Cache)


@dataclass
class CausalOutput(ModelOutput):
    """Shapes: loss () in nats a token; logits (B, T or kept, V); hidden_states, where asked, (B, T, D)."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: Cache | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class CausalModel(PreTrainedModel, GenerationMixin, Generic[Kind]):
    """A model with an `embedding`, and with a `Kind` of cache of its own, which `new_cache` makes."""

    _is_stateful = True
    _supports_sdpa = True
    cache_class: ClassVar[type[Cache]]
    passed_by_generate: ClassVar[tuple[str, ...]] = ()  # of forward's arguments, may be given to `generate`
    embedding: FactorizedEmbedding
    norm: nn.Module

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def _init_weights(self, module: nn.Module) -> None:
        """N(0, 1 / fan-in), so that activations begin with unit variance, or a module's own beginning."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=getattr(module, "init_std", module.weight.shape[-1] ** -0.5))
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, (MemoryLayer, PersistentMemory)):
            module.reset_parameters()

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding.table

    def set_input_embeddings(self, value: nn.Module) -> None:
        assert isinstance(value, nn.Embedding)
        self.embedding.table = value

    def new_cache(self) -> Kind:
        """An empty cache for this model."""
        raise NotImplementedError(f"{type(self).__name__} makes no cache")

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        next_sequence_length: int | None = None,
        past_key_values: Cache | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        is_first_iteration: bool | None = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The next call's arguments; what `passed_by_generate` names is handed on."""
        if past_key_values is None and kwargs.get("use_cache", True):
            past_key_values = self.new_cache()
        source: dict[str, Any] = {"inputs_embeds": inputs_embeds}
        if inputs_embeds is None or not is_first_iteration:
            new = input_ids if next_sequence_length is None else input_ids[:, -next_sequence_length:]
            source = {"input_ids": new}
        passed = (*self.passed_by_generate, "use_cache", "logits_to_keep", "output_hidden_states")
        return {
            **source,
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            **{key: kwargs[key] for key in passed if key in kwargs},
        }

    def _embed(self, input_ids: Tensor | None, inputs_embeds: Tensor | None) -> Tensor:
        if input_ids is not None and inputs_embeds is None:
            return self.embedding(input_ids)
        if inputs_embeds is not None and input_ids is None:
            return inputs_embeds
        raise ValueError("give either input_ids or inputs_embeds, not both")

    def _cache(self, given: Kind | None, wanted: bool) -> Kind | None:
        if given is not None and not isinstance(given, self.cache_class):
            raise TypeError(f"past_key_values is a {type(given).__name__}; make one by model.new_cache()")
        if given is not None:
            return given
        return self.new_cache() if wanted and self.config.use_cache and not self.training else None

    def _answer(
        self, hidden: Sequence[Tensor], cache: Kind | None, labels: Tensor | None, *,
        logits_to_keep: int, output_hidden_states: bool | None, return_dict: bool | None,
    ) -> CausalOutput | tuple:  # fmt: skip
        """What a forward pass returns, from the hidden states before and after each layer."""
        y = self.norm(hidden[-1])
        output = CausalOutput(logits=self.embedding.logits(y[:, -logits_to_keep:]), past_key_values=cache)
        if self.config.output_hidden_states if output_hidden_states is None else output_hidden_states:
            output.hidden_states = tuple(hidden)
        if labels is not None:
            output.loss = self._next_token_loss(y, labels)
        return output.to_tuple() if return_dict is False else output

    def _next_token_loss(self, y: Tensor, labels: Tensor) -> Tensor:
        """In nats a target; of no targets NaN, whose gradients are zeros."""
        target = labels[:, 1:]
        keep = target != IGNORED_LABEL
        logits = self.embedding.logits(y[:, :-1][keep]).float()
        return F.cross_entropy(logits, target[keep], reduction="sum") / keep.sum()


def padding(attention_mask: Tensor | None, steps: int) -> Tensor | None:
    """The mask of the last `steps` tokens; None where none of them is padding.

    Shapes: (B, T) -> (B, steps)
    """
    if attention_mask is None:
        return None
    mask = attention_mask[:, -steps:].bool()
    return None if bool(mask.all()) else mask
