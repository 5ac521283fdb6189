"""`paper verify`: contexts, code, tests and claims joined, run and judged."""

import importlib.util
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bloomery.core.errors import MissingFile
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying import papers as library
from bloomery.papers.verifying.claims import ClaimReport, compare
from bloomery.papers.verifying.joined import Joined, Seen, good_cases, nodes, run_functions
from bloomery.papers.verifying.joining import Definition, Tree, read_tree, shown
from bloomery.papers.verifying.judging import report
from bloomery.papers.verifying.mutation import Function, Subject, tried
from bloomery.papers.verifying.noticing import blind, deaf
from bloomery.papers.verifying.papers import Folder
from bloomery.papers.verifying.running import Say
from bloomery.papers.verifying.sources import stale
from bloomery.papers.verifying.validators.completeness import complete, unshared
from bloomery.papers.verifying.validators.measured import measured
from bloomery.papers.verifying.validators.structure import structure
from bloomery.papers.verifying.verified import PaperReport, Verified
from bloomery.source.covering import Covered, cover
from bloomery.source.outcomes import Results
from bloomery.source.placeholders import Placeholder, placeholders
from bloomery.source.running import run_tests
from bloomery.source.unfailing import Finding, unfailing

CACHE = Path(".bloomery") / "verify"
CERTAIN = frozenset({"empty", "not implemented", "todo"})  # a class may have a method that returns a constant


def verify(
    root: str | Path,
    papers: Collection[str] = (),
    *,
    mutate: bool = True,
    cache: Path | None = None,
    python: str = sys.executable,
    time_limit_s: float = 1800,
    say: Say | None = None,
) -> Verified:
    """The status of each equation and claim of the papers of a repository (default: all of them).

    `mutate=False` leaves mutations out: a tested equation is then `passing`. `cache` remembers them
    (default: `.bloomery/verify` in the repository). `say` is told what begins, since it takes minutes.

    Raises: MissingFile, UnknownName for a repository or paper that there is not; CapabilityMissing.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise MissingFile(f"{root}: there is no such folder")
    folders, bad = library.read_folders(root, papers)
    tree = read_tree(root, {name for one in folders for name in one.names} if papers else ())
    joined = {folder.id: library.join(folder, tree) for folder in folders}
    everything = [one for some in joined.values() for one in some]
    findings = list(_unfailing(tree, everything))
    if say:
        say(f"running {len(nodes(everything))} tests of {len(everything)} equations")
    seen = _run(tree, everything, findings, python, time_limit_s)
    if mutate and seen.covered is not None:
        seen = _mutate(seen, everything, cache or root / CACHE, python, say)
    known = None if papers else library.paper_ids(root)
    diagnostics = [*tree.findings, *library.strangers(folders, tree, known)]
    if seen.covered is None:
        message = "coverage is not installed: what the tests run is not known, and nothing is mutated"
        diagnostics.append(Diagnostic("pyproject.toml", 1, "warning", "uncoverable", message))
    diagnostics += [_said(root, one) for one in findings]
    diagnostics += _collection_errors(seen.results)
    diagnostics += [found for one in everything for found in _of_equation(one, seen)]
    diagnostics += structure(root, folders)
    reports = tuple(_report(root, folder, joined[folder.id], seen) for folder in folders)
    for folder, one in zip(folders, reports, strict=True):
        diagnostics += measured(root, folder)
        diagnostics += complete(root, folder, one.claims, tree)
    diagnostics += () if papers else unshared(root, tree.sources)
    ordered = tuple(sorted(dict.fromkeys(diagnostics), key=lambda one: (one.path, one.line, one.code)))
    return Verified(reports, ordered, bad, seen.trials is not None, seen.results.ended)


def unrun(root: str | Path) -> Verified:
    """What the files of a repository say by themselves: each equation's code, tests, claims."""
    root = Path(root).resolve()
    folders, bad = library.read_folders(root)
    tree = read_tree(root)
    nothing = Seen(root, Results((), ()), None, {}, {})
    reports = tuple(_report(root, folder, library.join(folder, tree), nothing) for folder in folders)
    return Verified(reports, (), bad, mutated=False)


def _report(root: Path, folder: Folder, joined: Sequence[Joined], seen: Seen) -> PaperReport:
    title = folder.file.paper.citation.title or folder.context.full_title or folder.context.title
    equations = tuple(report(one, seen) for one in joined)
    return PaperReport(folder.id, title, equations, tuple(_claims(root, folder)))


def _run(
    tree: Tree, joined: Sequence[Joined], findings: Sequence[Finding], python: str, time_limit_s: float
) -> Seen:
    """Run every test that is marked with these equations, and record which code it runs where that can be."""
    targets, root = nodes(joined), tree.root
    code = dict.fromkeys(one.path for some in joined for one in some.code)
    covered: Covered | None = None
    if not targets:
        results, covered = Results((), ()), Covered(Results((), ()), {}, {})
    elif importlib.util.find_spec("coverage") is None:
        results = run_tests(root, targets, python=python, time_limit_s=time_limit_s)
    else:
        covered = cover(root, targets, code, python=python, time_limit_s=time_limit_s)
        results = covered.results
    whole = {f"{shown(root, one.path)}::{one.test}": one.reason for one in findings if one.whole}
    return Seen(root, results, covered, whole, dict(_placeholders(joined)))


