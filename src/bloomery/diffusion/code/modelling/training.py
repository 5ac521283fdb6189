"""Training a code model in a folder: files to tokens, windows to weights, and bits a byte on files unseen.

The folder keeps what was asked (`training.json`), the tokenizer, checkpoints, the model and the report. The
same call on the same folder goes on from where it was killed, and ends with the same weights.
"""

import json
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim import Optimizer

from bloomery.core.config import option
from bloomery.core.disk import remove_tree, write_atomically
from bloomery.core.errors import FormatRefused
from bloomery.core.step import Paused
from bloomery.diffusion.code.lexemes.tokenizer import FILE, LexemeTokenizer
from bloomery.diffusion.code.modelling.asking import ASKED, asked, written
from bloomery.diffusion.code.modelling.files import File, Gathered, split
from bloomery.diffusion.code.modelling.looking import Looks
from bloomery.diffusion.code.modelling.losses import masked_loss
from bloomery.diffusion.code.modelling.measuring import Bits, bits_per_byte, bound_of
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.modelling.windows import Encoded, Windows, encode
from bloomery.diffusion.denoisers.fitting import FittingConfig, fit
from bloomery.diffusion.denoisers.teaching import Loss
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.muon_grokfast import MuonGrokfast
from bloomery.training.presets import MuonGrokfastConfig
from bloomery.training.schedules import ScheduleConfig

Tell = Callable[[str, int, int, str], None]  # part, done, total, text
PARTS = {"tokens": 1, "training": 30, "measuring": 2}  # of a run, with their share of the work
RESULT, CHECKPOINTS = "result.json", "checkpoints"
LOOKS = 20  # at the files that choose the weights
SAVED = 200  # steps after which a checkpoint is written, at the latest
TRIED = 4  # steps that tell the pace


@dataclass(frozen=True, kw_only=True)
class ModellingConfig:
    """How a code model is trained."""

    size: Literal["tiny", "small", "base"] = option("small", help="of the net")
    vocabulary: int = option(4096, help="tokens at most, learned from the files", low=600)
    window: int = option(256, help="tokens the net sees at once", low=16)
    batch: int = option(8, help="windows a step", low=1)
    steps: int = option(0, help="of the optimizer; 0: as many as the minutes allow", low=0)
    minutes: float = option(20.0, help="of training, by the pace of its first steps", low=0.0)
    lr: float = option(6e-3, help="the highest learning rate of AdamW: embeddings, head, vectors", low=0.0)
    muon_lr: float = option(6e-3, help="that of Muon: the matrices of the blocks", low=0.0)
    weight_decay: float = option(0.01, help="decay of matrices, as a share of the rate", low=0.0)
    held_out: float = option(0.05, help="share of the bytes to measure on; half as much chooses the weights")
    draws: int = option(20, help="of masks for every held-out window", low=2)
    places: bool = option(True, help="whether the net is told lines, indents and scopes")
    seed: int = option(0, help="equal seeds give equal models", low=0)


@dataclass(frozen=True)
class Parts:
    """Files to learn from, those that choose the weights, and those that only measure."""

    learning: list[File]
    choosing: list[File]
    measuring: list[File]


@dataclass(frozen=True)
class Trained:
    """steps: those of the optimizer. chosen: bits a byte of the files that chose, at each look."""

    model: CodeModel
    bits: Bits
    steps: int
    seconds: float
    chosen: tuple[tuple[int, float], ...]
    parts: dict[str, int]


def parts_of(files: Sequence[File], config: ModellingConfig) -> Parts:
    rest, measuring = split(files, config.held_out, config.seed)
    learning, choosing = split(rest, config.held_out / 2, config.seed + 1)
    return Parts(learning, choosing, measuring)


