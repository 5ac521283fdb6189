"""Whether model folders can be merged: tensors, what the config says of them, and the tokenizers' words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused
from bloomery.forge.merging.compatible import check_same_tensors
from bloomery.forge.merging.tensorfile import TensorFolder

# Equal tensors mean something else under another of these. Other keys may differ, and parent 0's are kept.
ALIKE = (
    "model_type", "vocab_size", "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act",
    "n_head", "activation_function", "rope_theta", "rope_scaling", "rope_parameters", "rms_norm_eps",
    "layer_norm_eps", "tie_word_embeddings",
)  # fmt: skip


def check_mergeable(models: Mapping[Path, TensorFolder]) -> None:
    """Raises: FormatRefused naming the tensors, config values or words in which a model differs."""
    for folder in models:
        if "inner" in config_of(folder):
            raise FormatRefused(f"{folder} is a packed model: merge the model that it was packed from")
    check_same_tensors(
        [
            (str(path), {name: spec.shape for name, spec in model.specs.items()})
            for path, model in models.items()
        ]
    )
    first, *others = models
    for other in others:
        _check_configs(first, other)
        _check_words(first, other)


def config_of(folder: Path) -> dict[str, Any]:
    """What config.json says."""
    values: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return values


def _check_configs(first: Path, other: Path) -> None:
    ours, theirs = _values(first), _values(other)
    for key in ALIKE:
        if key in ours and key in theirs and ours[key] != theirs[key]:
            raise FormatRefused(
                f"{key} is {theirs[key]} in {other} and {ours[key]} in {first}: "
                "models of different architecture do not merge"
            )


def _values(folder: Path) -> dict[str, Any]:
    """The config; `rope_theta`, which transformers 5 has in `rope_parameters`, by itself as before."""
    values = config_of(folder)
    rope = values.get("rope_parameters") or {}
    return {"rope_theta": rope["rope_theta"], **values} if "rope_theta" in rope else values


def _check_words(first: Path, other: Path) -> None:
    ours, theirs = _words(first), _words(other)
    if ours is None or theirs is None:
        return  # a folder without tokenizer, or one that only its own code reads: nothing to compare
    for word in [*ours, *(word for word in theirs if word not in ours)]:
        if ours.get(word) != theirs.get(word):
            raise FormatRefused(
                f"{first} and {other} have different vocabularies ({word!r} is {ours.get(word)} and "
                f"{theirs.get(word)}): their embeddings do not merge"
            )


def _words(folder: Path) -> dict[str, int] | None:
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    whole = json.loads(path.read_text())
    vocabulary = whole.get("model", {}).get("vocab", {})
    if isinstance(vocabulary, list):  # Unigram: [word, score] in the order of their ids
        vocabulary = {entry[0]: number for number, entry in enumerate(vocabulary)}
    return {**vocabulary, **{token["content"]: token["id"] for token in whole.get("added_tokens", ())}}
