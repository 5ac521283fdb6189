"""Experts of one model: vectors z over its layers, a mixture of them, and a dispatcher, in one small file.

A loaded folder that has the file beside its weights has `model.experts`: `use("name")` switches, `use(None)`
is the model without experts, `choose(input_ids)` says whose prompt it is. At first the file's mixture is in
use.

Source: arXiv 2501.06252 (Transformer-Squared), sections 3.2 and 3.3 (two-pass inference)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from .dispatching import Dispatcher, prompt_features
from .svf import Attached

FILE, VERSION, TOLD = "experts.safetensors", 1, "experts"
SETTINGS = ("max_recursion", "halt_threshold", "sliding_window")  # of a model's config, where it has them
DELTAS, MIXTURE, STRENGTHS = "deltas", "mixture", "strengths"
WEIGHT, BIAS = "dispatcher.weight", "dispatcher.bias"
STORED = torch.float8_e4m3fn


def stored(deltas: Tensor) -> Tensor:
    """z - 1 as the file keeps it: a byte each, four significant bits, at most 448 in size."""
    most = torch.finfo(STORED).max
    return deltas.clamp(-most, most).to(STORED)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertSet:
    """What the file holds.

    Shapes: deltas (N, P), z - 1 of each expert as `stored`, or float16 (of a mixture); mixture (N,);
    strengths (L,), a factor a layer.
    `ranks` is the length of z in each layer, in their order, P in sum; `settings` change the model's config;
    `design` tells how the answers are meant to be asked for, and changes nothing here.
    Raises: ValueError for shapes that do not belong together.
    """

    names: tuple[str, ...]
    ranks: Mapping[str, int]
    deltas: Tensor
    mixture: Tensor
    strengths: Tensor
    dispatcher: Dispatcher | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    design: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        experts, layers = len(self.names), len(self.ranks)
        expected = [(experts, sum(self.ranks.values())), (experts,), (layers,)]
        found = [tuple(one.shape) for one in (self.deltas, self.mixture, self.strengths)]
        if found != expected:
            raise ValueError(f"experts of shapes {found}, expected {expected}: the file is altered")
        if self.dispatcher is not None and len(self.dispatcher.weight) != experts:
            raise ValueError(f"a dispatcher to {len(self.dispatcher.weight)} of {experts} experts: altered")
        if unknown := sorted(set(self.settings) - set(SETTINGS)):
            raise ValueError(f"unknown settings {', '.join(unknown)}; known are {', '.join(SETTINGS)}")

    def delta(self, which: str | Sequence[float] | None) -> Tensor | None:
        """z - 1 of one expert by name, or of a mixture by its weights, times each layer's strength.

        Shapes: (P,) float32
        Source: transformer2 eq. 3.3a
        Differs: z - 1 is mixed, not z: z' = 1 + sum a_k (z_k - 1), the paper's z' where the weights sum to 1;
        weights of 0 give the model without experts, not one without singular values.
        Raises: ValueError for a name or a number of weights that there are no experts for.
        """
        if which is None:
            return None
        weights = torch.tensor(self._weights(which), dtype=torch.float64)
        factor = self.strengths.double().repeat_interleave(torch.tensor(list(self.ranks.values())))
        return ((weights @ self.deltas.double()) * factor).float()

    def _weights(self, which: str | Sequence[float]) -> list[float]:
        if isinstance(which, str):
            if which not in self.names:
                raise ValueError(f"there is no expert {which!r}; there are {', '.join(self.names)}")
            return [float(name == which) for name in self.names]
        if len(which) != len(self.names):
            raise ValueError(f"{len(which)} weights for {len(self.names)} experts; give one for each")
        return [float(one) for one in which]


class Experts:
    """An `ExpertSet` at work in a model.

    Raises: ValueError where it was made for another model.
    """

    def __init__(self, model: nn.Module, held: ExpertSet) -> None:
        self.model, self.held = model, held
        self.attached = Attached(model, held.ranks)
        self.used: str | Sequence[float] | None = None
        self.hold(held)

    @property
    def names(self) -> tuple[str, ...]:
        return self.held.names

    def hold(self, held: ExpertSet) -> None:
        """Other experts over the same layers; their settings take effect and their mixture is in use."""
        if dict(held.ranks) != self.attached.sizes():
            raise ValueError("these experts turn other layers: the file is another model's")
        for name, value in held.settings.items():
            if not hasattr(self.model.config, name):
                raise ValueError(f"the model's config has no {name}: the experts are another model's")
            setattr(self.model.config, name, value)
            if name == "max_recursion":
                self.model.recursion.steps = value  # type: ignore[union-attr]
        self.held = held
        self.use(held.mixture.tolist())

    def use(self, which: str | Sequence[float] | None) -> None:
        """Compute with one expert by its name, with a mixture by its weights, or with none."""
        self.attached.put(self.held.delta(which))
        self.used = which

    @contextmanager
    def using(self, which: str | Sequence[float] | None) -> Iterator[None]:
        """Inside the block; what was in use before is so again after it."""
        before = self.used
        self.use(which)
        try:
            yield
        finally:
            self.use(before)

    def choose(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """The first pass, without experts: how probably each prompt is each expert's.

        Shapes: input_ids, attention_mask (B, T) -> (B, N).
        Raises: ValueError where there is no dispatcher.
        """
        if self.held.dispatcher is None:
            raise ValueError("these experts have no dispatcher; use one of them by its name")
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        with self.using(None):
            features = prompt_features(self.model, self.held.dispatcher.layer, input_ids, mask)
        return self.held.dispatcher.probabilities(features.cpu())

    def remove(self) -> None:
        """Leave the model without experts, but for the settings."""
        self.attached.remove()


def to_bytes(held: ExpertSet) -> bytes:
    """The file; the same experts give the same bytes."""
    tensors = {
        DELTAS: held.deltas if held.deltas.dtype == STORED else held.deltas.half(),
        MIXTURE: held.mixture.float(),
        STRENGTHS: held.strengths.float(),
    }
    told: dict[str, Any] = {
        "names": held.names, "ranks": dict(held.ranks), "settings": dict(held.settings),
        "design": dict(held.design),
    }  # fmt: skip
    if held.dispatcher is not None:
        tensors |= {WEIGHT: held.dispatcher.weight.float(), BIAS: held.dispatcher.bias.float()}
        told["reads"] = held.dispatcher.layer
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    # one entry: safetensors writes several in no order
    return save(whole, metadata={TOLD: json.dumps({"version": VERSION, **told})})


def read(path: Path) -> ExpertSet:
    """What `to_bytes` wrote. Raises: ValueError for anything else."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            told = json.loads((file.metadata() or {})[TOLD])
        if told["version"] != VERSION:
            raise ValueError(f"{path} is of version {told['version']}, this code reads {VERSION}; update it")
        reads = Dispatcher(told["reads"], tensors[WEIGHT], tensors[BIAS]) if "reads" in told else None
        return ExpertSet(
            names=tuple(told["names"]), ranks=told["ranks"], settings=told["settings"], dispatcher=reads,
            design=told["design"], deltas=tensors[DELTAS], mixture=tensors[MIXTURE],
            strengths=tensors[STRENGTHS],
        )  # fmt: skip
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no experts, or is altered ({error}); get it again") from error


def attach(model: nn.Module, path: Path) -> Experts:
    """The experts of a file, in `model.experts`. Raises: ValueError where they are another model's."""
    model.experts = experts = Experts(model, read(path))  # type: ignore[assignment]
    return experts
