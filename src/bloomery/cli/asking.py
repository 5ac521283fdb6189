"""What a prompt is, and what is asked under it: from options, tasks and texts."""

from typing import TYPE_CHECKING

from bloomery.cli.training import graded_mixture

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from bloomery.forge.baking.looking import Asked


def prompt_of(prompt: str | None, file: "Path | None") -> str:
    """Raises: UserError unless one of the two is given; MissingFile; FormatRefused for what is no UTF-8."""
    from bloomery.core.errors import FormatRefused, MissingFile, UserError

    if (prompt is None) == (file is None):
        raise UserError("give the prompt to bake by one of --prompt TEXT and --prompt-file FILE")
    if file is None:
        return str(prompt)
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFile(f"there is no prompt {file}; name a text") from error
    except UnicodeDecodeError as error:
        raise FormatRefused(f"{file} is no UTF-8 text ({error.reason}); give another one") from error


def opened_to_bake(folder: "Path", *, packed: bool) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Raises: FormatRefused for a packed folder; UserError where there are no trits to pack."""
    from bloomery.core.errors import UserError
    from bloomery.forge.editing import ternary_of
    from bloomery.forge.full_models import load_full

    model, tokenizer = load_full(folder)
    if packed and ternary_of(folder) is None:
        raise UserError(f"--packed packs trits behind latent weights, and {folder} has none; leave it out")
    return model, tokenizer


def asked_of(
    tasks: list[str], difficulties: list[int], file: "Path | None", tokenizer: "PreTrainedTokenizerBase",
    learn: int, seed: int, needed: str | None = None,
) -> "Asked":  # fmt: skip
    """Raises: UserError where there must be questions and are none."""
    from bloomery.core.errors import UserError
    from bloomery.forge.baking.looking import NOTHING, asked_of_file, asked_of_tasks, together

    found = [NOTHING] if file is None else [asked_of_file(file)]
    if tasks:
        mixture = graded_mixture(tasks, difficulties)
        found.append(asked_of_tasks(mixture, tokenizer, learn=learn, seed=seed))
    if needed is not None and not any(one.learn for one in found):
        raise UserError(f"no questions to bake the prompt on; give {needed} FILE")
    return together(found)
