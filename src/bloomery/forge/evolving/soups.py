"""Soups: means of whole models, the baselines of every merge.

Source: arXiv 2203.05482 (Model soups), recipe 1
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bloomery.core.errors import Failure


@dataclass(frozen=True, kw_only=True)
class Soup:
    """Which ingredients are in it, equally weighted; `tried` counts the soups that were evaluated."""

    members: tuple[str, ...]
    fitness: float
    tried: int


def uniform_soup(names: Sequence[str], evaluate: Callable[[tuple[str, ...]], float]) -> Soup:
    """All ingredients."""
    return Soup(members=tuple(names), fitness=evaluate(tuple(names)), tried=1)


def greedy_soup(fitness: Mapping[str, float], evaluate: Callable[[tuple[str, ...]], float]) -> Soup:
    """From the best ingredient downwards, each one is kept if the soup is no worse with it.

    `fitness` is that of each ingredient alone; of equals the first is tried first.
    Raises: Failure without ingredients.
    """
    if not fitness:
        raise Failure("a soup needs at least one ingredient")
    order = sorted(fitness, key=lambda name: -fitness[name])
    members: tuple[str, ...] = (order[0],)
    reached = fitness[order[0]]
    for name in order[1:]:
        with_it = evaluate((*members, name))
        if with_it >= reached:
            members, reached = (*members, name), with_it
    return Soup(members=members, fitness=reached, tried=len(order) - 1)
