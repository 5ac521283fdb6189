"""A prompt baked into a model's weights: the unprompted student learns what the prompted teacher writes.

Source: arXiv 2409.13697 (Prompt Baking)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.disk import write_atomically
from bloomery.core.errors import ConfigError
from bloomery.core.step import StepContext
from bloomery.forge.baking.adapting import check_adaptable, trainable
from bloomery.forge.baking.anchoring import ThoughtAnchors, check_room
from bloomery.forge.baking.completions import Completion, check_not_empty, sample
from bloomery.forge.baking.divergence import (
    Residual,
    check_same_vocabulary,
    divergence,
    forward_kl,
    read,
)
from bloomery.forge.baking.rows import BakingRows, collate_pairs
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.fitting import fit
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.forge.settings import FitConfig
from bloomery.forge.window import window_of
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.tasks.tokenizer import check_vocabulary
from bloomery.training.callbacks import Callback
from bloomery.training.config import LossResult, Progress

ANCHORED, THOUGHT, UNSEEN = 500_009, 700_001, 1_000_003  # how far their seeds are from what is learned
Sampler = Callable[..., list[Completion]]  # of a model, its tokenizer, a prompt, queries, and a seed by name


@dataclass(frozen=True)
class Baked:
    """What became of a prompt: its residual on held-out queries, and how much work that was."""

    prompt: str
    residual: Residual
    steps: int
    trained_tokens: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class Queries:
    """What is asked under the prompt: to learn from, held out to measure, and beside it, unprompted.

    Under `anchors` the teacher is not prompted, so that they keep the student where it was; about `thoughts`
    it thinks, unprompted, before it answers.
    """

    train: Sequence[str]
    held_out: Sequence[str]
    anchors: Sequence[str] = ()
    thoughts: ThoughtAnchors = field(default_factory=ThoughtAnchors)

    def __post_init__(self) -> None:
        if shared := sorted(set(self.train) & set(self.held_out)):
            raise ConfigError(
                f"{len(shared)} queries are both trained on and held out, such as {shared[0]!r}"
            )


def bake(
    context: StepContext,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    queries: Queries,
    *,
    config: BakeConfig,
    fitting: FitConfig,
    name: str = "bake",
    teacher: PreTrainedModel | None = None,
    sampler: Sampler | None = None,
) -> Baked:
    """Change `model` in place until without the prompt it writes what it wrote with it.

    The teacher is the model as it was given, or another one of its vocabulary. `sampler` draws what it writes
    where it is not simply asked, as in conversations with tools. Completions and optimizer steps are kept
    under the context's checkpoints by `name`: the same call goes on from there, with the model as it was
    first given.

    Differs: rows of anchors and thoughts, on which the teacher is not prompted; the paper has none.
    Raises: UserError for a prompt that is empty, longer than the window or silences the model; FormatRefused
    for different vocabularies; CapabilityMissing; Paused.
    """
    check_vocabulary(model, tokenizer)
    _check(prompt, config, fitting)
    check_adaptable(model, config)
    check_room(queries.thoughts, tokenizer, config, fitting, window_of(model))
    frozen = _frozen(model if teacher is None else teacher)
    check_same_vocabulary(frozen, model)
    at = replace(context, checkpoint=context.checkpoint / name)
    learnt, unseen = _completions(at, frozen, tokenizer, prompt, queries, config, sampler)
    check_not_empty(tokenizer, prompt, unseen, config.empty)

    def left(student: nn.Module) -> float:
        return divergence(frozen, student, tokenizer, unseen)  # type: ignore[arg-type]

    rows = BakingRows(learnt, tokenizer, seq_len=fitting.seq_len, at_least=fitting.batch())
    _keep(at, learnt, unseen)  # only what can be baked from: another prompt may be given then
    base = left(model)
    half = [] if config.strength is None else [StopAtStrength(config.strength, base)]
    loss = partial(baking_loss, teacher=frozen, halting=config.halting)
    with trainable(model, config, seed=context.seed) as student:
        result = fit(
            at, student, rows, fitting, loss=loss,  # type: ignore[arg-type]
            collate=partial(collate_pairs, pad=rows.pad), prefix=f"{name}/", callbacks=half,
            validate=lambda trained: {"residual_kl": left(trained)},
        )  # fmt: skip
    return Baked(prompt, Residual(base=base, baked=left(model)), result.steps, result.targets, rows.left_out)


def baking_loss(
    model: nn.Module, batch: Mapping[str, Any], *, teacher: PreTrainedModel, halting: float = 1.0
) -> LossResult:
    """The mean forward KL over the batch's written tokens, by the teacher as it answers.

    The student's tokens halt, as they do when it answers, in this share of the steps, drawn from torch's
    generator, which a checkpoint holds; a model that does not halt draws nothing.
    """
    with torch.no_grad():
        theirs = read(teacher, batch["teacher"])
    halts = isinstance(teacher.config, CognateConfig)
    options = {"halting": bool(torch.rand(()) < halting)} if halts else {}
    return LossResult(forward_kl(theirs, read(model, batch["student"], **options)).mean())


class StopAtStrength(Callback):
    """Ends a training where the residual KL of its validation has come down to a share of the base's."""

    def __init__(self, strength: float, base: float) -> None:
        self.strength, self.base = strength, base

    def on_evaluate(self, model: nn.Module, progress: Progress) -> None:
        reached = Residual(base=self.base, baked=progress.validation["residual_kl"]).strength
        if reached >= self.strength:
            progress.stopped = f"strength {reached:.3f} is reached, {self.strength:g} was asked for"


