"""The training loop: one optimizer step after another, each a place where the run can stop and go on."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .callbacks import Callback
from .checkpoint import Restored, load_newest, save_checkpoint
from .config import LossResult, Progress, TrainConfig, TrainResult
from .devices import Backend, OneDevice
from .errors import CheckpointRefused, DivergenceError
from .loader import Dataset, Loader
from .memory import is_out_of_memory, out_of_memory
from .schedules import Prepare, Schedule, constant

Loss = Callable[[nn.Module, Any], LossResult | Tensor]
MAX_OVERFLOWS = 50  # fp16 halves its scale at each: beyond this no scale is left to try


def model_loss(model: nn.Module, batch: Mapping[str, Any]) -> LossResult:
    """The loss that a model computes itself from `labels`, with the parts it names in `losses`."""
    output = model(**batch)
    return LossResult(output.loss, dict(getattr(output, "losses", None) or {}))


def count_targets(batch: Any) -> int:
    """How much a micro-batch weighs: its labels that are not -100, else 1.

    A model that predicts the next token never learns the first label of a row, so it is not counted.
    """
    labels = batch.get("labels") if isinstance(batch, Mapping) else None
    if labels is None:
        return 1
    learned = labels[:, 1:] if labels.ndim > 1 else labels
    return int((learned != -100).sum())


def loader_for(dataset: Dataset, config: TrainConfig, **options: Any) -> Loader:
    """A loader with the config's micro-batch, seed, workers and pinned memory."""
    return Loader(
        dataset,
        config.micro_batch,
        seed=config.seed,
        workers=config.workers,
        pin_memory=config.pin_memory,
        **options,
    )


def train(
    model: nn.Module,
    batches: Loader,
    *,
    optimizer: Optimizer,
    config: TrainConfig,
    schedule: Schedule | None = None,
    loss: Loss = model_loss,
    prepare: Prepare | None = None,
    weigh: Callable[[Any], int] = count_targets,
    validate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    should_stop: Callable[[], bool] | None = None,
    backend: Backend | None = None,
) -> TrainResult:
    """Trains `model` in place for `config.steps` optimizer steps, going on from what `checkpoint` holds.

    A micro-batch counts by its targets (`weigh`), so accumulation gives the gradient of the whole batch. On
    a CPU an interrupted and resumed run ends with the same bits as one that was never interrupted, as long as
    what is random in it draws from torch's global generator. The caller's random state is left as it was.

    Raises: DivergenceError when a loss, gradient or weight is not finite; OutOfMemory with the settings to
    change; CheckpointDamaged, CheckpointRefused.
    """
    backend = backend or OneDevice(config)
    devices = [backend.device] if backend.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(config.seed + backend.rank)
        run = _Run(
            model, batches, optimizer, config, schedule or constant(), loss, prepare, weigh, validate,
            tuple(callbacks), checkpoint, should_stop, backend,
        )  # fmt: skip
        run.resume()
        run.steps()
        return run.result()


