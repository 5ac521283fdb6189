"""Model folders: what stages hand on and what is shipped, as `transformers` writes and reads them."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile, UserError
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.packed.configuration_packed import PackedConfig
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import Experts, attach
from bloomery.models.packed.modeling_packed import PackedForCausalLM
from bloomery.tasks.tokenizer import check_vocabulary

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json")  # others hold words, or lists
MACHINE_DEPENDENT = ("_name_or_path", "name_or_path", "is_local", "local_files_only")  # how it came here

logging.disable_progress_bar()
AutoConfig.register(CognateConfig.model_type, CognateConfig)
AutoConfig.register(PackedConfig.model_type, PackedConfig)
AutoModelForCausalLM.register(CognateConfig, CognateForCausalLM)
AutoModelForCausalLM.register(PackedConfig, PackedForCausalLM)


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Weights as safetensors, config, tokenizer and the model's code; the same model gives the same bytes."""
    check_vocabulary(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    drop_machine_dependent(folder)


def check_free(folder: Path) -> None:
    """Raises: UserError where the folder to be written holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists; name a folder that does not")


def drop_machine_dependent(folder: Path) -> None:
    """Take out of the folder's configs what tells how the model came to this machine."""
    for path in (folder / name for name in CONFIGS):
        if path.is_file():
            _drop(path, MACHINE_DEPENDENT)


def load_model(folder: Path, **changes: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A causal language model and its tokenizer from a local folder; `changes` go into its config.

    Experts beside the weights are at work in it, in `model.experts`, whatever kind of model it is. Code that
    a folder brings along is not run: Cognate's comes from this package, others' from transformers.
    Raises: MissingFile; FormatRefused for pickles, foreign code and mismatched vocabularies; DamagedArtifact.
    """
    model, tokenizer = load_without_experts(folder, **changes)
    if not (folder / EXPERTS).is_file() or isinstance(getattr(model, "experts", None), Experts):
        return model, tokenizer  # a packed folder has loaded them
    try:
        attach(model, folder / EXPERTS)
    except ValueError as error:
        raise DamagedArtifact(f"{folder}: {error}") from error
    return model, tokenizer


def load_without_experts(folder: Path, **changes: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """What plain transformers make of the folder: experts beside weights in full precision are left out."""
    check_folder(folder)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, local_files_only=True, **changes
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise DamagedArtifact(
            f"{folder} does not load: {' '.join(str(error).split())[:300]}; get it again"
        ) from error
    check_vocabulary(model, tokenizer)
    return model, tokenizer


def check_folder(folder: Path) -> None:
    """Raises: MissingFile, FormatRefused or DamagedArtifact, before anything of the folder is interpreted."""
    if not folder.is_dir():
        raise MissingFile(
            f"there is no model folder {folder}; name one that transformers' save_pretrained wrote"
        )
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    weights = sorted(folder.glob("*.safetensors"))
    if pickles and not weights:
        raise FormatRefused(
            f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code when it is read; "
            "save them again with save_pretrained(..., safe_serialization=True)"
        )
    if not (folder / "config.json").is_file() or not weights:
        raise MissingFile(f"{folder} has no config.json or no *.safetensors; it is not a model folder")
    for path in weights:
        _check_safetensors(path)
    for path in sorted(folder.glob("*.json")):
        _check_json(path)
    config = json.loads((folder / "config.json").read_text())
    kind = config.get("inner", config).get("model_type")  # a packed folder's is that of what is packed
    if kind not in CONFIG_MAPPING:
        raise FormatRefused(
            f"{folder} is a '{kind}' model, which neither this package nor transformers knows; code that a "
            "folder brings along is not run"
        )


def _check_json(path: Path) -> None:
    try:
        values = json.loads(path.read_text())
        whole = isinstance(values, dict) or path.name not in CONFIGS
    except ValueError:
        whole = False
    if not whole:
        raise DamagedArtifact(f"{path} is truncated or altered; get it again")


def _check_safetensors(path: Path) -> None:
    try:
        with safe_open(path, framework="pt") as file:
            file.keys()
    except SafetensorError as error:
        raise DamagedArtifact(f"{path} is truncated or altered ({error}); get it again") from error


def _drop(path: Path, keys: tuple[str, ...]) -> None:
    values = json.loads(path.read_text())
    if any(key in values for key in keys):
        kept = {key: value for key, value in values.items() if key not in keys}
        path.write_text(json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
