"""What is done to which parents: a merge as data, that a file can hold. Imports no torch."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import ConfigError

Method = Literal["linear", "slerp", "ties", "dare", "frankenmerge", "dfs"]
# The order in which methods follow one another; at most one of each rank.
RANK: dict[str, int] = {"linear": 0, "slerp": 0, "ties": 1, "dare": 1, "frankenmerge": 2, "dfs": 2}
DENSITY = {"ties": 0.2, "dare": 0.1}  # the papers' (top 20 %; 90 % dropped)


@dataclass(frozen=True, kw_only=True)
class MergeRecipe:
    """A merge of N parents: one method, or up to three in sequence, each on the result of the one before.

    linear, slerp     blend the parents.
    ties, dare        sum sparse task vectors. First in the sequence they are taken from the base; after a
                      blend, from the blend: the parents' sparse differences from it are added to it.
    frankenmerge, dfs choose each layer whole from a parent or (-1) from the result before; what lies in no
                      layer is the result before, or parent 0's where they come first.

    Merging equal models gives that model, unless ties or dare come first and the base is another model.
    Random streams depend on (seed, tensor name) alone.
    """

    methods: tuple[Method, ...] = option(help="one method, or a blend, a sparse method and a layout in order")
    weights: tuple[float, ...] = option((), help="one a parent, for all but the layouts; none: 1/N each")
    layer_weights: tuple[tuple[float, ...], ...] = option(
        (), help="weights of each layer, one row a layer; tensors outside layers keep `weights`"
    )
    t: float | None = option(None, help="slerp of two parents: 0 is the first, 1 the second", low=0, high=1)
    normalize: bool = option(True, help="linear and ties divide by the sum of the weights")
    density: float | None = option(None, help="share of a task vector that is kept; none: ties 0.2, dare 0.1")
    rescale: Literal["inverse_density", "l1"] = option("inverse_density", help="what dare makes up for")
    elect_signs: bool = option(False, help="dare sums only entries of the elected sign")
    lam: float = option(1.0, help="factor of the summed task vectors of ties and dare")
    sources: tuple[int, ...] = option((), help="frankenmerge: a parent or -1 for each layer; none: blocks")
    path: tuple[tuple[int, int], ...] = option((), help="dfs: (parent or -1, layer) pairs; none: alternating")
    seed: int = option(0, help="of dare's masks")

    def __post_init__(self) -> None:
        _check_methods(self.methods)
        if self.t is not None and (not self.has("slerp") or self.weights or self.layer_weights):
            raise ConfigError(f"t is {self.t}: it is for slerp of two parents, in place of weights")
        if self.density is not None and not 0.0 < self.density <= 1.0:
            raise ConfigError(f"density is {self.density}, expected a share in (0, 1]: 1 keeps all")

    def has(self, method: str) -> bool:
        """Whether this method is among the recipe's."""
        return method in self.methods

    @property
    def layout(self) -> str | None:
        """frankenmerge, dfs or None."""
        return next((method for method in self.methods if RANK[method] == 2), None)

    @property
    def needs_base(self) -> bool:
        """Whether task vectors are taken from the base model: ties or dare with nothing before them."""
        return RANK[self.methods[0]] == 1

    @property
    def kept(self) -> float:
        """The density in force."""
        sparse = next((method for method in self.methods if method in DENSITY), "ties")
        return DENSITY[sparse] if self.density is None else self.density

    def check_parents(self, count: int, *, has_base: bool) -> None:
        """Raises: ConfigError where these parents do not fit: too few, or coefficients of another number."""
        least = 1 if self.needs_base else 2
        if count < least:
            raise ConfigError(
                f"{'+'.join(self.methods)} of {count} models: give at least {least}"
                + (" besides the base" if self.needs_base else "")
            )
        if self.needs_base and not has_base:
            raise ConfigError(f"{self.methods[0]} takes task vectors from a base model, and there is none")
        if self.t is not None and count != 2:
            raise ConfigError(f"t is for slerp of two models and there are {count}: give weights")
        for row in (*([self.weights] if self.weights else []), *self.layer_weights):
            if len(row) != count:
                raise ConfigError(f"{len(row)} weights {list(row)} for {count} models: give one a model")
        for source in (*self.sources, *(source for source, _ in self.path)):
            lowest = -1 if len(self.methods) > 1 else 0
            if not lowest <= source < count:
                raise ConfigError(f"source {source}: expected {lowest} to {count - 1} for {count} models")

    def weights_of(self, layer: int | None, count: int) -> tuple[float, ...]:
        """The weights of `count` parents in a layer, or outside all layers (None)."""
        if self.t is not None:
            return (1.0 - self.t, self.t)
        if layer is not None and self.layer_weights:
            return self.layer_weights[layer]
        return self.weights or (1.0 / count,) * count


def _check_methods(methods: tuple[str, ...]) -> None:
    unknown = [method for method in methods if method not in RANK]
    ordered = all(RANK[a] < RANK[b] for a, b in pairwise(methods)) if not unknown else False
    if not methods or not ordered:
        raise ConfigError(
            f"methods are {list(methods)}, expected some of linear or slerp, ties or dare, "
            "frankenmerge or dfs, in this order and at most one of each pair"
        )
