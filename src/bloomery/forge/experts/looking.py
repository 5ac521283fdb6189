"""What experts that were just taught gain, on held-out examples that chose nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bloomery.core import machine
from bloomery.core.errors import UserError
from bloomery.forge.editing import ternary_of
from bloomery.forge.experts.cells import cells
from bloomery.forge.experts.comparing import Comparison
from bloomery.forge.experts.examining import Result, bench_of, examine, plain_design
from bloomery.forge.experts.measuring import shipped_result, two_passes
from bloomery.forge.fitting import set_threads
from bloomery.forge.stages.experts import ExpertsStageConfig


@dataclass(frozen=True, kw_only=True)
class Found:
    """Each expert's cells, and the cross-validated share of the loss that each number of experts gains."""

    kinds: tuple[tuple[str, ...], ...]
    gains: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Gained:
    """Two passes beside what they have to beat, and the chosen design's folder beside the given model's."""

    found: Found
    passes: Comparison
    before: Result
    shipped: Result


def gained(base: Path, made: Mapping[str, Path], output: Path, config: ExpertsStageConfig) -> Gained:
    """`made` are the experts and kinds of a specialisation whose folder is `output`."""
    set_threads(machine.threads())
    inputs = {"model": base, "experts": made["experts"]}
    bench = bench_of(inputs, config.mixture, config.exam, "test")
    before = examine(plain_design(bench), bench=bench)
    tested = cells(config.mixture, config.exam, "test")
    told = json.loads(made["kinds"].read_text())
    return Gained(
        found=Found(
            kinds=tuple(tuple(kind) for kind in told["kinds"]),
            gains={int(number): gain for number, gain in told["gains"].items()},
        ),
        passes=two_passes(base, made["experts"], made["kinds"], config.mixture, config.exam),
        before=before,
        shipped=shipped_result(output, tested, before),
    )


def check_not_latent(folder: Path) -> None:
    """Raises: UserError for weights behind trits: experts turn what ships."""
    if ternary_of(folder) is not None:
        raise UserError(f"{folder} holds latent weights of trits; name the packed folder that ships")
