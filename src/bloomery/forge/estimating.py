"""What a training will take, from a few optimizer steps that are really made."""

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.forge.data import training_data
from bloomery.forge.fitting import language_loss, make_optimizer, set_threads
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Estimate
from bloomery.tasks.batches import collate
from bloomery.tasks.tokenizer import train_tokenizer
from bloomery.training.callbacks import Callback
from bloomery.training.loop import loader_for, train

MEASURED_STEPS = 4  # the first is left out: it allocates and warms up


def estimate_fit(
    fits: Mapping[str, FitConfig],
    make_model: Callable[[PreTrainedTokenizerBase], PreTrainedModel],
    *,
    vocabulary: int,
) -> Sequence[Estimate]:
    """Time and memory of each training, from measured optimizer steps of its first batches.

    The tokenizer has the bytes alone, the model the real vocabulary's size: nothing is trained first.
    """
    set_threads(machine.threads())
    tokenizer = train_tokenizer([])
    measured: dict[tuple[int, int], tuple[float, int]] = {}
    estimates = []
    for name, config in fits.items():
        shape = (config.batch(), config.seq_len)
        if shape not in measured:
            measured[shape] = _steps(make_model(tokenizer), tokenizer, config)
        step_s, peak = measured[shape]
        steps = config.total_steps()
        tokens = steps * config.batch() * config.seq_len
        estimates.append(Estimate(part=name, steps=steps, tokens=tokens, step_s=step_s, peak_bytes=peak))
    return estimates


class _Stopwatch(Callback):
    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step(self, *_: object) -> None:
        self.times.append(time.perf_counter())


def _steps(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, config: FitConfig
) -> tuple[float, int]:
    """Seconds of an optimizer step (median) and the process's peak memory in bytes."""
    loop = config.loop(steps=MEASURED_STEPS, seed=0)
    watch = _Stopwatch()
    train(
        model,
        loader_for(training_data(config, tokenizer, seed=0), loop, collate=collate),
        optimizer=make_optimizer(model, config),
        config=loop,
        loss=language_loss,
        callbacks=[watch],
    )
    step_s = statistics.median(
        later - earlier for earlier, later in zip(watch.times, watch.times[1:], strict=False)
    )
    return step_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
