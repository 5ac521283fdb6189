"""What became of tests: one outcome each, and what kept files from being collected."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bloomery.core.evidence import State

Status = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "not collected", "not run"]

_RANK: tuple[Status, ...] = ("error", "failed", "xpassed", "passed", "xfailed", "skipped")
_ERROR_LINE = re.compile(r"^E\s+(.*\S)", re.MULTILINE)
_CONFTEST = re.compile(r"while loading conftest '([^']+)'")


@dataclass(frozen=True)
class Outcome:
    """What became of one test. `raised` is the exception's type; `checked`: a check raised it.

    `not run`: collected, but the process ended before or in it. `not collected`: asked for and not there.
    """

    node: str
    status: Status
    reason: str = ""
    raised: str = ""
    checked: bool = False
    duration_s: float = 0.0
    equations: tuple[tuple[str, ...], ...] = ()

    @property
    def took_too_long(self) -> bool:
        """Whether it was ended since it had used all the processor time that one test may use."""
        return self.raised == "TookTooLong"


@dataclass(frozen=True)
class CollectionError:
    """A file that pytest could not collect tests from."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Results:
    """Outcomes in the order in which the tests ran; `ended` says why the process ended early, or is empty."""

    outcomes: tuple[Outcome, ...]
    errors: tuple[CollectionError, ...]
    ended: str = ""

    def of(self, target: str) -> tuple[Outcome, ...]:
        """The outcomes of a file, folder, class, test or case."""
        return tuple(one for one in self.outcomes if covers(target, one.node))

    def state(self, target: str) -> State:
        """Three states, as evidence has them: skipped, missing and unfinished tests never make a pass.

        Some cases of a passing test may be skipped; expected failures are failures here.
        """
        found = {one.status for one in self.of(target)}
        if found & {"failed", "error", "xfailed", "xpassed"}:
            return State.FAILED
        return State.PASSED if found in ({"passed"}, {"passed", "skipped"}) else State.NOT_RUN


def covers(target: str, node: str) -> bool:
    """Whether a target names a node: itself, or something that holds it."""
    return target in (node, ".", "") or node.startswith(
        (f"{target}::", f"{target}[", target.rstrip("/") + "/")
    )


def read_results(
    project: Path, targets: Sequence[str], events: Iterable[Mapping[str, Any]], ended: str, output: str
) -> Results:
    """Outcomes from what the plugin wrote."""
    events = tuple(events)
    reports = outcomes(events)
    errors = [_collection_error(e) for e in events if e["event"] == "not collected" and e["node"]]
    if not events and output and not ended:
        errors.append(_nothing_ran(project, output))
    skipped = [Outcome(e["node"], "skipped", e["reason"]) for e in events if e["event"] == "skipped"]
    unfinished = [_unfinished(event, events, ended) for event in events if event["event"] == "collected"]
    known = [*reports, *skipped, *(one for one in unfinished if one.node not in {r.node for r in reports})]
    missing = [
        Outcome(target, "not collected", _why_missing(project, target, errors, ended))
        for target in dict.fromkeys(targets)
        if not any(covers(target, one.node) or covers(one.node, target) for one in known)
    ]
    return Results((*known, *missing), tuple(errors), ended)


def outcomes(events: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """One outcome for each test with a report; of several (set-up, call, tear-down, sub-tests) the worst."""
    marks: dict[str, tuple[tuple[str, ...], ...]] = {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event["event"] == "collected":
            marks[event["node"]] = tuple(map(tuple, event["marks"]))
        elif event["event"] == "report":
            found.setdefault(event["node"], []).append(event)
    return [one for node, reports in found.items() if (one := _outcome(node, reports, marks.get(node, ())))]


def _outcome(
    node: str, reports: list[Mapping[str, Any]], marks: tuple[tuple[str, ...], ...]
) -> Outcome | None:
    if reports[-1]["when"] != "teardown":
        return None  # the process ended in it
    worst = min(reports, key=lambda report: _RANK.index(_status(report)) if _tells(report) else len(_RANK))
    return Outcome(
        node=node,
        status=_status(worst),
        reason=worst["expected"] or worst["reason"],
        raised=worst["raised"],
        checked=worst["checked"],
        duration_s=sum(report["duration_s"] for report in reports),
        equations=marks,
    )


def _tells(report: Mapping[str, Any]) -> bool:
    return report["when"] == "call" or report["outcome"] != "passed"


def _status(report: Mapping[str, Any]) -> Status:
    if report["outcome"] == "skipped":
        return "xfailed" if report["expected"] is not None else "skipped"
    if report["outcome"] == "failed":
        return "failed" if report["when"] == "call" else "error"
    return "xpassed" if report["expected"] is not None else "passed"


def _unfinished(event: Mapping[str, Any], events: tuple[Mapping[str, Any], ...], ended: str) -> Outcome:
    node = event["node"]
    started = any(one["event"] == "started" and one["node"] == node for one in events)
    where = "while it ran" if started else "before it"
    return Outcome(node, "not run", f"{ended or 'the run was stopped'} ({where})")


def _collection_error(event: Mapping[str, Any]) -> CollectionError:
    path, text = event["node"], event["text"]
    lines = re.findall(rf"{re.escape(Path(path).name)}\"?(?::|, line )(\d+)", text)
    said = _ERROR_LINE.findall(text)
    last = said[-1] if said else text.strip().splitlines()[-1]
    return CollectionError(path, int(lines[-1]) if lines else 1, last)


def _nothing_ran(project: Path, output: str) -> CollectionError:
    conftest = _CONFTEST.search(output)
    said = _ERROR_LINE.findall(output) or re.findall(r"^(?:ERROR:|\w+Error:)\s*(.*\S)", output, re.MULTILINE)
    message = said[-1] if said else output.strip().splitlines()[-1]
    path = Path(conftest[1]) if conftest else project
    name = path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
    lines = re.findall(rf"{re.escape(path.name)}:(\d+)", output) if conftest else []
    return CollectionError(name, int(lines[-1]) if lines else 1, f"pytest did not start: {message}")


def _why_missing(project: Path, target: str, errors: Sequence[CollectionError], ended: str) -> str:
    file = target.partition("::")[0]
    if not (project / file).exists():
        return f"there is no file {file}"
    for error in errors:
        if covers(error.path, target) or covers(target, error.path) or error.message.startswith("pytest did"):
            return str(error)
    return ended or (f"{file} holds no such test" if "::" in target else f"{file} holds no test")
