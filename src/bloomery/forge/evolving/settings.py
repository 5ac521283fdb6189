"""The config of a search. This module is light: a remembered run imports no numerical library."""

from dataclasses import dataclass
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.forge.evolving.search import Limits


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """Which search, how far it goes, and when it gives up."""

    kind: Literal["genetic", "cma", "random"] = option("genetic", help="what proposes candidates")
    generations: int = option(10, help="most generations after generation 0", low=1, high=50)
    population: int = option(
        8, help="candidates a generation; 0, for cma alone: 4 + floor(3 ln n)", low=0, high=64
    )
    sigma: float = option(1 / 6, help="strongest mutation, or first step of cma, in genes", low=1e-6, high=1)
    diversity: float = option(
        0.2, help="genetic: fresh candidates below this share of generation 0's diversity", low=0, high=1
    )
    patience: int = option(5, help="generations that may pass without `gain`", low=1)
    gain: float = option(0.001, help="smallest gain in fitness that counts within `patience`", low=0)

    def __post_init__(self) -> None:
        if self.population < 1 and self.kind != "cma":
            raise ConfigError(f"population is {self.population} and kind {self.kind}; only cma has a default")

    def limits(self) -> Limits:
        return Limits(generations=self.generations, patience=self.patience, gain=self.gain)
