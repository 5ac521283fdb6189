"""Models that a stage goes on training: in full precision, or the latent weights behind trits.

After bitnet a stage edits latent weights with straight-through gradients: every forward pass, in training and
in measuring, sees the ternary weights. What is shipped is packed from the edited latent weights, so that what
is shipped is what was measured.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.config import build, to_plain
from bloomery.forge.bitnet.quantizing import items_of, make_ternary
from bloomery.forge.folders import save_model
from bloomery.forge.full_models import load_full
from bloomery.forge.packed_folder import save_packed
from bloomery.forge.settings import TernaryConfig

TERNARY = "ternary.json"  # beside latent weights: what becomes of them


@dataclass(frozen=True, kw_only=True)
class Editable:
    """A model to train on; `ternary` says how it is packed, None where it stays in full precision."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    ternary: TernaryConfig | None = None


def load_editable(folder: Path) -> Editable:
    """Latent weights behind trits, quantized in every pass, or a model folder in full precision.

    Raises: MissingFile, FormatRefused (a packed folder has no latent weights), DamagedArtifact.
    """
    model, tokenizer = load_full(folder)
    ternary = ternary_of(folder)
    if ternary is not None:
        make_ternary(model, ternary)
    return Editable(model=model, tokenizer=tokenizer, ternary=ternary)


def ternary_of(folder: Path) -> TernaryConfig | None:
    """What becomes of a folder's weights; None where they stay as they are."""
    path = folder / TERNARY
    return build(TernaryConfig, json.loads(path.read_text()), where=str(path)) if path.is_file() else None


def save_editable(edited: Editable, folder: Path) -> None:
    """The weights to go on with."""
    save_model(edited.model, edited.tokenizer, folder)
    if edited.ternary is not None:
        (folder / TERNARY).write_text(json.dumps(to_plain(edited.ternary), indent=2, sort_keys=True))


def pack_editable(edited: Editable, folder: Path) -> None:
    """The folder that is shipped and measured: packed trits, or the model itself."""
    if edited.ternary is None:
        save_model(edited.model, edited.tokenizer, folder)
        return
    items = items_of(edited.model, edited.ternary.embedding_bits)
    save_packed(edited.model.config, items, edited.tokenizer, folder)


def edited_from(inputs: Mapping[str, Path]) -> Path:
    """The folder to edit of what a stage was given: the latent weights where there are some."""
    return inputs.get("latent", inputs["model"])
