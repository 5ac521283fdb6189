"""Ternary models: which layers become trits, and the model written down as it is shipped.

Source: arXiv 2402.17764 (BitNet b1.58)
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from torch import Tensor, nn
from transformers import PreTrainedModel

from bloomery.core.errors import UserError
from bloomery.forge.coding import raw, rows, ternary
from bloomery.forge.folders import check_free
from bloomery.forge.full_models import load_full, pack_folder
from bloomery.forge.settings import TernaryConfig
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.converting import convert, ternary_layers
from bloomery.models.packed.modeling_packed import slots
from bloomery.models.packed.ternary import TernaryLinear


def make_ternary(model: PreTrainedModel, config: TernaryConfig, *, share: float = 1.0) -> list[str]:
    """Turn the model's linear layers into ternary ones of the same parameters; the names of those turned.

    Raises: UserError where the model has none, a pattern of `skip` names none, or nothing is left.
    """
    stay = set(_stay(model))
    if not any(type(module) is nn.Linear and name not in stay for name, module in model.named_modules()):
        raise UserError(
            f"{type(model).__name__} has no torch.nn.Linear layer besides those that stay whole, and only "
            "torch.nn.Linear layers can become ternary; give a model that is built of them"
        )
    try:
        return convert(
            model, skip=[*sorted(stay), *config.skip], share=share, threshold=config.threshold,
            per_row=config.per_row, scaling=config.scaling,
        )  # fmt: skip
    except ValueError as error:
        raise UserError(str(error)) from error


def items_of(model: PreTrainedModel, embedding_bits: int) -> list[Coded]:
    """The model's tensors in the order of a packed file: trits, rows of integers, half precision.

    Raises: UserError naming a tensor that is not finite.
    """
    layers = ternary_layers(model)
    return [_coded(name, tensor, layers, embedding_bits) for name, tensor in slots(model)]


def quantize_folder(base: Path, output: Path, config: TernaryConfig) -> list[str]:
    """Post-training quantization of a model folder into a packed folder; the names of the layers of trits.

    Nothing is trained. The folder appears whole or not at all.
    Raises: UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull.
    """
    check_free(output)
    model, tokenizer = load_full(base)
    turned = make_ternary(model, config)
    pack_folder(model, items_of(model, config.embedding_bits), tokenizer, base, output)
    return turned


def _stay(model: PreTrainedModel) -> Iterator[str]:
    """The layers that are embeddings in another role, and those that the model's class keeps whole."""
    layers = {name: module for name, module in model.named_modules() if type(module) is nn.Linear}
    for pattern in getattr(model, "full_precision_layers", ()):
        yield from (name for name in layers if fnmatchcase(name, pattern))
    head = model.get_output_embeddings()
    yield from (name for name, module in layers.items() if module is head)


def _coded(name: str, tensor: Tensor, layers: dict[str, TernaryLinear], bits: int) -> Coded:
    if not tensor.isfinite().all():
        raise UserError(f"{name} has NaN or infinite weights; restore the model from a sound checkpoint")
    owner, _, leaf = name.rpartition(".")
    if leaf == "weight" and owner in layers:
        return ternary.from_trits(*layers[owner].ternarized())
    if tensor.ndim > 1:
        return rows.encode(tensor, bits=bits)
    return raw.encode(tensor, precision="float16" if isinstance(tensor, nn.Parameter) else "float32")
