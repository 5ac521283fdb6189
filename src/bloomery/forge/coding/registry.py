"""The coders by name; one is added here and the conformance tests find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from bloomery.core.errors import UnknownName
from bloomery.forge.coding import blockfloat, hyper, kmeans, raw, rows, seedlm, ternary, vptq
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


ROW_BITS = (8, 7, 6, 5, 4, 3)
KMEANS_LEVELS = (32, 16, 8, 4, 2, 1)
PRICES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3)
BLOCK_LEVELS = (15, 7, 5, 3)
SEED_SIZES = {"4bit": (8, 3, 16), "3bit": (12, 4, 16)}  # C, P, K of the paper
VECTORS = ((2, 16, 0), (2, 64, 0), (4, 64, 0), (4, 256, 0), (4, 64, 64), (8, 256, 0))
HYPER_NODES = (1600, 256, 64)
THRESHOLDS = (0.5, 0.8, 1.2)
ALL = (
    Coder(name="float32", encoder=partial(raw.encode, precision="float32")),
    Coder(name="float16", encoder=partial(raw.encode, precision="float16")),
    *(Coder(name=f"rows-{bits}bit", encoder=partial(rows.encode, bits=bits)) for bits in ROW_BITS),
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
    *(
        Coder(name=f"seedlm-{bits}", encoder=partial(seedlm.encode, C=C, P=P, K=K))
        for bits, (C, P, K) in SEED_SIZES.items()
    ),
    *(
        Coder(
            name=f"vptq-{length}x{size}" + (f"+{residual}" if residual else ""),
            encoder=partial(vptq.encode, length=length, size=size, residual=residual),
            weighs=True,
        )
        for length, size, residual in VECTORS
    ),
    *(Coder(name=f"hyper-{count}", encoder=partial(hyper.encode, count=count)) for count in HYPER_NODES),
)
CODERS: Mapping[str, Coder] = {coder.name: coder for coder in ALL}


def coder(name: str) -> Coder:
    """Raises: UnknownName with the nearest name."""
    if name not in CODERS:
        raise UnknownName("coder", name, CODERS)
    return CODERS[name]
