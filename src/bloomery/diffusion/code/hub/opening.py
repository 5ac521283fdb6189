"""A diffusion language model by its name on the Hub or its folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import HfApi, try_to_load_from_cache
from safetensors import SafetensorError
from transformers.utils.hub import cached_file

from bloomery.core.errors import CapabilityMissing, FormatRefused, MissingFile, UserError

from .families import Family
from .gemma import ReplacingModel
from .model import HubModel
from .settings import (
    Settings,
    block_of,
    config_of,
    family_of,
    mask_of,
    net_class,
    renamed_weights,
)

REACHED_S = 10
_AUTO = ("AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModel")


def open_model(
    name: str | Path,
    *,
    trust_remote_code: bool = False,
    family: str | None = None,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> HubModel | ReplacingModel:
    """A model of one of the families in `families`, in evaluation mode; `dtype`: as it was saved.

    A folder is opened as it is. A name is looked up in the Hub's cache and, where the Hub is reached, there:
    what is missing is downloaded. Weights are read from safetensors only.

    Raises: MissingFile where there is neither a folder nor a cached or reachable repository of that name;
    UserError for an unknown family, and for one whose own code has to run without `trust_remote_code`;
    FormatRefused for weights, settings or a mask that do not fit together; CapabilityMissing for a package
    that its code needs.
    """
    given = str(name)
    settings = _settings(given)
    found = family_of(Path(given).name if Path(given).is_dir() else given, settings, family)
    _may_open(found, given, settings, trust_remote_code)
    tokenizer = _read(given, lambda: _tokenizer(found, given, trust_remote_code))
    mask, block = mask_of(found, settings, tokenizer, given), block_of(found, settings)
    net = _net(found, given, settings, trust_remote_code, dtype).to(device).eval().requires_grad_(False)
    if mask is None:
        return ReplacingModel(found, net, tokenizer, block or 256)
    rows = net.get_input_embeddings().weight.shape[0] if found.net else mask + 1
    if mask >= rows:
        raise FormatRefused(f"{given}: its mask is token {mask}, its net has {rows}: weights are of another")
    return HubModel(found, net, tokenizer, mask, block)


def _may_open(family: Family, name: str, settings: Settings, trust: bool) -> None:
    if family.refused:
        raise UserError(f"{name} is of {family.name}, which is not opened: {family.refused}")
    if family.remote_code and not trust:
        raise UserError(_asks_for_code(name, f"the net of {family.name}"))
    if family.remote_code and not settings.get("auto_map"):
        raise FormatRefused(f"{name} is of {family.name}, but its config.json names no code (auto_map)")


def _settings(name: str) -> Settings:
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise MissingFile(_not_there(name, FileNotFoundError("no config.json")))
    if not Path(name).is_dir():
        _expect_reachable(name)
    path = _read(name, lambda: cached_file(name, "config.json"))
    found: Settings = _read(name, lambda: json.loads(Path(path).read_text(encoding="utf-8")))
    return found


def _expect_reachable(name: str) -> None:
    """Asks once for what is not cached; a download would ask for half a minute. Raises: MissingFile."""
    try:
        if not isinstance(try_to_load_from_cache(name, "config.json"), str):
            HfApi().model_info(name, timeout=REACHED_S)
    except Exception as error:  # edge: of whichever client the Hub's library has
        raise MissingFile(_not_there(name, error)) from error


def _read(name: str, reading: Callable[[], Any]) -> Any:
    """What transformers reads of a folder or repository, with its failures told in our words."""
    try:
        return reading()
    except ImportError as error:
        raise CapabilityMissing(f"{name}: its code needs a package that is not here: {error}") from error
    except OSError as error:
        raise MissingFile(_not_there(name, error)) from error
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise UserError(_asks_for_code(name, "its tokenizer")) from error
        raise FormatRefused(f"{name} cannot be read as a model: {_first_line(error)}") from error
    except (KeyError, RuntimeError, TypeError, AttributeError, SafetensorError) as error:
        raise FormatRefused(f"{name} cannot be read as a model: {_first_line(error)}") from error


def _asks_for_code(name: str, what: str) -> str:
    return (
        f"{name}: {what} is code in that repository, which would run on this machine with your rights. Read "
        "it, and say --trust-remote-code (trust_remote_code=True) to run it"
    )


def _not_there(name: str, error: Exception) -> str:
    if Path(name).is_dir():
        return f"{name} lacks a file of a model (weights are read from *.safetensors): {_first_line(error)}"
    return (
        f"{name} is no folder here and was not found in the Hub's cache or on the Hub; nothing was "
        "downloaded. Name a folder that holds config.json, *.safetensors and the tokenizer's files, or a "
        f"repository's name where the Hub is reached ({_first_line(error)})"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _tokenizer(family: Family, name: str, trust: bool) -> Any:
    kind: Any = getattr(transformers, family.tokenizer)
    code = {"trust_remote_code": trust} if family.tokenizer == "AutoTokenizer" else {}
    here = Path(name)
    files = ("tokenizer.json", "tokenizer_config.json", "vocab.json")
    is_bare = here.is_dir() and not any((here / file).is_file() for file in files)
    return kind.from_pretrained(family.tokenizer_of if family.tokenizer_of and is_bare else name, **code)


def _net(family: Family, name: str, settings: Settings, trust: bool, dtype: torch.dtype | None) -> Any:
    options: dict[str, Any] = {"dtype": dtype or "auto", "use_safetensors": True}
    if family.remote_code:
        auto = next((each for each in _AUTO if each in settings["auto_map"]), _AUTO[-1])
        kind: Any = getattr(transformers, auto)
        return _read(name, lambda: kind.from_pretrained(name, trust_remote_code=trust, **options))
    kind = getattr(transformers, net_class(family, settings))
    options |= {"config": config_of(family, settings, name), "output_loading_info": True}
    if renamed := renamed_weights(family):
        options["key_mapping"] = renamed
    net, info = _read(name, lambda: kind.from_pretrained(name, **options))
    lost = sorted({*info["missing_keys"], *info["unexpected_keys"]})
    if lost:
        raise FormatRefused(
            f"{name}: {len(lost)} of its weights are not those of {kind.__name__}, whose shape {family.name} "
            f"has, first {lost[0]}"
        )
    return net
