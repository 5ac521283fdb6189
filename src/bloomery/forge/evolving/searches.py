"""The searches by name. A new one is one file, one name in `settings.py` and one line below."""

from collections.abc import Callable, Mapping

from bloomery.forge.evolving.at_random import AtRandom
from bloomery.forge.evolving.cma import Cma
from bloomery.forge.evolving.genetic import Genetic
from bloomery.forge.evolving.genome import Space
from bloomery.forge.evolving.search import Search
from bloomery.forge.evolving.settings import SearchConfig


def _genetic(config: SearchConfig, space: Space, seed: int) -> Search:
    return Genetic(
        space=space, seed=seed, population=config.population, sigma=config.sigma,
        diversity_bar=config.diversity,
    )  # fmt: skip


def _cma(config: SearchConfig, space: Space, seed: int) -> Search:
    return Cma(space=space, seed=seed, population=config.population, sigma=config.sigma)


def _random(config: SearchConfig, space: Space, seed: int) -> Search:
    return AtRandom(space=space, seed=seed, population=config.population)


SEARCHES: Mapping[str, Callable[[SearchConfig, Space, int], Search]] = {
    "genetic": _genetic,
    "cma": _cma,
    "random": _random,
}


def search_of(config: SearchConfig, space: Space, seed: int) -> Search:
    return SEARCHES[config.kind](config, space, seed)
