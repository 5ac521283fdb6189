"""Whether tests notice wrong versions of lines that they run: a test that checks nothing notices none."""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.optimize.validating.testing import try_tests
from bloomery.source.boxing import Box, boxed
from bloomery.source.covering import Covered, cover
from bloomery.source.covering.lines import body_lines
from bloomery.source.mutating import Trial, Trying, kill_tables
from bloomery.source.python import Parsed, functions, parse

TOGETHER = 8  # functions whose wrong versions are tried in one process; more only where none is noticed
MOST_RAISED = 3

Lines = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class Noticed:
    """How many wrong versions of some lines were tried, which a check of a test noticed, one that none did.

    A version that merely breaks off with an exception is noticed by whatever runs it, and does not count.
    """

    tried: int
    noticed: tuple[str, ...]
    missed: str = ""

    def __str__(self) -> str:
        first = f", first {self.noticed[0]}" if self.noticed else ""
        return f"checks notice {len(self.noticed)} of {self.tried} wrong versions of these lines{first}"


def noticed(tree: Path, lines: Lines, tests: Sequence[str]) -> Noticed:
    """What `tests` notice of wrong versions of `lines` (by path relative to `tree`), in the sandbox.

    Functions are tried until one wrong version is noticed. Raises: CapabilityMissing, UserError.
    """
    trials: list[Trial] = []
    with boxed(tree) as box:
        inner = {(box.project / path).resolve(): found for path, found in lines.items()}
        covered = _narrowed(cover(box.project, tests, inner, box=box), inner)
        subjects = list(_subjects(inner))
        for at in range(0, len(subjects), TOGETHER):
            trials += _trials(box, subjects[at : at + TOGETHER], tests, covered, inner)
            if any(map(_is_checked, trials)):
                break
    if not trials:
        return _of_raised(tree, lines, tests)
    kept = tuple(str(one.mutant) for one in trials if _is_checked(one))
    missed = next((str(one.mutant) for one in trials if not _is_checked(one)), "")
    return Noticed(len(trials), kept, missed)


def _subjects(lines: Mapping[Path, Collection[int]]) -> Iterator[tuple[Parsed, str]]:
    for path, wanted in lines.items():
        parsed = parse(path)
        for name in functions(parsed.tree):
            if "<locals>" not in name and body_lines(parsed, name) & set(wanted):
                yield parsed, name


def _narrowed(covered: Covered, lines: Mapping[Path, frozenset[int]]) -> Covered:
    """As if only these lines were run: wrong versions of others are not tried."""
    kept = {
        path: {test: ran & lines.get(path, frozenset()) for test, ran in by_test.items()}
        for path, by_test in covered.lines.items()
    }
    return Covered(covered.results, kept, covered.before)


def _trials(
    box: Box,
    subjects: Sequence[tuple[Parsed, str]],
    tests: Sequence[str],
    covered: Covered,
    lines: Mapping[Path, frozenset[int]],
) -> Iterator[Trial]:
    for table in kill_tables(box.project, subjects, tests, Trying(box=box), covered=covered):
        wanted = lines[table.path.resolve()]
        for one in table.trials:
            first, last = one.mutant.lines
            if one.state != "not_run" and wanted & set(range(first, last + 1)):
                yield one


def _is_checked(trial: Trial) -> bool:
    return any(kill.how == "check" for kill in trial.kills)


def _of_raised(tree: Path, lines: Lines, tests: Sequence[str]) -> Noticed:
    """Where nothing on the lines can be made wrong, an exception may be left out that they raise."""
    places = [place for path, wanted in lines.items() for place in _raised(tree, path, wanted)][:MOST_RAISED]
    kept = []
    for path, line, text in places:
        outcomes = try_tests(tree, tests, added={path: text}).results.outcomes
        if any(one.status == "failed" and one.checked for one in outcomes):
            kept.append(f"{path}, line {line}: nothing is raised")
    missed = f"{places[0][0]}, line {places[0][1]}: nothing is raised" if places and not kept else ""
    return Noticed(len(places), tuple(kept), missed)


def _raised(tree: Path, path: str, wanted: Collection[int]) -> Iterator[tuple[str, int, str]]:
    """The texts of a file with one of these lines' exceptions left out."""
    parsed = parse(tree / path)
    for node in ast.walk(parsed.tree):
        if isinstance(node, ast.Raise) and node.lineno in wanted:
            text = parsed.text.splitlines(keepends=True)
            last = node.end_lineno or node.lineno
            begin = text[node.lineno - 1].encode()[: node.col_offset].decode()
            end = text[last - 1].encode()[node.end_col_offset :].decode()
            yield path, node.lineno, "".join([*text[: node.lineno - 1], f"{begin}pass{end}", *text[last:]])
