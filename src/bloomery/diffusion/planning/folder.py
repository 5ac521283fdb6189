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
from .planner import Planner, window_net
from .window_net import WindowNet
from .windows import Spec

VERSION = 1
SETTINGS, WEIGHTS = "planner.json", "planner.safetensors"
KEPT = "familiar"  # the name of the sample of states among the tensors


def save_planner(planner: Planner, folder: Path) -> None:
    """Written whole or not at all, the settings last."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"net.{name}": value.contiguous() for name, value in planner.net.state_dict().items()}
    tensors[KEPT] = torch.from_numpy(planner.familiar.kept)
    write_atomically(folder / WEIGHTS, save(tensors))
    net = planner.net
    if not isinstance(net, WindowNet):
        raise FormatRefused(f"a planner's folder holds a WindowNet, not a {type(net).__name__}")
    settings = {
        "version": VERSION,
        "maze": {"name": planner.maze.name, "lines": planner.maze.lines},
        "spec": asdict(planner.spec),
        "net": {"hidden": net.hidden, "depth": net.depth},
        "limit": planner.familiar.limit,
        "sampling": {"steps": planner.steps, "eta": planner.eta},
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
    net = window_net(maze, spec, **settings["net"])
    net.load_state_dict({name.removeprefix("net."): one for name, one in tensors.items() if name != KEPT})
    familiar = Familiar(tensors[KEPT].numpy(), settings["limit"])
    return Planner(maze, spec, net, familiar, **settings["sampling"])
