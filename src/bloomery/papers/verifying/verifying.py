"""`paper verify`: contexts, code, tests and claims joined, run and judged."""

import importlib.util
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bloomery.core.errors import MissingFile
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying import papers as library
from bloomery.papers.verifying.claims import ClaimReport, compare
from bloomery.papers.verifying.faults import faults
from bloomery.papers.verifying.joined import Joined, Seen, good_cases, nodes, run_functions
from bloomery.papers.verifying.joining import Tree, read_tree, shown
from bloomery.papers.verifying.judging import report
from bloomery.papers.verifying.mutation import Function, Subject, tried
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
    reports = tuple(_report(root, folder, joined[folder.id], seen) for folder in folders)
    diagnostics = list(_wrong(tree, folders, reports, everything, seen, some=bool(papers)))
    diagnostics += [_said(root, one) for one in findings]
    if seen.covered is None:
        message = "coverage is not installed: what the tests run is not known, and nothing is mutated"
        diagnostics.append(Diagnostic("pyproject.toml", 1, "warning", "uncoverable", message))
    diagnostics += _collection_errors(seen.results)
    return Verified(reports, _ordered(diagnostics), bad, seen.trials is not None, seen.results.ended)


def unrun(root: str | Path) -> Verified:
    """What the files of a repository say by themselves, in seconds: each equation's code, tests and claims,
    and all that is wrong with these without a run. An equation with both is `skipped`: no case of it ran.
    """
    root = Path(root).resolve()
    folders, bad = library.read_folders(root)
    tree = read_tree(root)
    joined = [library.join(folder, tree) for folder in folders]
    everything = [one for some in joined for one in some]
    findings = list(_unfailing(tree, everything))
    nothing = Seen(root, Results((), ()), None, _whole(root, findings), dict(_placeholders(everything)))
    reports = tuple(_report(root, *pair, nothing) for pair in zip(folders, joined, strict=True))
    diagnostics = [
        *_wrong(tree, folders, reports, everything, nothing),
        *(_said(root, one) for one in findings),
    ]
    return Verified(reports, _ordered(diagnostics), bad, mutated=False)


def _wrong(
    tree: Tree,
    folders: Sequence[Folder],
    reports: Sequence[PaperReport],
    joined: Sequence[Joined],
    seen: Seen,
    *,
    some: bool = False,
) -> Iterator[Diagnostic]:
    """What is wrong with papers, code, markers, results and configs, of all papers or of `some`."""
    yield from tree.findings
    yield from library.strangers(folders, tree, None if some else library.paper_ids(tree.root))
    for one in joined:
        yield from faults(one, seen)
    yield from structure(tree.root, folders)
    for folder, paper in zip(folders, reports, strict=True):
        yield from measured(tree.root, folder)
        yield from complete(tree.root, folder, paper.claims, tree)
    if not some:
        yield from unshared(tree.root, tree.sources)


def _ordered(found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each once, by file and line."""
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line, one.code)))


def _whole(root: Path, findings: Sequence[Finding]) -> dict[str, str]:
    """Why tests cannot fail at all, by test."""
    return {f"{shown(root, one.path)}::{one.test}": one.reason for one in findings if one.whole}


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
    return Seen(root, results, covered, _whole(root, findings), dict(_placeholders(joined)))


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


def _claims(root: Path, folder: Folder) -> Iterator[ClaimReport]:
    for claim in folder.file.paper.claims:
        result = folder.results.get(claim.id)
        yield compare(folder.id, claim, result, stale(root, claim, result))
