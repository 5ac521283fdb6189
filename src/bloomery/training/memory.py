"""When a step does not fit: which settings make it fit, computed from the ones in force."""

from dataclasses import replace

import torch

from .config import TrainConfig
from .errors import OutOfMemory

CPU_SIGNS = ("can't allocate memory", "not enough memory", "std::bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in CPU_SIGNS)


def remedies(config: TrainConfig) -> list[dict[str, object]]:
    """Settings that need less memory, cheapest loss of speed first; the examples of a step stay the same."""
    found: list[dict[str, object]] = []
    if config.micro_batch > 1:
        smaller = smaller_micro_batch(config)
        found.append({"micro_batch": smaller.micro_batch, "accumulate": smaller.accumulate})
    if not config.gradient_checkpointing:
        found.append({"gradient_checkpointing": True})
    if config.precision == "fp32":
        found.append({"precision": "bf16"})
    return found


def smaller_micro_batch(config: TrainConfig) -> TrainConfig:
    """The same examples per step in micro-batches of at most half the size: the largest divisor that fits."""
    size = next(n for n in range(config.micro_batch // 2, 0, -1) if config.micro_batch % n == 0)
    return replace(config, micro_batch=size, accumulate=config.accumulate * (config.micro_batch // size))


def out_of_memory(config: TrainConfig, step: int, error: BaseException) -> OutOfMemory:
    """The error to raise: what did not fit, and what to set."""
    options = [" and ".join(f"{k}: {v}" for k, v in remedy.items()) for remedy in remedies(config)]
    advice = "; or ".join(options) or "a smaller model, or a shorter sequence"
    first = (str(error).splitlines() or [""])[0]
    now = f"micro_batch {config.micro_batch}, accumulate {config.accumulate}, {config.precision}"
    said = f"{type(error).__name__}: {first}"
    return OutOfMemory(f"step {step} does not fit in memory ({now}); set {advice}. Said: {said}")
