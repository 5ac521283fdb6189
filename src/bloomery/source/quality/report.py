"""All metrics of some sources, as values that JSON can hold."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bloomery.core.errors import UnknownName
from bloomery.source.languages.parsing import Source, read
from bloomery.source.quality import complexity, duplication, handling, naming, style
from bloomery.source.quality.metric import Measure, Metric

METRICS: dict[str, Measure] = {
    "complexity": complexity.measure,
    "naming": naming.measure,
    "error handling": handling.measure,
    "duplication": duplication.measure,
    "style": style.measure,
}


@dataclass(frozen=True)
class Report:
    paths: tuple[str, ...]
    metrics: tuple[Metric, ...]

    def metric(self, name: str) -> Metric:
        """Raises: UnknownName."""
        for one in self.metrics:
            if one.name == name:
                return one
        raise UnknownName("metric", name, (one.name for one in self.metrics))

    def values(self) -> dict[str, Any]:
        """Numbers, texts, lists and dicts only."""
        return asdict(self)


def assess(sources: Sequence[Source], names: Iterable[str] = tuple(METRICS)) -> Report:
    """Raises: UnknownName for a metric; CapabilityMissing where ruff is not there to judge Python's style."""
    measures = []
    for name in names:
        if name not in METRICS:
            raise UnknownName("metric", name, METRICS)
        measures.append(METRICS[name])
    return Report(tuple(source.path for source in sources), tuple(measure(sources) for measure in measures))


def assess_files(paths: Iterable[Path], names: Iterable[str] = tuple(METRICS)) -> Report:
    """Raises: as `assess` and `languages.parsing.read`."""
    return assess([read(path) for path in paths], names)
