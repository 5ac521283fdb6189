"""A model that a recipe begins with, instead of one that its first stage makes. Light: no model code here."""

import json
from pathlib import Path

from bloomery.core.cid import check_cid
from bloomery.core.errors import ConfigError, UserError
from bloomery.core.workspace import Workspace

CAUSAL = ("ForCausalLM", "LMHeadModel")  # how transformers ends the names of such models


def check_given(given: str) -> None:
    """Raises: ConfigError where what a recipe is given is neither a folder of a causal language model nor a
    CID, of which only a workspace knows more."""
    if not is_cid(given):
        _check_folder(Path(given).expanduser())


def bring_in(workspace: Workspace, given: str) -> str:
    """The CID under which the workspace has the model; a folder is copied into its store.

    Raises: ConfigError; MissingFile for a CID that is not there; FormatRefused for a folder with links.
    """
    if is_cid(given):
        _check_folder(workspace.artifact(given))
        return given
    folder = Path(given).expanduser()
    _check_folder(folder)
    cid = workspace.store.put(folder)
    size = workspace.store.size_bytes(cid)
    workspace.catalog.add_artifact(cid, kind="model", size_bytes=size, name=folder.resolve().name)
    return cid


def is_cid(given: str) -> bool:
    """Whether this names content, not a place."""
    try:
        check_cid(given)
    except UserError:
        return False
    return not Path(given).exists()


def _check_folder(folder: Path) -> None:
    config = folder / "config.json"
    if not config.is_file() or not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"given is {folder}, which has no config.json or no *.safetensors; expected the folder of a "
            "causal language model, as transformers' save_pretrained writes it, or the CID of one"
        )
    if not any(folder.glob("tokenizer*")):
        raise ConfigError(f"given is {folder}, which has no tokenizer; save it there, too")
    try:
        names = json.loads(config.read_text()).get("architectures") or []
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"given is {folder}, whose config.json is no JSON object ({error})") from error
    if not any(str(name).endswith(CAUSAL) for name in names):
        raise ConfigError(
            f"given is {folder}, a {', '.join(map(str, names)) or 'model of no architecture'}; expected a "
            f"causal language model (its architecture ends with {' or '.join(CAUSAL)})"
        )
