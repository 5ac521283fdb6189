"""The third way to choose experts: a few solved examples, and the mixture that solves most of them.

Source: arXiv 2501.06252 (Transformer-Squared), section 3.3, few-shot adaptation
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import UserError
from bloomery.forge.experts.cells import sat
from bloomery.forge.experts.cem import POPULATION, Mixture, cross_entropy_method
from bloomery.models.packed.experts import Experts
from bloomery.tasks.task import Example


def few_shot_mixture(
    experts: Experts,
    tokenizer: PreTrainedTokenizerBase,
    shown: Sequence[Example],
    *,
    seed: int,
    generations: int = 8,
    population: int = POPULATION,
) -> Mixture:
    """The weights with which the model answers most of these examples; of equals the likelier answers.

    Raises: UserError without examples.
    """
    if not shown:
        raise UserError("a mixture is adapted to solved examples and none were given; give some, or dispatch")
    model: Any = experts.model

    def judge(weights: Sequence[float]) -> tuple[float, float]:
        with experts.using(weights):
            found = sat(model, tokenizer, shown)
        return fmean(right for right, _ in found), fmean(likely for _, likely in found)

    return cross_entropy_method(
        judge, len(experts.names), seed=seed, generations=generations, population=population
    )
