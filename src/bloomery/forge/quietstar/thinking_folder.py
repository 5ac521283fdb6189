"""A thinking model's folder: a model folder, and beside its weights those of the mixing head."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import DamagedArtifact, MissingFile
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.models.thinking.thinking_model import ThinkingModel

MIXING = "mixing.safetensors"


def save_thinking(thinking: ThinkingModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """The folder loads as the model alone, too, which then answers without its mixing head."""
    save_model(thinking.base, tokenizer, folder)
    state = thinking.mixing.state_dict()
    save_file({name: tensor.cpu().contiguous() for name, tensor in state.items()}, folder / MIXING)


def load_thinking(folder: Path) -> tuple[ThinkingModel, PreTrainedTokenizerBase]:
    """A thinking model and its tokenizer, in evaluation mode.

    Raises: MissingFile without a mixing head; DamagedArtifact where it is truncated or another model's; what
    `load_model` raises.
    """
    if not (folder / MIXING).is_file():
        raise MissingFile(f"{folder} has no {MIXING}: it is no thinking model; name one that was reinforced")
    model, tokenizer = load_model(folder)
    start, end = thought_ids(tokenizer)
    thinking = ThinkingModel(model, start=start, end=end)
    try:
        thinking.mixing.load_state_dict(load_file(folder / MIXING))
    except (SafetensorError, RuntimeError) as error:
        raise DamagedArtifact(
            f"{folder / MIXING} is truncated, or not of this model: {' '.join(str(error).split())[:200]}; "
            "get it again"
        ) from error
    return thinking.eval(), tokenizer
