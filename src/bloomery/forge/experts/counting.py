"""What a design costs: floating-point operations that a token really takes, and bytes that are stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from transformers import PreTrainedModel

from bloomery.models.packed.experts import ExpertSet, to_bytes
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from bloomery.tasks.batches import Row


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """Of the fused kernel on CPUs, which torch does not count: whole products, whatever a mask hides."""
    return int(sdpa_flop_count(query, key, value))


ATTENTION = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


def flops_a_token(model: PreTrainedModel, batch: Row) -> float:
    """Operations of a forward pass over these rows, a token of theirs; a product and a sum are two.

    A product of packed trits counts as the dense one that it stands for.
    """
    with (
        FlopCounterMode(display=False, custom_mapping=ATTENTION) as counter,
        _packed(model, counter) as packed,
        torch.no_grad(),
    ):
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        model(**given, use_cache=False)
    return (counter.get_total_flops() + packed[0]) / int(batch["attention_mask"].sum())


@contextmanager
def _packed(model: PreTrainedModel, counter: FlopCounterMode) -> Iterator[list[int]]:
    """Counts what packed layers do by their shapes, and not what their kernel happens to call."""
    total, before = [0], [0]

    def enter(_layer: Any, _given: Any) -> None:
        before[0] = counter.get_total_flops()

    def leave(layer: Any, given: Any, _output: Any) -> None:
        rows = given[0].numel() // layer.in_features
        inside = counter.get_total_flops() - before[0]
        total[0] += 2 * rows * layer.in_features * layer.out_features - inside

    layers = [one for one in model.modules() if isinstance(one, PackedTernaryLinear)]
    handles = [layer.register_forward_pre_hook(enter) for layer in layers]
    # before other hooks, whose own products are counted as they are
    handles += [layer.register_forward_hook(leave, prepend=True) for layer in layers]
    try:
        yield total
    finally:
        for handle in handles:
            handle.remove()


def bytes_of(held: ExpertSet | None) -> int:
    """What the experts add to a folder."""
    return 0 if held is None else len(to_bytes(held))
