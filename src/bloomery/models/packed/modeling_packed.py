"""A folder of packed weights, loaded: the model itself, computing on packed weights where they are trits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, GenerationConfig, PretrainedConfig
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.modeling_utils import PreTrainedModel
from transformers.utils.hub import cached_file

from .coded import Coded
from .configuration_packed import PackedConfig
from .container import from_bytes
from .decoding import decode
from .experts import FILE as EXPERTS
from .experts import attach
from .packed_linear import PackedTernaryLinear

WEIGHTS, TENSOR = "model.safetensors", "packed"
HUB = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
DTYPES = ("dtype", "torch_dtype")  # transformers' name of it, and its old one
LOADING_INFO = ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")


class PackedForCausalLM(PreTrainedModel):
    """Makes models from packed folders; it is never an object itself.

    `from_pretrained` gives a model of the class that was packed, in float32, whose linear layers of trits are
    `PackedTernaryLinear`. To save it elsewhere, copy the folder.
    """

    config_class = PackedConfig

    @classmethod
    def from_pretrained(cls, folder: Any, *_: Any, config: Any = None, **given: Any) -> PreTrainedModel:  # type: ignore[override]
        """Raises: ValueError where the file is no packed weights, or altered, or of another model.

        Of transformers' options those of the hub count, `dtype` where it is float32, `attn_implementation`,
        `output_loading_info`, and `device_map` as one device; a name that the packed model's config has
        changes that.
        """
        hub = {name: given[name] for name in HUB if given.get(name) is not None}
        if config is None:
            config = PackedConfig.from_pretrained(folder, **hub)
        model = build(changed(config, given), folder, hub)
        path = cached_file(folder, WEIGHTS, **hub)
        assert path is not None  # it raises where there is none
        assemble(model, read_items(Path(path), [tuple(tensor.shape) for _, tensor in slots(model)]))
        lenient = {**hub, "_raise_exceptions_for_missing_entries": False}
        if (generation := cached_file(folder, "generation_config.json", **lenient)) is not None:
            model.generation_config = GenerationConfig.from_pretrained(Path(generation).parent)
        model.save_pretrained = refuse_to_save  # type: ignore[method-assign]
        model.eval().to(device_of(given.get("device_map")))
        if (experts := cached_file(folder, EXPERTS, **lenient)) is not None:
            attach(model, Path(experts))
        # as transformers does it; every weight was there, or `assemble` would have said so
        return (model, {name: [] for name in LOADING_INFO}) if given.get("output_loading_info") else model  # type: ignore[return-value]


PackedConfig.register_for_auto_class()
PackedForCausalLM.register_for_auto_class("AutoModelForCausalLM")


def changed(config: PackedConfig, given: Mapping[str, Any]) -> PackedConfig:
    """With what is given of the inner config's names in it; the config itself stays as it is."""
    for name in DTYPES:
        if given.get(name) not in (None, "auto", torch.float32, "float32"):
            raise ValueError(f"packed weights compute in float32, not {given[name]}; leave {name} out")
    known = {name: given[name] for name in config.inner if name in given and name not in DTYPES}
    result = PackedConfig(inner=config.inner | known)
    # AutoModelForCausalLM has it in the config, a direct caller gives it
    result._attn_implementation = given.get("attn_implementation") or config._attn_implementation
    return result


def device_of(device_map: Any) -> Any:
    """Raises: ValueError where it is more than one device."""
    if device_map == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if isinstance(device_map, Mapping):
        if set(device_map) != {""}:
            raise ValueError(f"a packed model stands on one device, not on parts {sorted(device_map)[:3]}")
        return device_map[""]
    return "cpu" if device_map is None else device_map


def refuse_to_save(*_: Any, **__: Any) -> None:
    raise ValueError("a packed model is saved by copying its folder; its weights are there in packed form")


def build(config: PackedConfig, folder: Any, hub: dict[str, Any]) -> PreTrainedModel:
    """The model with weights that mean nothing yet; what the caller draws at random stays as it was."""
    kind = str(config.inner.get("model_type"))
    with torch.random.fork_rng(devices=[]):
        if kind in CONFIG_MAPPING:
            inner: PretrainedConfig = CONFIG_MAPPING[kind].from_dict(config.inner)
            inner._attn_implementation = config._attn_implementation
            return AutoModelForCausalLM.from_config(inner, dtype=torch.float32)
        where = config.inner["auto_map"]
        own: Any = get_class_from_dynamic_module(where["AutoConfig"], folder, **hub)
        inner = own.from_dict(config.inner)
        inner._attn_implementation = config._attn_implementation
        return get_class_from_dynamic_module(where["AutoModelForCausalLM"], folder, **hub)(inner).float()


def read_items(path: Path, shapes: Sequence[tuple[int, ...]] | None = None) -> list[Coded]:
    """Its tensors; where their shapes are known, others are refused before they take memory.

    Raises: ValueError where the file is no packed weights, truncated or altered."""
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is truncated or altered ({error}); get it again") from error
    if set(tensors) != {TENSOR}:
        raise ValueError(f"{path} holds {sorted(tensors)[:3]}; packed weights are one tensor '{TENSOR}'")
    return from_bytes(tensors[TENSOR].numpy().tobytes(), shapes)


def slots(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What is packed of a model, in the order of the packed file: each weight and saved buffer once."""
    seen: set[int] = set()
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor


def assemble(model: PreTrainedModel, items: Sequence[Coded]) -> None:
    """Give the model its weights; a linear layer whose weight is trits becomes one that computes on them.

    Raises: ValueError where the items are not those of this model.
    """
    places = list(slots(model))
    if [tuple(tensor.shape) for _, tensor in places] != [coded.shape for coded in items]:
        raise ValueError(
            f"the packed weights ({len(items)} tensors) are not of the shapes of {type(model).__name__} "
            f"({len(places)} tensors); config.json and {WEIGHTS} belong to different models"
        )
    with torch.no_grad():
        for (_, tensor), coded in zip(places, items, strict=True):
            tensor.copy_(decode(coded))
    for (name, _), coded in zip(places, items, strict=True):
        owner, _, leaf = name.rpartition(".")
        layer = model.get_submodule(owner)
        if coded.scheme == "ternary" and leaf == "weight" and type(layer) is nn.Linear:
            replace(model, layer, packed_layer(layer, coded))


def replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Everywhere that it stands."""
    for name in [name for name, module in model.named_modules(remove_duplicate=False) if module is old]:
        model.set_submodule(name, new)


def packed_layer(layer: nn.Linear, coded: Coded) -> PackedTernaryLinear:
    trits = torch.from_numpy(coded.symbols("trits", coded.numel).values.astype("int8") - 1)
    scale = torch.from_numpy(coded.array("scale").astype("float32"))
    return PackedTernaryLinear.from_trits(trits.reshape(coded.shape), scale, layer.bias)
