"""Folders of packed weights: one tensor of bytes, the config of what is packed, the code that loads it."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.dynamic_module_utils import get_relative_import_files

from bloomery.forge.folders import drop_machine_dependent
from bloomery.models.packed import modeling_packed
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.configuration_packed import PackedConfig
from bloomery.models.packed.container import to_bytes
from bloomery.models.packed.modeling_packed import TENSOR, WEIGHTS, assemble, build

AUTO_MAP = {
    "AutoConfig": "configuration_packed.PackedConfig",
    "AutoModelForCausalLM": "modeling_packed.PackedForCausalLM",
}


def save_packed(
    config: PretrainedConfig, items: Sequence[Coded], tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """The packed folder of a model with this config; the same items give the same bytes.

    `items` are the model's `slots`, coded, in their order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(items, folder / WEIGHTS)
    tokenizer.save_pretrained(folder)
    _copy_code(config, folder)
    PackedConfig(
        inner=_inner(config), architectures=["PackedForCausalLM"], auto_map=AUTO_MAP
    ).save_pretrained(folder)
    drop_machine_dependent(folder)


def save_weights(items: Sequence[Coded], path: Path) -> None:
    """The packed weights alone, as a file that `read_items` reads."""
    weights = torch.from_numpy(np.frombuffer(bytearray(to_bytes(items)), np.uint8))
    save_file({TENSOR: weights}, path, metadata={"format": "pt"})


def from_items(config: PretrainedConfig, items: Sequence[Coded]) -> PreTrainedModel:
    """The model in memory that the packed folder of these items loads as."""
    model = build(PackedConfig(inner=_inner(config)), None, {})
    assemble(model, items)
    return model.eval()


def is_packed(folder: Path) -> bool:
    return bool(json.loads((folder / "config.json").read_text()).get("model_type") == PackedConfig.model_type)


def weights_size(folder: Path) -> int:
    """Bytes on disk of a folder's weights, with all that describes them."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors*"))


def _inner(config: PretrainedConfig) -> dict[str, Any]:
    """The config as its own config.json would hold it; a class of this package names where its code lies."""
    values: dict[str, Any] = json.loads(config.to_json_string(use_diff=True))
    if (code := _own_code(config)) is not None:
        values["auto_map"] = {
            "AutoConfig": f"{code[0].stem}.{type(config).__name__}",
            "AutoModelForCausalLM": f"{code[1].stem}.{_model_class(config).__name__}",
        }
    return values | {"model_type": config.model_type}


def _copy_code(config: PretrainedConfig, folder: Path) -> None:
    """The files that load the folder, and those of the packed model's class where it is not transformers'."""
    heads = [Path(modeling_packed.__file__), *(_own_code(config) or ())]
    for head in heads:
        for path in [head, *map(Path, get_relative_import_files(head))]:
            shutil.copyfile(path, folder / path.name)


def _own_code(config: PretrainedConfig) -> tuple[Path, Path] | None:
    if type(config).__module__.startswith("transformers."):
        return None
    return _file_of(type(config)), _file_of(_model_class(config))


def _model_class(config: PretrainedConfig) -> type:
    classes: Any = MODEL_FOR_CAUSAL_LM_MAPPING  # its values are typed as None or pairs, too
    return classes[CONFIG_MAPPING[config.model_type]]


def _file_of(kind: type) -> Path:
    return Path(str(sys.modules[kind.__module__].__file__))
