"""A folder's model with plain weights, as others compute: trits times their scale, no int8 activations.

What experts beside the weights add is linear in the inputs, so one fixed mixture of them is added to weights.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.folders import load_model
from bloomery.models.packed.experts import Experts
from bloomery.models.packed.modeling_packed import replace
from bloomery.models.packed.packed_linear import PackedTernaryLinear

Rows = Sequence[Tensor]


def load_plain(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Raises: MissingFile, FormatRefused, DamagedArtifact."""
    model, tokenizer = load_model(folder)
    make_plain(model.float())
    fold_experts(model)
    return model.eval(), tokenizer


def make_plain(model: nn.Module) -> list[str]:
    """Turn layers of packed trits into linear ones of the same weights, in place; returns their names."""
    found = {
        name: module for name, module in model.named_modules() if isinstance(module, PackedTernaryLinear)
    }
    for layer in found.values():
        replace(model, layer, _linear(layer))
    return list(found)


@torch.no_grad()
def fold_experts(model: PreTrainedModel) -> list[str]:
    """Add the experts' mixture in use to the weights, W + U S (z - 1) V^T, in place; the layers' names.

    Source: transformer2 eq. 3.2a
    """
    experts = getattr(model, "experts", None)
    if not isinstance(experts, Experts):
        return []
    turned = {name: svf for name, svf in experts.attached.svfs.items() if svf.on}
    for name, svf in turned.items():
        weight = model.get_submodule(name).weight
        added = (svf.U.double() * (svf.S.double() * svf.delta.double())) @ svf.V.double().mT
        weight.copy_(weight.double() + added)  # type: ignore[operator]
    experts.remove()
    del model.experts
    return list(turned)


def _linear(layer: PackedTernaryLinear) -> nn.Linear:
    with torch.device("meta"):
        made = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
    made.weight = nn.Parameter(layer.weight, requires_grad=False)
    if layer.bias is not None:
        made.bias = nn.Parameter(layer.bias.clone(), requires_grad=False)
    return made.eval()


def rows_of(model: PreTrainedModel, lengths: Sequence[int], seed: int = 0) -> list[Tensor]:
    """Rows of random token ids, (1, T) each: what runtimes are compared on."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(model.config.vocab_size, (1, length), generator=generator) for length in lengths]


@torch.inference_mode()
def logits_of(model: PreTrainedModel, rows: Rows, **options: bool) -> list[Tensor]:
    """Shapes: (1, T) each -> (1, T, V) each, float32."""
    return [model(input_ids=row, use_cache=False, **options).logits.float() for row in rows]
