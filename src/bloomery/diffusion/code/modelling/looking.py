"""Looks at files that are not learned from, now and then in a training: the best weights so far are kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import save
from torch import nn

from bloomery.core.disk import write_atomically
from bloomery.diffusion.code.modelling.asking import written
from bloomery.diffusion.code.modelling.measuring import Cost, bits_per_byte
from bloomery.diffusion.code.modelling.windows import Encoded

BITS = "bits_per_byte"
DRAWS = 4


class Looks:
    """Bits a byte of a few windows, always under the same masks.

    The folder keeps the best weights and all values, so that a run that was killed forgets none.
    """

    def __init__(self, cost: Cost, files: Sequence[Encoded], length: int, folder: Path) -> None:
        self.cost, self.files, self.length = cost, few(files), length
        self.best, self._path = folder / "best.safetensors", folder / "looks.json"

    @property
    def values(self) -> list[tuple[int, float]]:
        """Steps with their bits a byte."""
        return json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else []

    def __call__(self, net: nn.Module) -> Mapping[str, float]:
        found = bits_per_byte(self.cost, self.files, self.length, draws=DRAWS).bits_per_byte
        if found <= min((value for _, value in self.values), default=found):
            weights = {name: weight.contiguous() for name, weight in net.state_dict().items()}
            write_atomically(self.best, save(weights))
        return {BITS: found}

    def note(self, name: str, value: float, step: int) -> None:
        """Takes the metrics of a run; only our own are kept."""
        if name.endswith(BITS):
            values = dict(self.values) | {step: value}
            write_atomically(self._path, written(sorted(values.items())))


def few(files: Sequence[Encoded], tokens: int = 12_000) -> list[Encoded]:
    """Files, the smallest first, of so many tokens; one at least."""
    found = list[Encoded]()
    for file in sorted(files, key=lambda file: len(file.body)):
        if found and len(file.body) > tokens:
            break
        found.append(file)
        tokens -= len(file.body)
    return found
