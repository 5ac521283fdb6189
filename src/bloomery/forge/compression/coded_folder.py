"""A model folder, coded: every matrix by one coder, or each by the one that a mean number of bits allows.

One coder a tensor is chosen on the measured rate-distortion frontier, as the stage compression does it; the
quality of the whole is for the caller to measure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.config import option
from bloomery.core.errors import ConfigError, UserError
from bloomery.core.step import Progress, nobody_watches
from bloomery.forge.coding.frontier import Choice, Point, choose, lower_hull
from bloomery.forge.coding.registry import coder
from bloomery.forge.compression.branches import Place, coded_by, places_of, plain, points_of
from bloomery.forge.compression.calibrating import second_moments
from bloomery.forge.compression.calibration_rows import Rows
from bloomery.forge.folders import check_free
from bloomery.forge.full_models import load_full, pack_folder
from bloomery.forge.stages.compression import FULL_CODERS

Hull = list[Point]
BITS_A_BYTE, WIDEST, PERCENT = 8, 32, 100


@dataclass(frozen=True, kw_only=True)
class CodingConfig:
    """By what a model's matrices are coded: exactly one coder, or several and a mean number of bits."""

    coders: tuple[str, ...] = option((), help="one for every matrix; with bits, those to choose from")
    bits: float | None = option(None, help="mean bits a weight over the matrices, metadata counted, at most")

    def __post_init__(self) -> None:
        for name in self.coders:
            coder(name)
        if self.bits is not None and not 0 < self.bits <= WIDEST:
            raise ConfigError(f"bits is {self.bits:g}, expected more than 0 and at most {WIDEST} a weight")
        if self.bits is None and len(self.coders) != 1:
            raise ConfigError(f"{len(self.coders)} coders and no bits: name one coder, or give mean bits")

    @property
    def names(self) -> tuple[str, ...]:
        """The coders that are tried."""
        return self.coders or (*FULL_CODERS, "float16")


@dataclass(frozen=True, kw_only=True)
class Coding:
    """What became of a model's matrices."""

    coders: Mapping[str, str]  # the coder of each matrix
    bits: float  # mean, metadata counted
    lost: float  # mean share of the energy of the layers' outputs; uncalibrated: of the weights
    calibrated: bool


def compress_folder(
    base: Path,
    output: Path,
    config: CodingConfig,
    *,
    calibration: Rows | None = None,
    watch: Progress = nobody_watches,
) -> Coding:
    """Code a model folder's matrices into a packed folder, which appears whole or not at all.

    `calibration` says what the layers are fed, so that errors count by what they change in the outputs;
    without it all weights of a matrix count alike. What is no matrix is kept in half precision.

    Raises: UserError where `output` exists, where the calibration set is too small, or where the bits are
    too few for any coder; MissingFile, FormatRefused, DamagedArtifact, DiskFull.
    """
    check_free(output)
    model, tokenizer = load_full(base)
    hessians = {} if calibration is None else _moments(model, tokenizer, calibration)
    places = places_of(model, hessians)
    matrices = [one for one in places if _is_coded(one)]
    choice = _chosen(_hulls(matrices, config, watch), matrices, config.bits)
    points = iter(choice.points)
    items = [next(points).coded if _is_coded(one) else plain(one) for one in places]
    pack_folder(model, items, tokenizer, base, output)
    weights = _weights(matrices)
    return Coding(
        coders={one.name: point.coder for one, point in zip(matrices, choice.points, strict=True)},
        bits=BITS_A_BYTE * choice.size_bytes / weights,
        lost=choice.error / weights,
        calibrated=calibration is not None,
    )


def _moments(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, calibration: Rows
) -> dict[str, Tensor]:
    limit = getattr(model.config, "max_position_embeddings", None)
    return second_moments(model.eval(), _within(calibration(tokenizer), limit))


def _within(rows: Iterator[Tensor], limit: int | None) -> Iterator[Tensor]:
    for row in rows:
        if limit is not None and row.shape[1] > limit:
            raise UserError(
                f"a row has {row.shape[1]} tokens and the model {limit} positions: shorten seq_len"
            )
        yield row


def _is_coded(place: Place) -> bool:
    return place.is_matrix and place.learned


def _weights(places: Sequence[Place]) -> int:
    return sum(place.tensor.numel() for place in places)


def _hulls(matrices: Sequence[Place], config: CodingConfig, watch: Progress) -> list[Hull]:
    """Each matrix by each coder; of these, what is best for some price of a byte."""
    total = _weights(matrices) * len(config.names)
    found, done = [], 0
    for place in matrices:
        coded = {}
        for name in config.names:
            watch(PERCENT * done // total, PERCENT, f"{place.name} by {name}")
            coded[name] = coded_by(name, [place])
            done += place.tensor.numel()
        found.append(lower_hull(points_of([place], coded)[0]))
    watch(PERCENT, PERCENT, "")
    return found


def _chosen(hulls: Sequence[Hull], matrices: Sequence[Place], bits: float | None) -> Choice:
    if bits is None:
        return Choice(points=tuple(hull[0] for hull in hulls))
    weights = _weights(matrices)
    budget = int(bits * weights / BITS_A_BYTE)
    least = sum(hull[0].size_bytes for hull in hulls)
    if budget < least:
        raise UserError(
            f"{bits:g} bits a weight are too few: the coarsest coders need "
            f"{BITS_A_BYTE * least / weights:.3g}, metadata counted; give more bits, or coarser coders"
        )
    return choose(hulls, budget)
