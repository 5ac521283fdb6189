"""What a stage's consumer measures on a model that it has loaded from disk."""

import math
import resource
import statistics
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.evidence import Check, Measured, judge, measure
from bloomery.core.step import StepContext
from bloomery.forge.exams import exams, longest_prompt
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.judging import LATENCY, MEMORY, JudgedConfig
from bloomery.models.packed.packed_linear import PackedTernaryLinear
from bloomery.tasks.accuracy import Accuracy

FLOAT32 = 4  # bytes of a weight in full precision


def share(kept: float, of: float) -> float:
    """How much of it was kept; nan, which meets no bar, where there was nothing to keep."""
    return kept / of if of else math.nan


def as_measured(result: Accuracy, baseline: float | None = None) -> Measured:
    return Measured(
        value=result.rate, interval=(result.low, result.high), chance=result.chance, baseline=baseline
    )


def future_leak(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str) -> float:
    """The largest change of an earlier logit when the last token changes: 0 for a causal model."""
    ids = torch.tensor([tokenizer.encode(text)])
    other = ids.clone()
    other[0, -1] = (ids[0, -1] + 1) % model.config.vocab_size
    model.eval()
    depth = {"recursion_steps": depth} if (depth := getattr(model.config, "max_recursion", None)) else {}
    with torch.inference_mode():
        ours, theirs = (model(input_ids=x, use_cache=False, **depth).logits[:, :-1] for x in (ids, other))
    return float((ours - theirs).abs().max())


def answer_latency_ms(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, *, repeats: int = 10
) -> Measured:
    """Median time of the forward pass that gives an answer's first token, batch of one, warmed up."""
    ids = torch.tensor([tokenizer.encode(prompt)])
    model.eval()
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 2):
            started = time.perf_counter()
            model(input_ids=ids, use_cache=False)
            times.append((time.perf_counter() - started) * 1e3)
    times = sorted(times[2:])
    return Measured(value=statistics.median(times), interval=(times[0], times[-1]))


def clock(context: StepContext, checks: Iterable[Check]) -> None:
    """Latency of the stage's model, then resident memory, where checks ask: reported, never decided on."""
    set_threads(machine.threads())
    config: JudgedConfig = context.config
    prompt = longest_prompt(exams(config.mixture, config.exam, "test"))
    by_name = {check.name: check for check in checks}
    answers: dict[str, Any] = {
        LATENCY: partial(answer_latency_ms, *load_model(context.inputs["model"]), prompt),
        MEMORY: peak_memory_gb,
    }
    for name, answer in answers.items():
        if name in by_name:
            context.evidence(measure(by_name[name], answer, inputs=[context.inputs["model"].name]))


def peak_memory_gb() -> float:
    """The largest resident memory of this process so far, 10^9 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def count_parameters(model: PreTrainedModel) -> int:
    """Weights, those that are packed as trits too."""
    packed = [layer for layer in model.modules() if isinstance(layer, PackedTernaryLinear)]
    trits = sum(layer.in_features * layer.out_features for layer in packed)
    biases = sum(layer.bias.numel() for layer in packed if layer.bias is not None)
    return trits + biases + sum(parameter.numel() for parameter in model.parameters())


def give_evidence(
    context: StepContext,
    checks: Iterable[Check],
    found: Mapping[str, Measured],
    *,
    how: str,
    duration_s: float,
) -> None:
    """Evidence about the stage's model for each check that was measured, all of them in `duration_s`."""
    cid = context.inputs["model"].name
    for check in checks:
        if check.name in found:
            context.evidence(judge(check, found[check.name], how=how, duration_s=duration_s, inputs=[cid]))


def furthest(claimed: Mapping[str, Any], again: Mapping[str, Accuracy]) -> float:
    """How far claimed accuracies are from those measured on the same examples."""
    return max(abs(result.rate - claimed[task]["rate"]) for task, result in again.items())


def logits_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str) -> torch.Tensor:
    """Shapes: (1, T, V)"""
    model.eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokenizer.encode(prompt)]), use_cache=False).logits
