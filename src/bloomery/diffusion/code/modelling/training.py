"""Training a code model in a folder: files to tokens, windows to weights, and bits a byte on files unseen.

The folder keeps what was asked (`training.json`), the tokenizer, checkpoints, the model and the report. The
same call on the same folder goes on from where it was killed, and ends with the same weights.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import nn

from bloomery.core.config import option
from bloomery.core.disk import remove_tree, write_atomically
from bloomery.core.errors import FormatRefused, UserError
from bloomery.core.step import Paused
from bloomery.diffusion.code.lexemes.tokenizer import FILE, LexemeTokenizer
from bloomery.diffusion.code.modelling.files import File, Gathered, split
from bloomery.diffusion.code.modelling.losses import masked_loss
from bloomery.diffusion.code.modelling.measuring import Bits, bits_per_byte, bound_of
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.modelling.windows import Encoded, Windows, encode
from bloomery.diffusion.denoisers.fitting import FittingConfig, fit
from bloomery.diffusion.denoisers.teaching import Loss
from bloomery.training.callbacks import EarlyStopping
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.schedules import ScheduleConfig

Tell = Callable[[str, int, int, str], None]  # part, done, total, text
PARTS = {"tokens": 1, "training": 30, "measuring": 2}  # of a run, with their share of the work
ASKED, RESULT, CHECKPOINTS, BEST = "training.json", "result.json", "checkpoints", "best.safetensors"
BITS = "bits_per_byte"
GLANCES, PATIENCE = 20, 6  # looks at files that choose the weights; so many without gain end the run
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
    lr: float = option(2e-3, help="the highest learning rate", low=0.0)
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
    asked = _asked(folder, gathered, config)
    parts = parts_of(gathered.files, config)
    told("tokens", 0, 3, "")
    tokenizer = _tokenizer(folder, parts.learning, config.vocabulary)
    told("tokens", 1, 3, f"{len(tokenizer)} tokens in the vocabulary")
    learning, choosing = (encode(tokenizer, files) for files in (parts.learning, parts.choosing))
    told("tokens", 3, 3, f"{sum(len(file.body) for file in learning):,} tokens to learn from")
    if not (folder / RESULT).is_file():
        model = fresh(tokenizer, learning, config)
        steps = asked["steps"] or _paced(folder, asked, model, learning, config)
        result = _learn(model, learning, choosing, folder, config, steps, told, should_stop)
        measured = _measure(model, encode(tokenizer, parts.measuring), config, told)
        model.save(folder)
        write_atomically(folder / RESULT, _json(result | {"bits": asdict(measured)}))
        remove_tree(folder / CHECKPOINTS)
        remove_tree(folder / BEST)
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
    every = max(1, steps // GLANCES)
    return FittingConfig(
        loop=TrainConfig(
            steps=steps, micro_batch=batch, seed=config.seed, evaluate_every=every, checkpoint_every=every
        ),
        schedule=ScheduleConfig(warmup_steps=min(100, steps // 10)),
        lr=config.lr,
        betas=(0.9, 0.95),
        weight_decay=config.weight_decay,
        average=0.99,
    )  # fmt: skip


def _learn(
    model: CodeModel, learning: Sequence[Encoded], choosing: Sequence[Encoded], folder: Path,
    config: ModellingConfig, steps: int, told: Tell, should_stop: Callable[[], bool] | None,
) -> dict[str, Any]:  # fmt: skip
    """Leaves the best weights in the model."""
    batches, looks = windows_of(learning, config), _Looks(model, choosing, folder / BEST, config)
    began = time.monotonic()
    done = fit(
        model.net, batches, masked_loss(model.tokenizer), fitting_config(config, steps, batches.batch_size),
        folder=folder / CHECKPOINTS, validate=looks, metric=looks.note, should_stop=should_stop,
        progress=lambda at, total, text: told("training", at, total, text),
        callbacks=[EarlyStopping(BITS, patience=PATIENCE)],
    )  # fmt: skip
    if done.stopped == "requested":
        raise Paused(f"paused after {done.steps} of {steps} steps; the same command goes on")
    model.net.load_state_dict(load_file(folder / BEST))
    return {"steps": done.steps, "seconds": time.monotonic() - began, "chosen": looks.values}


class _Looks:
    """Bits a byte of a few windows, always under the same masks; the best weights so far are kept."""

    def __init__(
        self, model: CodeModel, files: Sequence[Encoded], path: Path, config: ModellingConfig
    ) -> None:
        self.cost, self.files, self.path, self.config = bound_of(model), few(files), path, config
        self.values: list[tuple[int, float]] = []

    def __call__(self, net: nn.Module) -> Mapping[str, float]:
        found = bits_per_byte(self.cost, self.files, self.config.window, draws=4, seed=self.config.seed)
        best = self.path.with_suffix(".json")
        if not best.is_file() or found.bits_per_byte <= json.loads(best.read_text())[BITS]:
            write_atomically(
                self.path, save({name: one.contiguous() for name, one in net.state_dict().items()})
            )
            write_atomically(best, _json({BITS: found.bits_per_byte}))
        return {BITS: found.bits_per_byte}

    def note(self, name: str, value: float, step: int) -> None:
        if name.endswith(BITS):
            self.values.append((step, value))


def few(files: Sequence[Encoded], tokens: int = 12_000) -> list[Encoded]:
    """Files, the smallest first, of so many tokens; one at least."""
    found = list[Encoded]()
    for file in sorted(files, key=lambda file: len(file.body)):
        if found and len(file.body) > tokens:
            break
        found.append(file)
        tokens -= len(file.body)
    return found


def _measure(model: CodeModel, files: Sequence[Encoded], config: ModellingConfig, told: Tell) -> Bits:
    return bits_per_byte(
        bound_of(model), files, config.window, draws=config.draws, seed=config.seed,
        tell=lambda done, total: told("measuring", done, total, ""),
    )  # fmt: skip


def _tokenizer(folder: Path, files: Sequence[File], size: int) -> LexemeTokenizer:
    if not (folder / FILE).is_file():
        LexemeTokenizer.trained([(file.data, file.language) for file in files], size).save(folder)
    return LexemeTokenizer.load(folder)


def _asked(folder: Path, gathered: Gathered, config: ModellingConfig) -> dict[str, Any]:
    """What the folder's run was asked, steps included where they are known.

    Raises: UserError where it was something else.
    """
    digest = hashlib.sha256()
    for file in gathered.files:
        digest.update(f"{file.path}\0{file.language}\0{hashlib.sha256(file.data).hexdigest()}\n".encode())
    ours = asdict(config) | {"files": digest.hexdigest()}
    path = folder / ASKED
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} is not empty and holds no training of ours; --out names a new folder")
        write_atomically(path, _json({"asked": ours, "steps": config.steps}))
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


def _listed(names: Sequence[str], theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    return ", ".join(
        name if name == "files" else f"{name} ({theirs[name]} there, {ours[name]} now)" for name in names
    )


def _paced(
    folder: Path, asked: dict[str, Any], model: CodeModel, files: Sequence[Encoded], config: ModellingConfig
) -> int:
    """So many steps as the minutes allow, at the pace of a few on a copy; written down for the next call."""
    batches, net = windows_of(files, config), deepcopy(model.net)
    seconds = seconds_a_step(net, masked_loss(model.tokenizer), batches)
    steps = max(GLANCES, int(config.minutes * 60 / seconds))
    write_atomically(folder / ASKED, _json(asked | {"steps": steps}))
    return steps


def seconds_a_step(net: nn.Module, loss: Loss, batches: Loader) -> float:
    """Of the optimizer, the first one not counted; trains the net."""
    optimizer, draws = torch.optim.AdamW(net.parameters(), lr=1e-6), torch.Generator().manual_seed(0)
    began = 0.0
    for step in range(TRIED + 1):
        began = time.monotonic() if step == 1 else began
        optimizer.zero_grad()
        loss(net, next(batches), draws).mean().backward()
        optimizer.step()
    return (time.monotonic() - began) / TRIED


def _trained(folder: Path, parts: Parts) -> Trained:
    found = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    counts = {name: len(files) for name, files in vars(parts).items()}
    chosen = tuple((int(step), float(value)) for step, value in found["chosen"])
    return Trained(
        CodeModel.load(folder), Bits(**found["bits"]), found["steps"], found["seconds"], chosen, counts
    )


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _nobody(*_: object) -> None:
    return None