@dataclass
class _Run:
    """The parts of one call of `train`, and the progress they share."""

    model: nn.Module
    batches: Loader
    optimizer: Optimizer
    config: TrainConfig
    schedule: Schedule
    loss: Loss
    prepare: Prepare | None
    weigh: Callable[[Any], int]
    validate: Callable[[nn.Module], Mapping[str, float]] | None
    callbacks: tuple[Callback, ...]
    folder: Path | None
    should_stop: Callable[[], bool] | None
    backend: Backend
    restored: Restored | None = None

    def __post_init__(self) -> None:
        if self.config.gradient_checkpointing:
            _recompute_activations(self.model)
        self.model, self.optimizer = self.backend.prepare(self.model, self.optimizer)
        self.plain = self.backend.plain(self.model)
        self.called: Any = _compiled(self.model, self.config) if self.config.compile else self.model
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.batches.shard(self.backend.rank, self.backend.world)
        self.progress = Progress(self.config.steps)

    def resume(self) -> None:
        self.restored = load_newest(self.folder) if self.folder else None
        if self.restored is not None:
            state = self.restored.state
            self._refuse_other_run(state)
            self.backend.load_state_dict(self.model, self.optimizer, state["backend"])
            self.batches.load_state_dict(state["batches"])
            self.progress.load_state_dict(state["progress"])
            for callback, (_, saved) in zip(self.callbacks, state["callbacks"], strict=True):
                callback.load_state_dict(saved)
            self.progress.checkpoint = self.restored.path
        for callback in self.callbacks:
            callback.on_start(self.plain, self.progress)

    def steps(self) -> None:
        progress = self.progress
        self.model.train()
        while progress.step < self.config.steps and not progress.stopped:
            try:
                self._optimizer_step()
            except (RuntimeError, MemoryError) as error:
                if is_out_of_memory(error):
                    raise out_of_memory(self.config, progress.step + 1, error) from error
                raise
            progress.step += 1
            for callback in self.callbacks:
                callback.on_step(self.plain, progress)
            self._between_steps()
        self._refuse_bad_weights()
        if self.folder is not None and not self._saved():
            self._save(self.folder)

    def result(self) -> TrainResult:
        progress, restored = self.progress, self.restored
        return TrainResult(
            steps=progress.step,
            last_loss=progress.loss,
            lowest=progress.lowest,
            highest=progress.highest,
            stopped=progress.stopped or "finished",
            targets=progress.targets,
            validation=progress.validation,
            checkpoint=progress.checkpoint,
            resumed_from=restored.step if restored else 0,
            skipped_checkpoints=restored.skipped if restored else (),
        )

    def _optimizer_step(self) -> None:
        step, backend = self.progress.step, self.backend
        factor = self.schedule(step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        micro_batches = [self._next_batch(step) for _ in range(self.config.accumulate)]
        weights = [self.weigh(batch) for batch in micro_batches]
        targets = int(backend.sum([sum(weights)])[0])
        if not targets:
            raise ValueError(f"step {step + 1} has nothing to learn from: all labels are -100")
        means: dict[str, Tensor | float] = {}
        self.optimizer.zero_grad(set_to_none=True)
        for number, (batch, weight) in enumerate(zip(micro_batches, weights, strict=True), start=1):
            last = number == len(micro_batches)
            if not weight and not (last and backend.world > 1):  # the last one gathers the gradients
                continue
            with nullcontext() if last else backend.accumulating(self.model):
                self._learn(batch, weight / targets, means)
        self._apply(dict(zip(means, backend.sum([float(v) for v in means.values()]), strict=True)), targets)

    def _next_batch(self, step: int) -> Any:
        batch = next(self.batches)
        return _to(self.backend.device, self.prepare(batch, step) if self.prepare else batch)

    def _learn(self, batch: Any, share: float, means: dict[str, Tensor | float]) -> None:
        with self.backend.forward():
            outcome = self.loss(self.called, batch)
        result = outcome if isinstance(outcome, LossResult) else LossResult(outcome)
        self.backend.backward(result.loss * (share * self.backend.world))  # processes average their gradients
        for name, value in {"loss": result.loss, **result.metrics}.items():
            value = value.detach().float() if isinstance(value, Tensor) else value
            means[name] = means.get(name, 0.0) + (value * share if share else 0.0)  # a mean of none is nan

    def _apply(self, means: dict[str, float], targets: int) -> None:
        """Steps the optimizer with the gathered gradient, unless it or the loss is not a number."""
        progress, config = self.progress, self.config
        if not math.isfinite(means["loss"]):
            parts = ", ".join(f"{name} = {value}" for name, value in means.items())
            raise self._diverged(f"the loss is not finite ({parts})")
        clip_norm = math.inf if config.clip_norm is None else config.clip_norm
        norm = float(self.backend.clip(self.model, self.optimizer, clip_norm))
        if not math.isfinite(norm) and config.precision != "fp16":
            raise self._diverged(f"the gradient is not finite in {_bad_gradients(self.plain)}")
        stepped = self.backend.step(self.optimizer)
        progress.overflows = 0 if stepped else progress.overflows + 1
        if progress.overflows >= MAX_OVERFLOWS:
            raise self._diverged(f"fp16 overflowed in {progress.overflows} steps in a row")
        progress.loss = means["loss"]
        progress.targets += targets
        progress.add(means | ({"gradient_norm": norm} if stepped else {}))

    def _between_steps(self) -> None:
        progress, config = self.progress, self.config
        last = progress.step == config.steps
        if last or progress.step % config.report_every == 0:
            progress.report(learning_rate=self.optimizer.param_groups[0]["lr"])
            for callback in self.callbacks:
                callback.on_report(self.plain, progress)
        if last or (config.evaluate_every and progress.step % config.evaluate_every == 0):
            self._evaluate()
        if not last and not progress.stopped and self._stop_requested():
            progress.stopped = "requested"
        if self.folder and config.checkpoint_every and progress.step % config.checkpoint_every == 0:
            self._save(self.folder)

    def _evaluate(self) -> None:
        if self.validate is None:
            return
        self.model.eval()
        with torch.no_grad(), self.backend.forward():
            values = self.validate(self.plain)
        self.model.train()
        means = self.backend.sum([value / self.backend.world for value in values.values()])
        self.progress.validated(dict(zip(values, means, strict=True)))
        for callback in self.callbacks:
            callback.on_evaluate(self.plain, self.progress)

    def _stop_requested(self) -> bool:
        asked = self.should_stop is not None and self.should_stop()
        return bool(self.backend.sum([float(asked)])[0])

    def _saved(self) -> bool:
        path = self.progress.checkpoint
        return path is not None and path.name == f"step-{self.progress.step:08d}"

    def _refuse_bad_weights(self) -> None:
        bad = [name for name, p in self.plain.named_parameters() if not bool(torch.isfinite(p).all())]
        if bad:
            raise DivergenceError(
                self.progress.step, f"the weights are not finite in {_some(bad)}", self.progress.checkpoint
            )

    def _save(self, folder: Path) -> None:
        self._refuse_bad_weights()
        state = {
            "config": asdict(self.config),
            "backend": self.backend.state_dict(self.model, self.optimizer),
            "batches": self.batches.state_dict(),
            "progress": self.progress.state_dict(),
            "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in self.callbacks],
        }
        if self.backend.rank == 0:
            save_checkpoint(folder, self.progress.step, state, keep=self.config.keep_checkpoints)
        self.backend.wait()
        self.progress.checkpoint = folder / f"step-{self.progress.step:08d}"
        if self.backend.rank == 0:
            for callback in self.callbacks:
                callback.on_checkpoint(self.progress.checkpoint, self.progress)

    def _diverged(self, where: str) -> DivergenceError:
        """In the step that is being computed."""
        return DivergenceError(self.progress.step + 1, where, self.progress.checkpoint)

    def _refuse_other_run(self, state: Mapping[str, Any]) -> None:
        """Refuses the checkpoint of another seed, batch, set of callbacks or number of processes."""
        saved = state["config"]
        pairs = {
            "seed": (saved["seed"], self.config.seed),
            "micro_batch * accumulate": (
                saved["micro_batch"] * saved["accumulate"],
                self.config.micro_batch * self.config.accumulate,
            ),
            "callbacks": ([n for n, _ in state["callbacks"]], [type(c).__name__ for c in self.callbacks]),
            "processes": (len(state["backend"]["random"]), self.backend.world),
        }
        for name, (theirs, ours) in pairs.items():
            if theirs != ours:
                raise CheckpointRefused(
                    f"the checkpoint in {self.folder} was written with {name} = {theirs}, this run has "
                    f"{ours}; restore the setting, or give another folder to start anew"
                )


def _compiled(model: nn.Module, config: TrainConfig) -> Any:
    return torch.compile(model, backend=config.compile_backend)


def _recompute_activations(model: nn.Module) -> None:
    enable: Any = getattr(model, "gradient_checkpointing_enable", None)
    if enable is None:
        name = type(model).__name__
        raise ValueError(f"{name} has no gradient_checkpointing_enable(): unset gradient_checkpointing")
    enable()


def _to(device: torch.device, batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {name: _to(device, value) for name, value in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch)(_to(device, value) for value in batch)
    return batch


def _bad_gradients(model: nn.Module) -> str:
    return _some(
        [n for n, p in model.named_parameters() if p.grad is not None and not bool(p.grad.isfinite().all())]
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