def _mutate(seen: Seen, joined: Sequence[Joined], cache: Path, python: str, say: Say | None) -> Seen:
    assert seen.covered is not None
    oracles: dict[Function, set[str]] = {}
    groups: list[tuple[Function, ...]] = []
    parsed = {one.path: one.parsed for some in joined for one in some.code}
    for one in joined:
        good = good_cases(one, seen)
        for definition in one.code:
            groups.append(tuple((definition.path, name) for name in run_functions(one, definition, seen)))
            for key in groups[-1]:
                oracles.setdefault(key, set()).update(good)
    subjects = [
        Subject(parsed[path], name, frozenset(tests)) for (path, name), tests in sorted(oracles.items())
    ]
    trials = tried(seen.root, subjects, groups, seen.covered, cache=cache, python=python, say=say)
    return Seen(seen.root, seen.results, seen.covered, seen.unfailing, seen.placeholders, trials)


def _unfailing(tree: Tree, joined: Sequence[Joined]) -> Iterator[Finding]:
    """What cannot fail among the tests of these equations."""
    wanted = {(one.test.path, one.test.node) for some in joined for one in some.oracles}
    for path in sorted({path for path, _ in wanted}):
        found = unfailing(tree.test_files[path], tree.root)
        yield from (one for one in found if (path, one.test) in wanted)


def _placeholders(joined: Sequence[Joined]) -> Iterator[tuple[Function, Placeholder]]:
    """Cited functions, and methods of cited classes, that do not do their work."""
    for path, parsed in {one.path: one.parsed for some in joined for one in some.code}.items():
        cited = {one.symbol: one for some in joined for one in some.code if one.path == path}
        for found in placeholders(parsed):
            inside = any(symbol and found.symbol.startswith(f"{symbol}.") for symbol in cited)
            if found.symbol in cited or (inside and found.kind in CERTAIN):
                yield (path, found.symbol), found


def _said(root: Path, finding: Finding) -> Diagnostic:
    severity = "error" if finding.whole else "warning"
    message = f"{finding.test}: {finding.reason}"
    return Diagnostic(shown(root, finding.path), finding.line, severity, "cannot-fail", message)  # type: ignore[arg-type]


def _collection_errors(results: Results) -> Iterator[Diagnostic]:
    for error in results.errors:
        message = f"its tests could not be collected: {error.message}"
        yield Diagnostic(error.path, error.line, "error", "not-collected", message)


def _of_equation(joined: Joined, seen: Seen) -> Iterator[Diagnostic]:
    """What is wrong with the code of an equation, or strange about it."""
    name = f"{joined.paper}:{joined.printed.number}"
    for one in joined.code:
        where = shown(seen.root, one.path)
        inside = [
            found
            for (path, symbol), found in seen.placeholders.items()
            if path == one.path and (symbol == one.symbol or symbol.startswith(f"{one.symbol}."))
        ]
        for found in inside:
            message = f"{found.symbol} cites {name} and stands for it only: {found.reason}; write it"
            yield Diagnostic(where, found.line, "error", "placeholder", message)
    if len(joined.code) > 1 and not all(_is_run(joined, one, seen) for one in joined.code):
        first, *others = joined.code
        also = ", ".join(f"{shown(seen.root, one.path)}:{one.line}" for one in others)
        message = (
            f"{name} is cited here and in {also}, and its tests do not run each; cite it where it is tested"
        )
        yield Diagnostic(shown(seen.root, first.path), first.line, "warning", "cited-twice", message)
    if joined.out_of_scope and joined.code:
        message = f"{name} is said to be out of scope and is cited here; correct one of them"
        place = shown(seen.root, joined.code[0].path)
        yield Diagnostic(place, joined.code[0].line, "warning", "in-scope", message)
    yield from _unrun(joined, seen, name)
    for definition, trials in blind(joined, seen) if seen.trials is not None else ():
        message = (
            f"the tests of {name} notice none of {len(trials)} planted changes in "
            f"{definition.symbol or 'this module'}, such as {trials[0].change}; check it against an oracle"
        )
        yield Diagnostic(shown(seen.root, definition.path), definition.line, "error", "oracle-blind", message)
    for oracle, met in deaf(joined, seen) if seen.trials is not None else ():
        message = (
            f"{oracle.test.node} is marked with {name} and notices none of the {len(met)} planted changes on "
            f"the lines that it runs, such as {met[0].change}; compare with what tells them apart"
        )
        yield Diagnostic(
            shown(seen.root, oracle.test.path), oracle.test.line, "warning", "oracle-deaf", message
        )


def _unrun(joined: Joined, seen: Seen, name: str) -> Iterator[Diagnostic]:
    """Some of the code that cites an equation is run by none of its tests."""
    run = [one for one in joined.code if run_functions(joined, one, seen)]
    for one in joined.code if run and seen.covered is not None else ():
        if not _is_run(joined, one, seen):
            message = f"{one.symbol or 'this module'} cites {name}, and no passing test of it runs this"
            yield Diagnostic(shown(seen.root, one.path), one.line, "warning", "cited-unrun", message)


def _is_run(joined: Joined, definition: Definition, seen: Seen) -> bool:
    """Whether a passing test of the equation runs it; of what holds no function nothing can be."""
    return not definition.functions or (
        seen.covered is not None and bool(run_functions(joined, definition, seen))
    )


def _claims(root: Path, folder: Folder) -> Iterator[ClaimReport]:
    for claim in folder.file.paper.claims:
        result = folder.results.get(claim.id)
        yield compare(folder.id, claim, result, stale(root, claim, result))
