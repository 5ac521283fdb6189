"""The models of the library by name, with random weights, and how each sees its data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from bloomery.core.errors import ConfigError, suggestion
from bloomery.forge.supervised.grids import SYMBOLS
from bloomery.models.configuration_cognate import CognateConfig, cognate_25m, cognate_tiny
from bloomery.models.configuration_hope import HopeConfig
from bloomery.models.configuration_lenet import LeNetConfig
from bloomery.models.configuration_titans import TitansConfig
from bloomery.models.configuration_trm import TinyRecursionConfig
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.modeling_hope import HopeForCausalLM
from bloomery.models.modeling_lenet import PAPER, LeNetForImageClassification, normalised
from bloomery.models.modeling_titans import TitansForCausalLM
from bloomery.models.modeling_trm import TinyRecursionModel

Changes = Mapping[str, Any]

AutoConfig.register(HopeConfig.model_type, HopeConfig, exist_ok=True)
AutoConfig.register(LeNetConfig.model_type, LeNetConfig, exist_ok=True)
AutoConfig.register(TitansConfig.model_type, TitansConfig, exist_ok=True)
AutoConfig.register(TinyRecursionConfig.model_type, TinyRecursionConfig, exist_ok=True)
AutoModel.register(TinyRecursionConfig, TinyRecursionModel, exist_ok=True)
AutoModelForImageClassification.register(LeNetConfig, LeNetForImageClassification, exist_ok=True)
AutoModelForCausalLM.register(HopeConfig, HopeForCausalLM, exist_ok=True)
AutoModelForCausalLM.register(TitansConfig, TitansForCausalLM, exist_ok=True)


@dataclass(frozen=True)
class Architecture:
    """A model's class, its config's class, and the function that makes a config of that class."""

    model: type[PreTrainedModel]
    config: type[PretrainedConfig]
    make: Callable[..., PretrainedConfig]


@dataclass(frozen=True)
class Sight:
    """How a model sees images: what maps grey values to its input, and what is outside of an image."""

    normalise: Callable[[Tensor], Tensor]
    outside: float


IMAGES = {"lenet5": Architecture(LeNetForImageClassification, LeNetConfig, LeNetConfig)}
SIGHTS = {"lenet5": Sight(normalised, PAPER)}
LANGUAGE = {
    "cognate-tiny": Architecture(CognateForCausalLM, CognateConfig, cognate_tiny),
    "cognate-25m": Architecture(CognateForCausalLM, CognateConfig, cognate_25m),
    "hope": Architecture(HopeForCausalLM, HopeConfig, HopeConfig),
    "titans": Architecture(TitansForCausalLM, TitansConfig, TitansConfig),
}
PUZZLES = {"trm": Architecture(TinyRecursionModel, TinyRecursionConfig, TinyRecursionConfig)}


def image_model(name: str, changes: Changes) -> PreTrainedModel:
    """A classifier with random weights from torch's generator.

    Raises: ConfigError for a change that its config does not know or does not accept.
    """
    return _made(IMAGES[name], changes, {})


def language_model(name: str, changes: Changes, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A language model for this tokenizer, with random weights from torch's generator.

    Raises: ConfigError for a change that its config does not know or does not accept.
    """
    words = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return _made(LANGUAGE[name], changes, words)


def puzzle_model(name: str, changes: Changes, cells: int) -> PreTrainedModel:
    """A model of grids of so many cells, with random weights from torch's generator.

    Raises: ConfigError for a change that its config does not know or does not accept.
    """
    return _made(PUZZLES[name], changes, {"vocab_size": SYMBOLS, "seq_len": cells})


def check_changes(name: str, changes: Changes) -> None:
    """Makes the model without weights. Raises: ConfigError for a change that it does not know or accept."""
    with torch.device("meta"):
        _made({**IMAGES, **LANGUAGE, **PUZZLES}[name], changes, {})


def _made(architecture: Architecture, changes: Changes, words: Changes) -> PreTrainedModel:
    config = _config(architecture, changes, words)
    try:
        return architecture.model(config)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"architecture {dict(changes)} does not fit: {error}") from error


def _config(architecture: Architecture, changes: Changes, words: Changes) -> PretrainedConfig:
    known = set(signature(architecture.config.__init__).parameters) - {"self", "kwargs"}
    for name in changes:  # transformers would keep an unknown one, and nobody would read it
        if name not in known:
            raise ConfigError(f"unknown key 'architecture.{name}'{suggestion(name, known)}")
    try:
        return architecture.make(**{**words, **changes})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"architecture {dict(changes)} does not fit: {error}") from error
