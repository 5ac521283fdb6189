"""The search over designs against random search, at equal evaluations, on one model with its experts."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from pymoo.indicators.hv import HV
from transformers import PreTrainedTokenizerBase

from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.nsga import Drawn, Judged, Nsga, best_front, evolve_front
from bloomery.forge.experts.cells import Cell
from bloomery.forge.experts.designs import DesignSpace
from bloomery.forge.experts.examining import Ready, limited, tried
from bloomery.forge.experts.searching import ETA
from bloomery.forge.experts.settings import DesignSearchConfig
from bloomery.models.packed.experts import Experts

EDGE = 1.1


def front_volumes(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, chosen: Sequence[Cell], *, seed: int
) -> dict[str, float]:
    """The share of one box that each search's front dominates; at the stage's default sizes."""
    config, held = DesignSearchConfig(), experts.held
    size = sum(one.numel() * one.element_size() for one in experts.model.parameters())
    ready = Ready(
        experts.model, tokenizer, experts, held, {}, limited(chosen, 2 * config.examples), size  # type: ignore[arg-type]
    )  # fmt: skip
    designs = DesignSpace(strategies=config.strategies, experts=len(held.names), layers=len(held.ranks))
    words = {"space": designs.space, "seed": seed, "size": config.population}
    ways: dict[str, Nsga | Drawn] = {
        "nsga": Nsga(**words, eta=ETA, essence=designs.essence), "random": Drawn(**words)
    }  # fmt: skip
    evaluate = partial(_objectives, designs, ready)
    found = {
        name: evolve_front(way, evaluate, designs.first(), config.generations) for name, way in ways.items()
    }
    return volumes(found) | {"evaluations": float(len(found["nsga"]))}


def volumes(found: Mapping[str, Sequence[Judged]]) -> dict[str, float]:
    """The share that each front dominates of a box from the best values that were seen to a tenth beyond the
    worst."""
    seen = np.array([one.objectives for history in found.values() for one in history])
    low, width = seen.min(0), np.ptp(seen, axis=0)
    indicator = HV(ref_point=np.full(seen.shape[1], EDGE))
    return {
        name: float(indicator((objectives(history) - low) / width)) / EDGE ** seen.shape[1]
        for name, history in found.items()
    }


def objectives(history: Sequence[Judged]) -> np.ndarray:
    """Of the front. Shapes: -> (N, M)"""
    return np.array([one.objectives for one in best_front(history)])


def _objectives(
    designs: DesignSpace, ready: Ready, named: Mapping[str, Genome]
) -> dict[str, tuple[float, ...]]:
    results = {name: tried(designs.design(genome), ready) for name, genome in named.items()}
    return {name: (1 - one.accuracy, one.flops, float(one.size)) for name, one in results.items()}
