"""What the training in a folder was asked, so that the same call goes on and another one is refused."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloomery.core.disk import write_atomically
from bloomery.core.errors import FormatRefused, UserError
from bloomery.diffusion.code.modelling.files import File

if TYPE_CHECKING:
    from bloomery.diffusion.code.modelling.training import ModellingConfig

ASKED = "training.json"


def asked(folder: Path, files: Sequence[File], config: "ModellingConfig") -> dict[str, Any]:
    """What the folder's training was asked, and its steps, 0 where they are not known yet; a new or empty
    folder is asked this.

    Raises: UserError where it was asked something else, or the folder is of something else; FormatRefused.
    """
    ours, path = asdict(config) | {"files": _digest(files)}, folder / ASKED
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} is not empty and holds no training of ours; --out names a new folder")
        write_atomically(path, written({"asked": ours, "steps": config.steps}))
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        theirs = found["asked"]
        other = [name for name in ours if theirs[name] != ours[name]]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatRefused(f"{path} cannot be read ({error!r}); remove the folder to start anew") from error
    if other:
        raise UserError(
            f"{folder} holds a training with other {_listed(other, theirs, ours)}; give the same again, or "
            "another --out"
        )
    return found


def written(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _digest(files: Sequence[File]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{file.language}\0{hashlib.sha256(file.data).hexdigest()}\n".encode())
    return digest.hexdigest()


def _listed(names: Sequence[str], theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    return ", ".join(
        name if name == "files" else f"{name} ({theirs[name]} there, {ours[name]} now)" for name in names
    )