def _check(prompt: str, config: BakeConfig, fitting: FitConfig) -> None:
    if not prompt:
        raise ConfigError("the prompt is empty: there is nothing to bake")
    if config.mode == "lora" and fitting.optimizer != "adamw":
        raise ConfigError(f"a low-rank change is trained by optimizer=adamw, not {fitting.optimizer}")
    if config.strength is not None and not fitting.loop(steps=1, seed=0).evaluate_every:
        raise ConfigError(
            f"strength is {config.strength:g} and train.evaluate_every 0: name the steps between two looks"
        )
    if fitting.sequence_lengths or fitting.recursion_depths or fitting.halting:
        raise ConfigError(
            "baking takes no curriculum (sequence_lengths, recursion_depths, halting): teacher and student "
            "are read as they answer"
        )


def _frozen(model: PreTrainedModel) -> PreTrainedModel:
    return deepcopy(model).eval().requires_grad_(requires_grad=False)


def _completions(
    context: StepContext,
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    queries: Queries,
    config: BakeConfig,
    sampler: Sampler | None,
) -> tuple[list[Completion], list[Completion]]:
    """To learn from, and held out: sampled, or read from the checkpoints."""
    if (kept := _completions_file(context)).exists():
        return _read(kept)

    plain = partial(sample, per_query=config.per_query, temperature=config.temperature)
    simple = partial(plain, max_new_tokens=config.max_new_tokens)
    draw, seed, thoughts = simple if sampler is None else sampler, context.seed, queries.thoughts
    learnt = draw(teacher, tokenizer, prompt, queries.train, seed=seed)
    if queries.anchors:
        learnt += simple(teacher, tokenizer, "", queries.anchors, seed=seed + ANCHORED)
    if thoughts.queries:
        learnt += plain(
            teacher, tokenizer, "", thoughts.queries, after=thought_ids(tokenizer)[:1],
            max_new_tokens=thoughts.new_tokens(config.max_new_tokens), seed=seed + THOUGHT,
        )  # fmt: skip
    unseen = draw(teacher, tokenizer, prompt, queries.held_out, seed=seed + UNSEEN)
    return learnt, unseen


def _keep(context: StepContext, learnt: Sequence[Completion], unseen: Sequence[Completion]) -> None:
    context.checkpoint.mkdir(parents=True, exist_ok=True)
    found = {"learnt": [asdict(one) for one in learnt], "unseen": [asdict(one) for one in unseen]}
    write_atomically(_completions_file(context), json.dumps(found).encode())


def _completions_file(context: StepContext) -> Path:
    return context.checkpoint / "completions.json"


def _read(path: Path) -> tuple[list[Completion], list[Completion]]:
    found = json.loads(path.read_text())
    learnt, unseen = (
        [
            Completion(*(tuple(one[part]) for part in ("prompt", "query", "written", "turns")))
            for one in found[name]
        ]
        for name in ("learnt", "unseen")
    )
    return learnt, unseen
