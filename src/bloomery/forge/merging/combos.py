"""The eight binary combinations {linear | SLERP} -> {DARE | TIES} -> {FrankenMerge | DFS} of the seed."""

from itertools import product
from typing import Any

from bloomery.forge.merging.recipe import MergeRecipe, Method

BITS: tuple[tuple[Method, Method], ...] = (("linear", "slerp"), ("dare", "ties"), ("frankenmerge", "dfs"))


def combinations(**coefficients: Any) -> dict[str, MergeRecipe]:
    """The eight recipes by name ("linear+dare+dfs"), with the same coefficients; bit b picks BITS[stage][b].

    Differs: in the seed the second stage ignored its base and the third the first two; here the second takes
    the parents' task vectors from the first one's result, and the third draws layers from the second's too.
    """
    return {"+".join(methods): MergeRecipe(methods=methods, **coefficients) for methods in product(*BITS)}
