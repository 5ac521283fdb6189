"""What no test runs, by function, the gaps most worth closing first.

Worth: c² (1 - s)³, with McCabe's complexity c and the share s of the body's lines that a test runs. That is
the risk that CRAP (Savoia and Evans, 2007) adds to the complexity itself: long paths that nothing runs weigh
most, and a function that is wholly run weighs nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bloomery.source.covering.lines import Covered, Lines, body_lines
from bloomery.source.languages.complexity import complexities
from bloomery.source.languages.parsing import Source, parse
from bloomery.source.languages.registry import language
from bloomery.source.python import Parsed, definitions


@dataclass(frozen=True)
class Gap:
    """A function with lines that no test runs; `spans`: them, as first and last lines."""

    path: Path
    function: str
    line: int
    complexity: int
    lines: int
    missed: tuple[int, ...]
    tests: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of the body's lines, those that a test runs."""
        return 1 - len(self.missed) / self.lines

    @property
    def worth(self) -> float:
        return self.complexity**2 * (1 - self.share) ** 3

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(_spans(self.missed))


def gaps(covered: Covered, files: Iterable[Parsed]) -> tuple[Gap, ...]:
    """The gaps of some files; what runs at import counts as run by no test.

    Raises: CapabilityMissing without tree-sitter.
    """
    found = [gap for parsed in files for gap in _of_file(covered, parsed)]
    return tuple(sorted(found, key=lambda gap: (-gap.worth, str(gap.path), gap.line)))


def run_lines(covered: Covered, parsed: Parsed) -> Lines:
    """The lines of a file that some test runs."""
    return frozenset[int]().union(*covered.lines.get(parsed.path.resolve(), {}).values())


def _of_file(covered: Covered, parsed: Parsed) -> Iterator[Gap]:
    known = _complexities(parse(parsed.text, language("python"), path=str(parsed.path)))
    seen = run_lines(covered, parsed)
    for name, kind, node in definitions(parsed.tree):
        if kind == "class" or "<locals>" in name:
            continue
        try:
            body = body_lines(parsed, name)
        except LookupError:
            continue  # in a branch that is never compiled, or defined again below
        if body and not body <= seen:
            tests = covered.tests(parsed, name)
            missed = tuple(sorted(body - seen))
            complexity = known.get(node.lineno, 1)
            yield Gap(parsed.path, name, node.lineno, complexity, len(body), missed, tests)


def _complexities(source: Source) -> dict[int, int]:
    return {one.symbol.line: one.cyclomatic for one in complexities(source)}


def _spans(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for line in lines:
        if last is not None and line == last + 1:
            last = line
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = line
    if first is not None and last is not None:
        yield first, last