def train(
    gathered: Gathered,
    folder: Path,
    config: ModellingConfig,
    *,
    tell: Tell | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Trained:
    """Raises: UserError where the folder holds a run of other settings or files; Paused; Failure."""
    told = tell or _nobody
    wanted = asked(folder, gathered.files, config)
    parts = parts_of(gathered.files, config)
    told("tokens", 0, 3, "")
    tokenizer = _tokenizer(folder, parts.learning, config.vocabulary)
    told("tokens", 1, 3, f"{len(tokenizer)} tokens in the vocabulary")
    learning, choosing = (encode(tokenizer, files) for files in (parts.learning, parts.choosing))
    told("tokens", 3, 3, f"{sum(len(file.body) for file in learning):,} tokens to learn from")
    if not (folder / RESULT).is_file():
        model = fresh(tokenizer, learning, config)
        steps = wanted["steps"] or _paced(folder, wanted, model, learning, config)
        result = _learn(model, learning, choosing, folder, config, steps, told, should_stop)
        measured = _measure(model, encode(tokenizer, parts.measuring), config, told)
        model.save(folder)
        write_atomically(folder / RESULT, written(result | {"bits": asdict(measured)}))
        remove_tree(folder / CHECKPOINTS)
    return _trained(folder, parts)


def fresh(tokenizer: LexemeTokenizer, files: Sequence[Encoded], config: ModellingConfig) -> CodeModel:
    """A model that knows how often each token comes, and nothing else."""
    model = CodeModel.fresh(tokenizer, config.size, places=config.places, seed=config.seed)
    counts = np.bincount(np.concatenate([file.body for file in files]), minlength=len(tokenizer)) + 0.5
    with torch.no_grad():
        model.net.stack.head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
    return model


def windows_of(files: Sequence[Encoded], config: ModellingConfig) -> Loader:
    windows = Windows(files, config.window, config.seed)
    batch = min(config.batch, len(windows))
    return Loader(windows, batch, seed=config.seed, visits=True, collate=windows.drawn)


def fitting_config(config: ModellingConfig, steps: int, batch: int) -> FittingConfig:
    every = max(1, steps // LOOKS)
    return FittingConfig(
        loop=TrainConfig(
            steps=steps,
            micro_batch=batch,
            seed=config.seed,
            evaluate_every=every,
            checkpoint_every=min(every, SAVED),
        ),
        schedule=ScheduleConfig(warmup_steps=min(100, steps // 10)),
        average=0.99,
    )


def optimizer_of(net: nn.Module, config: ModellingConfig) -> MuonGrokfast:
    """Muon for the matrices of the blocks, AdamW for all else; no filter of gradients, no QK-Clip."""
    groups: dict[str, list[tuple[str, nn.Parameter]]] = {"muon": [], "adamw": []}
    for name, weight in net.named_parameters():
        matrix = weight.ndim == 2 and (".attention." in name or ".feed_forward." in name)
        groups["muon" if matrix else "adamw"].append((name, weight))
    settings = MuonGrokfastConfig(
        lr=config.muon_lr, adamw_lr=config.lr, lam=0.0, beta=0.95, weight_decay=config.weight_decay,
        qk_clip_tau=None,
    )  # fmt: skip
    return MuonGrokfast(groups, settings)


def _learn(
    model: CodeModel, learning: Sequence[Encoded], choosing: Sequence[Encoded], folder: Path,
    config: ModellingConfig, steps: int, told: Tell, should_stop: Callable[[], bool] | None,
) -> dict[str, Any]:  # fmt: skip
    """Leaves the best weights in the model."""
    batches, began = windows_of(learning, config), time.monotonic()
    looks = Looks(bound_of(model), choosing, config.window, folder / CHECKPOINTS)
    done = fit(
        model.net, batches, masked_loss(model.tokenizer), fitting_config(config, steps, batches.batch_size),
        folder=folder / CHECKPOINTS, validate=looks, metric=looks.note, should_stop=should_stop,
        progress=lambda at, total, text: told("training", at, total, text),
        optimizer=optimizer_of(model.net, config),
    )  # fmt: skip
    if done.stopped == "requested":
        raise Paused(f"paused after {done.steps} of {steps} steps; the same command goes on")
    model.net.load_state_dict(load_file(looks.best))
    return {"steps": done.steps, "seconds": time.monotonic() - began, "chosen": looks.values}


def _measure(model: CodeModel, files: Sequence[Encoded], config: ModellingConfig, told: Tell) -> Bits:
    return bits_per_byte(
        bound_of(model), files, config.window, draws=config.draws, seed=config.seed,
        tell=lambda done, total: told("measuring", done, total, ""),
    )  # fmt: skip


def _tokenizer(folder: Path, files: Sequence[File], size: int) -> LexemeTokenizer:
    if not (folder / FILE).is_file():
        LexemeTokenizer.trained([(file.data, file.language) for file in files], size).save(folder)
    return LexemeTokenizer.load(folder)


def _paced(
    folder: Path, wanted: dict[str, Any], model: CodeModel, files: Sequence[Encoded], config: ModellingConfig
) -> int:
    """So many steps as the minutes allow, at the pace of a few on a copy; written down for the next call."""
    batches, net = windows_of(files, config), deepcopy(model.net)
    seconds = seconds_a_step(net, masked_loss(model.tokenizer), batches, optimizer_of(net, config))
    steps = max(LOOKS, int(config.minutes * 60 / seconds))
    write_atomically(folder / ASKED, written(wanted | {"steps": steps}))
    return steps


def seconds_a_step(net: nn.Module, loss: Loss, batches: Loader, optimizer: Optimizer) -> float:
    """Of the first few, the very first not counted; trains the net."""
    draws, began = torch.Generator().manual_seed(0), 0.0
    for step in range(TRIED + 1):
        began = time.monotonic() if step == 1 else began
        optimizer.zero_grad()
        loss(net, next(batches), draws).mean().backward()
        optimizer.step()
    return (time.monotonic() - began) / TRIED


def _trained(folder: Path, parts: Parts) -> Trained:
    counts = {name: len(files) for name, files in vars(parts).items()}
    try:
        found = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        bits, steps, seconds = Bits(**found["bits"]), int(found["steps"]), float(found["seconds"])
        chosen = tuple((int(step), float(value)) for step, value in found["chosen"])
    except (ValueError, KeyError, TypeError) as error:
        path = folder / RESULT
        raise FormatRefused(f"{path} cannot be read ({error!r}); remove the folder to start anew") from error
    return Trained(CodeModel.load(folder), bits, steps, seconds, chosen, counts)


def _nobody(*_: object) -> None:
    return None
