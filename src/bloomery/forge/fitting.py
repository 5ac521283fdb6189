"""Training as a part of a stage: recipe in, checkpoints and curves into the step's context."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

from bloomery.core.errors import BloomeryError, Failure, UserError
from bloomery.core.step import Paused, StepContext
from bloomery.forge.settings import FitConfig
from bloomery.forge.window import check_rows
from bloomery.tasks.batches import collate
from bloomery.training.callbacks import Callback, Metrics, ShowProgress
from bloomery.training.config import LossResult, TrainConfig, TrainResult
from bloomery.training.errors import CheckpointDamaged, CheckpointRefused, DivergenceError, OutOfMemory
from bloomery.training.loader import Dataset, Loader
from bloomery.training.loop import Loss, loader_for, model_loss, train
from bloomery.training.multi_scale_muon import M3
from bloomery.training.muon_grokfast import MuonGrokfast, matrices_decay
from bloomery.training.schedules import Prepare, ScheduleConfig, build_schedule, curricula, staircase

Validate = Callable[[nn.Module], Mapping[str, float]]


def fit(
    context: StepContext,
    model: PreTrainedModel,
    data: Dataset,
    config: FitConfig,
    *,
    validate: Validate | None = None,
    callbacks: Sequence[Callback] = (),
    loss: Loss | None = None,
    collate: Callable[[list[Any]], Any] = collate,
    prefix: str = "",
) -> TrainResult:
    """Train `model` in place on `data`, resumable through the context's checkpoint folder.

    Without a `loss` it is the model's own; `prefix` stands before the names of the metrics.

    Raises: Paused; ConfigError for rows longer than the model's window; UserError or Failure for what
    training.errors tells.
    """
    check_rows(model, config.seq_len)
    loop = config.loop(steps=config.total_steps(), seed=context.seed)
    return run_loop(
        context,
        model,
        loader_for(data, loop, collate=collate),
        loop,
        optimizer=make_optimizer(model, config),
        schedule=config.schedule,
        loss=loss or _own_loss(config),
        prepare=_curricula(config),
        validate=validate,
        callbacks=callbacks,
        prefix=prefix,
    )


def run_loop(
    context: StepContext,
    model: nn.Module,
    batches: Loader,
    loop: TrainConfig,
    *,
    optimizer: Optimizer,
    schedule: ScheduleConfig,
    loss: Loss = model_loss,
    prepare: Prepare | None = None,
    validate: Validate | None = None,
    callbacks: Sequence[Callback] = (),
    prefix: str = "",
) -> TrainResult:
    """The training loop within a step: resumable through the context's checkpoint folder, its curves kept.

    Raises: Paused; UserError or Failure for what training.errors tells.
    """
    try:
        result = train(
            model,
            batches,
            optimizer=optimizer,
            config=loop,
            schedule=build_schedule(schedule, loop.steps),
            loss=loss,
            prepare=prepare,
            validate=validate,
            callbacks=[Metrics(context.metric, prefix=prefix), ShowProgress(context.progress), *callbacks],
            checkpoint=context.checkpoint,
            should_stop=context.stop_requested,
        )
    except (DivergenceError, OutOfMemory, CheckpointDamaged, CheckpointRefused) as error:
        raise _own(error) from error
    if result.stopped == "requested":
        raise Paused(f"paused at optimizer step {result.steps} of {loop.steps}; resume to go on")
    return result


def _own_loss(config: FitConfig) -> Loss:
    return partial(halting_loss, share=config.halting) if config.halting else language_loss


def _curricula(config: FitConfig) -> Prepare | None:
    """What each batch goes through for the recipe's curricula; None without any."""
    stairs = {
        "sequence_length": config.sequence_lengths,
        "recursion_steps": config.recursion_depths,
    }
    wanted = {name: staircase(dict(levels)) for name, levels in stairs.items() if levels}
    return curricula(**wanted) if wanted else None


def make_optimizer(model: nn.Module, config: FitConfig) -> Optimizer:
    if config.optimizer == "muon_grokfast":
        return MuonGrokfast(model, config.numbers())
    if config.optimizer == "m3":
        return M3(model, config.m3_numbers())
    numbers = config.numbers()
    trained = [p for p in model.parameters() if p.requires_grad]
    return AdamW(matrices_decay(trained, numbers.weight_decay), lr=numbers.lr, betas=numbers.adamw_betas)


def language_loss(model: nn.Module, batch: Mapping[str, Any], **options: Any) -> LossResult:
    """The model's own loss, with its parts, the loss of each recursion step and the use of gate and depth."""
    output = model(**batch, **options)
    metrics = dict(getattr(output, "losses", None) or {})
    for step, loss in enumerate(_rows(output, "step_losses"), start=1):
        metrics[f"step_{step}_loss"] = loss
    for step, q in enumerate(_mean_halting(output, batch), start=1):
        metrics[f"step_{step}_halting_probability"] = q
    for name in ("gate_mean", "gate_entropy"):
        value = getattr(output, name, None)
        if value is not None:
            metrics[name if name == "gate_mean" else "mean_gate_entropy"] = value
    return LossResult(output.loss, metrics)


def halting_loss(model: nn.Module, batch: Mapping[str, Any], *, share: float) -> LossResult:
    """The model's own loss, in this share of the steps with tokens that halt.

    Drawn from torch's generator, which a checkpoint holds.
    """
    return language_loss(model, batch, halting=bool(torch.rand(()) < share))


def _rows(output: Any, name: str) -> Any:
    value = getattr(output, name, None)
    return () if value is None else value


def _mean_halting(output: Any, batch: Mapping[str, Any]) -> Any:
    """Mean halting probability of each step over the tokens that are learned. Shapes: (S,)"""
    q = getattr(output, "halt_probabilities", None)
    if q is None:
        return ()
    learned = batch["labels"][:, 1:] != -100
    return q[:, :-1][learned].mean(dim=0)


def _own(error: Exception) -> BloomeryError:
    kind = UserError if getattr(error, "exit_code", 1) == UserError.exit_code else Failure
    return kind(str(error))


def set_threads(threads: int) -> None:
    """The same number of threads on every run of a key, and deterministic kernels."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=False)
