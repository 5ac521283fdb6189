"""Loading a folder with its experts, whatever kind of model it holds."""

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import DamagedArtifact, UserError
from bloomery.forge.folders import load_model
from bloomery.models.packed.experts import FILE, Experts, attach


def load_with_experts(
    folder: Path,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Experts | None]:
    """The model with the folder's experts at work in it; None where the folder has none.

    Raises: what `load_model` does; DamagedArtifact for experts of another model.
    """
    model, tokenizer = load_model(folder)
    if not (folder / FILE).exists():
        return model, tokenizer, None
    if isinstance(held := getattr(model, "experts", None), Experts):  # a packed folder has loaded them
        return model, tokenizer, held
    try:
        return model, tokenizer, attach(model, folder / FILE)
    except ValueError as error:
        raise DamagedArtifact(f"{folder}: {error}") from error


def check_without_experts(folder: Path) -> None:
    """Raises: UserError where a folder has experts already."""
    if (folder / FILE).exists():
        raise UserError(f"{folder} has experts already; name the model that they were made from")
