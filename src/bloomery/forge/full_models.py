"""Models in full precision, as they are given to be quantized or compressed, and the packed folder of one."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.disk import new_folder
from bloomery.core.errors import FormatRefused
from bloomery.forge.folders import check_folder, check_free, drop_machine_dependent, load_model
from bloomery.forge.packed_folder import is_packed, save_packed
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.experts import FILE as EXPERTS

KEPT = ("generation_config.json", "LICENSE*", "NOTICE*")  # what holds for the packed model, too


def load_full(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model and its tokenizer, its weights in float32.

    Raises: MissingFile, FormatRefused (for a packed model, one with experts, or weights that are not finite,
    too), DamagedArtifact.
    """
    check_folder(folder)
    if is_packed(folder):
        raise FormatRefused(f"{folder} is packed already; name the model that it was packed from")
    if (folder / EXPERTS).is_file():
        raise FormatRefused(
            f"{folder} has experts, made for the weights as they are; name what it was before"
        )
    model, tokenizer = load_model(folder)
    for name, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise FormatRefused(
                f"{folder}: {name} has NaN or infinite weights; restore the model from a sound checkpoint"
            )
    return model.float(), tokenizer


def pack_folder(
    model: PreTrainedModel,
    items: Sequence[Coded],
    tokenizer: PreTrainedTokenizerBase,
    base: Path,
    output: Path,
) -> None:
    """The packed folder of a model that came from `base`: whole, or not there at all.

    Raises: UserError where `output` exists, DiskFull.
    """
    check_free(output)
    with new_folder(output) as folder:
        save_packed(model.config, items, tokenizer, folder)
        for pattern in KEPT:
            for path in sorted(base.glob(pattern)):
                shutil.copyfile(path, folder / path.name)
        drop_machine_dependent(folder)
