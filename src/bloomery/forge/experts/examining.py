"""How good and how dear a design is, on held-out examples; in workers, each of which reads the model once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.config import canonical_json
from bloomery.forge.exams import Part
from bloomery.forge.experts.answering import ANSWER, THOUGHT, attempt
from bloomery.forge.experts.cells import Cell, batch_of, cells, freeze, mean_over_tasks
from bloomery.forge.experts.counting import bytes_of, flops_a_token
from bloomery.forge.experts.designs import Design, DesignSpace
from bloomery.forge.experts.settings import DesignSearchConfig
from bloomery.forge.experts.trimming import trimmed, widened
from bloomery.forge.experts.writing import prompt_of
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.settings import ExamConfig
from bloomery.models.packed.experts import Experts, ExpertSet, read
from bloomery.tasks.ingredient import Ingredient

PROBE = 16  # examples of each cell on whose rows operations are counted


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What designs are examined on; `examples` bounds those of each task, None: all that there are."""

    folder: str
    experts: str
    mixture: Mapping[str, Ingredient]
    exam: ExamConfig
    part: Part
    examples: int | None
    threads: int


class Result(NamedTuple):
    """Exact answers (mean of the tasks), operations a token of an example, bytes of the folder's weights."""

    accuracy: float
    flops: float
    size: int


def bench_of(
    inputs: Mapping[str, Path], mixture: Mapping[str, Ingredient], exam: ExamConfig, part: Part, *,
    examples: int | None = None, model: str = "model",
) -> Bench:  # fmt: skip
    return Bench(
        folder=str(inputs[model]), experts=str(inputs["experts"]), mixture=mixture, exam=exam, part=part,
        examples=examples, threads=machine.threads(),
    )  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """A model with all its experts, the cells that judge designs of them, and the bytes of its weights."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    experts: Experts
    whole: ExpertSet
    own: Mapping[str, Any]
    cells: Sequence[Cell]
    base_bytes: int


_READY: dict[str, Ready] = {}  # of this process; one bench at a time


def examine(design: Design, *, bench: Bench) -> Result:
    """A design in the form in which it would be stored."""
    set_threads(bench.threads)
    return tried(design, _ready(bench))


def tried(design: Design, ready: Ready) -> Result:
    """The same where the model is at hand."""
    cut = trimmed(ready.whole, design, ready.own)
    idle = replace(ready.whole, settings=ready.own, design=_plain(), mixture=ready.whole.mixture * 0)
    ready.experts.hold(idle if cut is None else widened(cut, ready.whole.ranks, ready.own))
    accuracy, flops = examined(ready.experts, ready.tokenizer, ready.cells)
    ready.experts.hold(idle)
    return Result(accuracy, flops, ready.base_bytes + bytes_of(cut))


def examined(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, given: Sequence[Cell]
) -> tuple[float, float]:
    """Accuracy and operations a token of the design that the experts hold."""
    right, spent, tokens = [], {"mixed": 0, "dispatched": 0, "first_pass": 0}, 0
    for cell in given:
        prompts = [prompt_of(one, tokenizer) for one in cell.examples]
        done = attempt(experts, tokenizer, prompts, most=max(len(one.answer) for one in prompts))
        right.append([a == one.answer for a, one in zip(done.answers, prompts, strict=True)])
        spent = {name: count + getattr(done, name) for name, count in spent.items()}
        tokens += sum(len(one.ids) + len(one.answer) for one in prompts)
    probe = batch_of([one for cell in given for one in cell.examples[:PROBE]], tokenizer)
    whose = {"mixed": experts.used, "dispatched": experts.names[0], "first_pass": None}
    flops = 0.0
    for name in (name for name, count in spent.items() if count):
        with experts.using(whose[name]):
            flops += spent[name] * flops_a_token(experts.model, probe)  # type: ignore[arg-type]
    return mean_over_tasks(given, right), flops / tokens


def plain_design(bench: Bench) -> Design:
    """The model as it was given."""
    ready = _ready(bench)
    experts, layers = len(ready.whole.names), len(ready.whole.ranks)
    return Design(
        strategy="act", weights=(0.0,) * experts, strengths=(1.0,) * layers, settings=dict(ready.own)
    )


def _plain() -> dict[str, Any]:
    return {"strategy": "act", "threshold": 0.0, "thoughts": 0}


def design_space(bench: Bench, config: DesignSearchConfig) -> DesignSpace:
    """The designs of the bench's model and experts. Thoughts are a gene only where its tokenizer has them."""
    ready = _ready(bench)
    known = ready.tokenizer.get_vocab()
    return DesignSpace(
        strategies=config.strategies, experts=len(ready.whole.names), layers=len(ready.whole.ranks),
        settings=choices(ready.own), thoughts=config.thoughts if {THOUGHT, ANSWER} <= set(known) else 0,
    )  # fmt: skip


def own_settings(model: PreTrainedModel) -> dict[str, Any]:
    """What of a model's config a design may change: Cognate's depth, halting and window."""
    config = model.config
    if config.model_type != "cognate":
        return {}
    return {name: getattr(config, name) for name in ("max_recursion", "halt_threshold", "sliding_window")}


def choices(own: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The model's own value first; never more depth or a wider window than it was made with."""
    if not own:
        return {}
    depths = tuple(range(own["max_recursion"], 0, -1))
    thresholds = dict.fromkeys((own["halt_threshold"], 0.3, 0.5, 0.7, 0.9))
    windows = dict.fromkeys(max(1, own["sliding_window"] // part) for part in (1, 2, 4))
    return {"max_recursion": depths, "halt_threshold": tuple(thresholds), "sliding_window": tuple(windows)}


def _ready(bench: Bench) -> Ready:
    key = canonical_json(bench)
    if key not in _READY:
        _READY.clear()
        model, tokenizer = load_model(Path(bench.folder))
        freeze(model)
        whole = read(Path(bench.experts))
        given = cells(bench.mixture, bench.exam, bench.part)
        _READY[key] = Ready(
            model, tokenizer, Experts(model, whole), whole, own_settings(model),
            limited(given, bench.examples), weights_size(Path(bench.folder)),
        )  # fmt: skip
    return _READY[key]


def limited(given: Sequence[Cell], examples: int | None) -> list[Cell]:
    """At most so many examples of each task, evenly from its cells."""
    if examples is None:
        return list(given)
    levels = {cell.task.name: sum(one.task.name == cell.task.name for one in given) for cell in given}
    return [
        replace(cell, examples=cell.examples[: max(1, examples // levels[cell.task.name])]) for cell in given
    ]
