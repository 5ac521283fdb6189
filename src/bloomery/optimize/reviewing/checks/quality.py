"""Names, handlers of errors and copies: what the metrics of quality object to and did not before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bloomery.optimize.reviewing.change import Change
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.checks.sources import source
from bloomery.optimize.reviewing.finding import Finding, Severity, added
from bloomery.source.languages.parsing import Source
from bloomery.source.quality.report import Report, assess

METRICS = ("complexity", "naming", "error handling", "duplication")  # style: by the project's own linter
OBJECTIONS: dict[str, tuple[Severity, str]] = {
    "naming": ("note", "name it as its language does"),
    "error handling": ("warning", "catch what you can mend, and keep the cause"),
    "duplication": ("note", "take what both do out into one place"),
}


@dataclass(frozen=True)
class Figure:
    """One metric over the changed files; None where there was nothing to measure."""

    metric: str
    before: float | None
    after: float | None
    unit: str
    better: str


def figures(change: Change) -> tuple[Figure, ...]:
    """Raises: CapabilityMissing without the grammars."""
    both = zip(_assessed(change, after=False).metrics, _assessed(change, after=True).metrics, strict=True)
    return tuple(Figure(now.name, was.value, now.value, now.unit, now.better) for was, now in both)


def look(sight: Sight) -> Iterator[Finding]:
    before, after = _assessed(sight.change, after=False), _assessed(sight.change, after=True)
    yield from added(_findings(before), _findings(after))


def _assessed(change: Change, *, after: bool) -> Report:
    texts = {file.path: file.after if after else file.before for file in change.files}
    return assess(_sources(list(texts.items())), METRICS)


def _sources(texts: Sequence[tuple[str, str | None]]) -> list[Source]:
    return [one for path, text in texts if (one := source(path, text)) is not None]


def _findings(report: Report) -> Iterator[Finding]:
    for name, (severity, do) in OBJECTIONS.items():
        for one in report.metric(name).findings:
            yield Finding("quality", one.path, one.line, severity, f"{name}: {one.what}", do)
