"""Calls recorded from tests that run in the sandbox, on a copy of the project; arguments as expressions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloomery.source.boxing import boxed
from bloomery.source.python import FUNCTION, definitions, parse
from bloomery.source.running import end_of, run_pytest

MOST, MOST_BYTES = 60, 400_000
UNPICKLED = """
def unpickled_(text):
    import base64
    import pickle

    return pickle.loads(base64.b64decode(text))
"""
"""What an expression needs in scope where an argument is no plain value. A pickle runs what it likes when it
is read: evaluate such expressions in the sandbox only."""


@dataclass(frozen=True)
class RecordedCall:
    """`function` as its module names it: a class for its constructor, `Queue.pop` for a method.

    `given`: a name (or "" for a place) and an expression; the first of a method is its object. `seconds`:
    what it took while it was recorded, which is much more than without.
    """

    function: str
    given: tuple[tuple[str, str], ...]
    test: str
    seconds: float

    @property
    def plain(self) -> bool:
        """Whether every argument is a literal."""
        return not any(text.startswith("unpickled_(") for _, text in self.given)


@dataclass(frozen=True)
class Recorded:
    """`calls`, by path, the longest first; `counts`: all calls of a function by path; `lost`: not writable.

    `trouble` says why the tests ended early, or is empty.
    """

    calls: Mapping[str, tuple[RecordedCall, ...]] = field(default_factory=dict)
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lost: Mapping[tuple[str, str], int] = field(default_factory=dict)
    trouble: str = ""

    def of(self, path: str, function: str) -> tuple[RecordedCall, ...]:
        return tuple(one for one in self.calls.get(path, ()) if one.function == function)


def record_calls(
    project: Path,
    targets: Sequence[str],
    functions: Mapping[str, Iterable[str]],
    *,
    most: int = MOST,
    most_bytes: int = MOST_BYTES,
    time_limit_s: float = 600,
) -> Recorded:
    """The calls of `functions` (qualified names by path; all of a file for none) while `targets` run.

    Raises: as `run_pytest` and `boxed` do; NotPython for a path that does not parse.
    """
    project = project.resolve()
    wanted = {path: sorted(names) or _all_of(project / path) for path, names in functions.items()}
    with boxed(project) as box:
        inner = {str(box.project / path): names for path, names in wanted.items()}
        job = {"calls": {"functions": inner, "most": most, "most_bytes": most_bytes}}
        ran = run_pytest(
            box.project, targets, time_limit_s=time_limit_s, plugins=["bloomery_calls"], job=job, box=box
        )
        outer = {str(box.project / path): path for path in wanted}
    return _read(ran.events, outer, end_of(ran, time_limit_s))


def _all_of(path: Path) -> list[str]:
    found = [name for name, _, node in definitions(parse(path).tree) if isinstance(node, FUNCTION)]
    return [name for name in found if "<locals>" not in name]


def _read(events: Iterable[Mapping[str, Any]], outer: Mapping[str, str], trouble: str) -> Recorded:
    """The events come from a process in which untrusted code ran: what is no call is passed over."""
    calls: dict[str, list[RecordedCall]] = {path: [] for path in outer.values()}
    counts, lost = {}, {}
    for event in events:
        path = outer.get(str(event.get("file", "")))
        if path is not None and event["event"] == "call" and _is_call(event):
            given = tuple((str(key), str(text)) for key, text in event["given"])
            calls[path].append(RecordedCall(event["function"], given, event["test"], event["seconds"]))
        elif path is not None and event["event"] == "called":
            counts[path, str(event["function"])] = int(event["count"])
            lost[path, str(event["function"])] = int(event["lost"])
    by_length = {path: tuple(sorted(some, key=lambda one: -one.seconds)) for path, some in calls.items()}
    return Recorded(by_length, counts, lost, trouble)


def _is_call(event: Mapping[str, Any]) -> bool:
    name, given = event.get("function"), event.get("given")
    texts = isinstance(event.get("test"), str) and isinstance(event.get("seconds"), float)
    return texts and isinstance(given, list) and re.fullmatch(r"[^\W\d]\w*(\.\w+)*", str(name)) is not None
