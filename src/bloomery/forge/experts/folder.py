"""Loading a folder with its experts, whatever kind of model it holds."""

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import UserError
from bloomery.forge.folders import load_model
from bloomery.models.packed.experts import FILE, Experts


def load_with_experts(
    folder: Path,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Experts | None]:
    """The model with the folder's experts at work in it; None where the folder has none.

    Raises: what `load_model` does; DamagedArtifact for experts of another model.
    """
    model, tokenizer = load_model(folder)
    held = getattr(model, "experts", None)
    return model, tokenizer, held if isinstance(held, Experts) else None


def check_without_experts(folder: Path) -> None:
    """Raises: UserError where a folder has experts already."""
    if (folder / FILE).exists():
        raise UserError(f"{folder} has experts already; name the model that they were made from")
