"""Two passes against what they have to beat: no experts, all of them alike, and a perfect dispatcher."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

from bloomery.forge.experts.cells import Cell, mean_over_tasks, sat
from bloomery.forge.experts.dispatcher import dispatched
from bloomery.forge.experts.writing import prompt_of
from bloomery.models.packed.experts import Experts


class Comparison(NamedTuple):
    """Mean accuracies over the tasks, the share of prompts that were sent to their cell's expert, and that of
    the expert with most prompts, which is what a dispatcher reaches without reading."""

    none: float
    uniform: float
    two_pass: float
    oracle: float
    dispatch: float
    commonest: float
    prompts: int


def compare(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, given: Sequence[Cell], own: Sequence[int]
) -> Comparison:
    """`own` is the place of each cell's expert. Answers are forced; prompts alone are dispatched."""
    model: Any = experts.model
    names = experts.names
    alike = [1 / len(names)] * len(names)
    outcomes: dict[str, list[list[bool]]] = {"none": [], "uniform": [], "two_pass": [], "oracle": []}
    sent, owned = 0, [0] * len(names)
    for cell, right_place in zip(given, own, strict=True):
        by_expert = []
        for which in (None, alike, *names):
            with experts.using(which):
                by_expert.append([hit for hit, _ in sat(model, tokenizer, cell.examples)])
        none, uniform, *each = by_expert
        ids = [prompt_of(one, tokenizer).ids for one in cell.examples]
        chosen = [order[0] for order in dispatched(experts, tokenizer, ids)]
        outcomes["none"].append(none)
        outcomes["uniform"].append(uniform)
        outcomes["oracle"].append(each[right_place])
        outcomes["two_pass"].append([each[place][at] for at, place in enumerate(chosen)])
        sent += sum(place == right_place for place in chosen)
        owned[right_place] += len(chosen)
    rates = {name: mean_over_tasks(given, right) for name, right in outcomes.items()}
    prompts = sum(owned)
    return Comparison(**rates, dispatch=sent / prompts, commonest=max(owned) / prompts, prompts=prompts)
