"""Coverage as one page: sources with their lines run or not, and the tests that run each. No script needed,
no request made; light and dark, and readable without colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from bloomery.source.covering.gaps import Gap, gaps
from bloomery.source.covering.lines import Covered, code_lines
from bloomery.source.python import Parsed

LineState = Literal["run", "missed", "import", "none"]
MOST_TESTS = 200


@dataclass(frozen=True)
class Line:
    """`import`: importing runs it and no test does; `none`: it holds no code. `tests`: places in the list."""

    number: int
    text: str
    state: LineState
    tests: tuple[int, ...]


@dataclass(frozen=True)
class Shown:
    """One file of the page."""

    path: str
    lines: tuple[Line, ...]
    tests: tuple[str, ...]
    gaps: tuple[Gap, ...]
    run: int
    missed: int

    @property
    def percent(self) -> float:
        return 100 * self.run / max(1, self.run + self.missed)


def page(covered: Covered, files: Sequence[Parsed], root: Path, *, title: str = "Coverage") -> str:
    """The page, whole; paths stand in it relative to `root`."""
    environment = Environment(
        loader=PackageLoader("bloomery.source.covering", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [_shown(covered, parsed, root) for parsed in files]
    run, missed = sum(one.run for one in shown), sum(one.missed for one in shown)
    statuses = [one.status for one in covered.results.outcomes]
    worst = sorted((gap for one in shown for gap in one.gaps), key=lambda gap: -gap.worth)
    return environment.get_template("page.html.j2").render(
        title=title,
        files=shown,
        run=run,
        missed=missed,
        percent=100 * run / max(1, run + missed),
        statuses={status: statuses.count(status) for status in dict.fromkeys(statuses)},
        ended=covered.results.ended,
        worst=[(gap, _relative(gap.path, root)) for gap in worst[:30]],
        most_tests=MOST_TESTS,
    )


def _shown(covered: Covered, parsed: Parsed, root: Path) -> Shown:
    by_test = covered.lines.get(parsed.path.resolve(), {})
    tests = tuple(by_test)
    before = covered.before.get(parsed.path.resolve(), frozenset())
    users = _users(by_test)
    code = code_lines(parsed)
    lines = tuple(
        Line(number, text, _state(number, code, users, before), tuple(users.get(number, ())))
        for number, text in enumerate(parsed.text.splitlines(), 1)
    )
    states = [line.state for line in lines]
    return Shown(
        _relative(parsed.path, root),
        lines,
        tests,
        gaps(covered, [parsed]),
        states.count("run") + states.count("import"),
        states.count("missed"),
    )


def _users(by_test: Mapping[str, frozenset[int]]) -> dict[int, list[int]]:
    """By line the places of its tests in the list of tests."""
    found: dict[int, list[int]] = {}
    for place, lines in enumerate(by_test.values()):
        for line in lines:
            found.setdefault(line, []).append(place)
    return found


def _state(
    number: int, code: frozenset[int], users: Mapping[int, list[int]], before: frozenset[int]
) -> LineState:
    if number in users:
        return "run"
    if number in before:
        return "import"
    return "missed" if number in code else "none"


def _relative(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
