"""A planner as a folder: `planner.json` and `planner.safetensors`, no pickle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from bloomery.core.disk import write_atomically
from bloomery.core.errors import FormatRefused, MissingFile

from .familiar import Familiar
from .mazes import Maze
from .nets import built, described
from .planner import Planner
from .recalling import Recalled
from .windows import Spec

VERSION = 1
SETTINGS, WEIGHTS = "planner.json", "planner.safetensors"
KEPT, RECALLED = "familiar", "recalled"  # tensors beside the net's: known states, remembered windows


def save_planner(planner: Planner, folder: Path) -> None:
    """Written whole or not at all, the settings last."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"net.{name}": value.contiguous() for name, value in planner.net.state_dict().items()}
    tensors[KEPT] = torch.from_numpy(planner.familiar.kept)
    recalled = planner.recalled
    if recalled is not None:
        tensors[RECALLED] = recalled.windows.contiguous()
    write_atomically(folder / WEIGHTS, save(tensors))
    settings = {
        "version": VERSION,
        "maze": {"name": planner.maze.name, "lines": planner.maze.lines},
        "spec": asdict(planner.spec),
        "net": described(planner.net),
        "limit": planner.familiar.limit,
        "sampling": {"steps": planner.steps, "eta": planner.eta},
        "adapted_to": planner.adapted_to,
        "recalled": None if recalled is None else {"share": recalled.share, "depth": recalled.depth},
    }
    write_atomically(folder / SETTINGS, (json.dumps(settings, indent=1) + "\n").encode())


def load_planner(folder: Path) -> Planner:
    """Raises: MissingFile; FormatRefused for another version or files that do not fit together."""
    for name in (SETTINGS, WEIGHTS):
        if not (folder / name).is_file():
            raise MissingFile(f"a planner's folder holds {SETTINGS} and {WEIGHTS}; {folder} has no {name}")
    try:
        return _read(json.loads((folder / SETTINGS).read_text()), load_file(folder / WEIGHTS))
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatRefused(f"{folder} is not a planner's folder that can be read: {error}") from error


def _read(settings: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Planner:
    if settings["version"] != VERSION:
        raise FormatRefused(f"expected a planner of version {VERSION}, this one has {settings['version']}")
    maze = Maze(settings["maze"]["name"], tuple(settings["maze"]["lines"]))
    spec = Spec(**settings["spec"])
    net = built(maze, spec, **settings["net"])
    weights = {name: one for name, one in tensors.items() if name.startswith("net.")}
    net.load_state_dict({name.removeprefix("net."): one for name, one in weights.items()})
    familiar, how = Familiar(tensors[KEPT].numpy(), settings["limit"]), settings.get("recalled")
    recalled = None if how is None else Recalled(tensors[RECALLED], **how)
    task = settings.get("adapted_to", "")
    return Planner(maze, spec, net, familiar, recalled=recalled, adapted_to=task, **settings["sampling"])
