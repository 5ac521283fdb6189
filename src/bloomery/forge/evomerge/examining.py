"""How good a candidate is: a merge made in memory, or a folder, on held-out examples.

Runs in workers. What all candidates share (parents, base, examples) is read once a process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.config import canonical_json
from bloomery.forge.exams import Exam, Part, exams, mean_rate, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.settings import ExamConfig
from bloomery.forge.sitting import Results
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.ingredient import Ingredient


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What candidates are examined on: the parents' folders in their order, the examples, the threads.

    `model` is the folder whose config and tokenizer a merge gets.
    """

    model: str
    base: str
    parents: tuple[str, ...]
    mixture: Mapping[str, Ingredient]
    exam: ExamConfig
    part: Part
    threads: int


def bench_of(
    inputs: Mapping[str, Path],
    *,
    parents: Sequence[str],
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    part: Part,
    name: Callable[[str], str] = str,
) -> Bench:
    """A bench from a step's inputs, by as many threads as a consumer will use, so that the bits agree.

    `name` tells what a port is called among the inputs.
    """
    folders = {port: str(inputs[name(port)]) for port in ("model", "base", *parents)}
    return Bench(
        model=folders["model"],
        base=folders["base"],
        parents=tuple(folders[parent] for parent in parents),
        mixture=mixture,
        exam=exam,
        part=part,
        threads=machine.threads(),
    )


@dataclass(frozen=True)
class _Ready:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    parents: tuple[dict[str, Tensor], ...]
    base: dict[str, Tensor]
    given: dict[str, Exam]


_READY: dict[str, _Ready] = {}  # of this process; one bench at a time


def examine(candidate: MergeRecipe | str, *, bench: Bench) -> Results:
    """The accuracies of a merge, or of the model in a folder as it is."""
    set_threads(bench.threads)
    ready = _ready(bench)
    if isinstance(candidate, str):
        model, tokenizer = load_model(Path(candidate))
        return sit(model, tokenizer, ready.given)
    ready.model.load_state_dict(merge(candidate, ready.parents, ready.base))
    return sit(ready.model, ready.tokenizer, ready.given)


def fitness(results: Mapping[str, Accuracy]) -> float:
    """The mean of the tasks' accuracies; of equals, the one whose answers are likelier.

    The mean probability of the answers counts less than one more right answer in one task does.
    """
    likelihood = fmean(one.likelihood or 0.0 for one in results.values())
    examples = max(one.total for one in results.values())
    return mean_rate(results) + likelihood / (len(results) * examples)


def _ready(bench: Bench) -> _Ready:
    key = canonical_json(bench)
    if key not in _READY:
        _READY.clear()
        model, tokenizer = load_model(Path(bench.model))
        parents = tuple(weights_of(folder) for folder in bench.parents)
        given = exams(bench.mixture, bench.exam, bench.part)
        _READY[key] = _Ready(model, tokenizer, parents, weights_of(bench.base), given)
    return _READY[key]


def weights_of(folder: str) -> dict[str, Tensor]:
    """A model's tensors by name; tied ones share their memory."""
    return dict(load_model(Path(folder))[0].state_dict())
