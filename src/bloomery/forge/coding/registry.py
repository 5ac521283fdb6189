"""The coders by name; one is added here and the conformance tests find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from bloomery.core.errors import UnknownName
from bloomery.forge.coding import blockfloat, kmeans, raw, rows, ternary
from bloomery.models.packed.coded import Coded


@dataclass(frozen=True, kw_only=True)
class Coder:
    """A scheme with its settings."""

    name: str
    encoder: Callable[..., Coded]
    weighs: bool = False  # whether it makes use of a Hessian

    def encode(self, weight: Tensor, hessian: Tensor | None = None) -> Coded:
        """The weight, coded; `hessian` is the mean of x x^T over the layer's inputs x."""
        return self.encoder(weight, hessian=hessian) if self.weighs else self.encoder(weight)


KMEANS_LEVELS = (32, 16, 8, 4, 2, 1)
PRICES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3)
BLOCK_LEVELS = (15, 7, 5, 3)
THRESHOLDS = (0.5, 0.8, 1.2)
ALL = (
    Coder(name="float32", encoder=partial(raw.encode, precision="float32")),
    Coder(name="float16", encoder=partial(raw.encode, precision="float16")),
    Coder(name="rows-8bit", encoder=partial(rows.encode, bits=8)),
    Coder(name="rows-4bit", encoder=partial(rows.encode, bits=4)),
    *(
        Coder(name=f"kmeans-{k}", encoder=partial(kmeans.encode, levels=k), weighs=True)
        for k in KMEANS_LEVELS
    ),
    *(
        Coder(name=f"kmeans-price-{p:g}", encoder=partial(kmeans.encode, levels=65, price=p), weighs=True)
        for p in PRICES
    ),
    *(
        Coder(name=f"blockfloat-{n}", encoder=partial(blockfloat.encode, levels=n), weighs=True)
        for n in BLOCK_LEVELS
    ),
    *(Coder(name=f"ternary-{t:g}", encoder=partial(ternary.encode, threshold=t)) for t in THRESHOLDS),
)
CODERS: Mapping[str, Coder] = {coder.name: coder for coder in ALL}


def coder(name: str) -> Coder:
    """Raises: UnknownName with the nearest name."""
    if name not in CODERS:
        raise UnknownName("coder", name, CODERS)
    return CODERS[name]
