"""Tests generated for one module: cases are searched for, written down, proved, and the needless left out.

Anything may propose a case: types, docstrings, other tests, recorded calls, constants in comparisons, a
language model. A test is kept only if it always passes on the module, and fails on a mutant or runs a line
that nothing else does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.errors import MissingFile, UserError
from bloomery.source.boxing import Box, boxed
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.python import Parsed, parse
from bloomery.source.testing.asking import asked_of
from bloomery.source.testing.choosing import choose
from bloomery.source.testing.effort import Effort, budget
from bloomery.source.testing.generated import Generated, GeneratedTest, Request, WriteBy
from bloomery.source.testing.preparing import Prepared, prepare
from bloomery.source.testing.proving import Proof, prove, put, statement_lines
from bloomery.source.testing.searching import Found, Searching
from bloomery.source.testing.trying import Bench
from bloomery.source.testing.writing import Written, file_text, write

NOTHING = Proof({}, {}, frozenset())


def generate(
    root: Path,
    path: str,
    *,
    seed: int,
    effort: Effort = "standard",
    write_by: WriteBy | None = None,
    tests: Sequence[str] = (),
) -> Generated:
    """Tests for the module at `path`, which is relative to `root`; equal seeds give equal tests.

    `tests`: what there is already (files, folders or node ids): only what adds to those is kept. Everything
    of the project runs in the sandbox, on a copy; nothing is written into the project.

    Raises: MissingFile, NotPython; Unimportable (a UserError) for a module that cannot be imported there;
    UserError where there is nothing to test.
    """
    _inside(root, path)
    with boxed(root) as box:
        parsed = parse(box.project / path)
        making = _Making(box, parsed, path, effort, seed)
        return making.made(write_by, tests)


@dataclass
class _Making:
    """One generation, from the copy of the project to the proved file."""

    box: Box
    parsed: Parsed
    path: str
    effort: Effort
    seed: int

    def made(self, write_by: WriteBy | None, tests: Sequence[str]) -> Generated:
        prepared = prepare(self.box.project, self.parsed, tests, self.seed)
        before = prove(self.box, self.parsed, tests, twice=False) if tests else NOTHING
        searching = Searching(
            Bench(self.box, self.parsed.path), self.parsed, prepared.drawing, prepared.mined,
            budget(self.effort), self.seed,
        )  # fmt: skip
        spared = {at for at, one in enumerate(searching.found.mutants) if one in _killed(before)}
        found = searching.search(prepared.written, spared)
        written = self._written(searching, prepared, spared, _lines(before))
        written += self._asked(write_by, prepared, found, written) if write_by else []
        return self._proved(prepared, found, before, written)

    def _written(
        self, searching: Searching, prepared: Prepared, spared: set[int], run: frozenset[int]
    ) -> list[Written]:
        """The chosen cases as tests, after simpler ones were tried in their place."""
        found = searching.found
        mutants = {at for at in range(len(found.mutants)) if found.kills.get(at)} - spared
        lines = statement_lines(self.parsed) - run
        chosen = choose(found, mutants, lines)
        for _ in range(2):
            searching.simplify({one.number: one.mutants & mutants for one in chosen})
            chosen = choose(found, mutants, lines)
        for _ in range(3):
            searching.settle([one.number for one in chosen if one.number not in found.unstable])
            if not any(one.number in found.unstable for one in chosen):
                break
            chosen = choose(found, mutants, lines)
        chosen = [one for one in chosen if one.number not in found.unstable]
        order = {name: at for at, name in enumerate(prepared.drawing.callees)}
        chosen.sort(key=lambda one: (order[found.cases[one.number].callee], one.cost, one.number))
        taken: set[str] = set()
        return [
            write(found.cases[one.number], found.seen[one.number], one.parts, taken, prepared.own)
            for one in chosen
        ]

    def _asked(
        self, write_by: WriteBy, prepared: Prepared, found: Found, written: list[Written]
    ) -> list[Written]:
        request = Request(
            prepared.module,
            self.parsed.text,
            file_text(prepared.module, written) if written else "",
            tuple(str(found.mutants[at]) for at in found.survivors),
            tuple(sorted(statement_lines(self.parsed) - _run(found))),
        )
        return asked_of(write_by, request, {one.name for one in written})

    def _proved(
        self, prepared: Prepared, found: Found, before: Proof, written: Sequence[Written]
    ) -> Generated:
        place = test_path(self.box.project, prepared.module)
        counted = frozenset(found.mutants)
        proof = NOTHING
        if written:
            put(self.box, place, file_text(prepared.module, written))
            proof = prove(self.box, self.parsed, [place], mutants=counted)
        kept = _needed(place, written, proof, before)
        known = [self._told(place, one, proof, kept, before) for one in kept]
        killed = _killed(before) & counted | {m for one in kept for m in proof.kills[f"{place}::{one.name}"]}
        run = _lines(before) | {line for one in kept for line in proof.lines[f"{place}::{one.name}"]}
        every = statement_lines(self.parsed)
        return Generated(
            path=place,
            text=file_text(prepared.module, kept) if kept else "",
            tests=tuple(known),
            mutants=len(counted),
            killed_before=len(_killed(before) & counted),
            killed=len(killed),
            lines=len(every),
            covered_before=len(_lines(before) & every),
            covered=len(run & every),
            survivors=tuple(str(one) for one in found.mutants if one not in killed),
            notes=tuple(_notes(found, prepared)),
            seed=self.seed,
            effort=self.effort,
            dropped={node.partition("::")[2] or node: why for node, why in proof.dropped.items()},
        )

    def _told(
        self, place: str, one: Written, proof: Proof, kept: Sequence[Written], before: Proof
    ) -> GeneratedTest:
        node = f"{place}::{one.name}"
        others = [proof.lines[f"{place}::{other.name}"] for other in kept if other is not one]
        rest = _lines(before).union(*others)
        kills = sorted(proof.kills[node], key=lambda mutant: (mutant.start, mutant.after))
        return GeneratedTest(
            one.name, one.text, one.callee, tuple(map(str, kills)), tuple(sorted(proof.lines[node] - rest))
        )


def test_path(project: Path, module: str) -> str:
    """Where the tests of a module belong: as the project has its tests, under a name that is still free."""
    *folders, name = module.split(".")
    base = Path("tests") if (project / "tests").is_dir() or not (project / "test").is_dir() else Path("test")
    inner = base.joinpath(*folders[1:]) if folders else base
    folder = inner if (project / inner).is_dir() else base
    for stem in (
        f"test_{name}",
        f"test_{name}_generated",
        *(f"test_{name}_generated_{n}" for n in range(2, 99)),
    ):
        if not (project / folder / f"{stem}.py").exists():
            return (folder / f"{stem}.py").as_posix()
    raise UserError(f"{folder}: every name for tests of {module} is taken")


def _inside(root: Path, path: str) -> None:
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()):
        raise UserError(f"{path}: a file inside of {root} was expected")
    if not file.is_file():
        raise MissingFile(f"{root / path}: there is no such file")
    if file.suffix != ".py":
        raise UserError(f"{path}: tests are generated for Python modules; this is none")


def _needed(place: str, written: Sequence[Written], proof: Proof, before: Proof) -> list[Written]:
    """Without what adds nothing: no mutant and no line that the rest and what there was do not have."""
    kept = [one for one in written if f"{place}::{one.name}" in proof.kills]
    for one in sorted(kept, key=lambda w: (len(proof.kills[f"{place}::{w.name}"]), -len(w.text))):
        rest = [f"{place}::{other.name}" for other in kept if other is not one]
        node = f"{place}::{one.name}"
        mutants = _killed(before).union(*(proof.kills[name] for name in rest))
        lines = _lines(before).union(*(proof.lines[name] for name in rest))
        if proof.kills[node] <= mutants and proof.lines[node] <= lines:
            kept = [other for other in kept if other is not one]
    return kept


def _killed(proof: Proof) -> frozenset[Mutant]:
    return frozenset[Mutant]().union(*proof.kills.values())


def _lines(proof: Proof) -> frozenset[int]:
    return frozenset[int]().union(*proof.lines.values())


def _run(found: Found) -> frozenset[int]:
    return frozenset[int]().union(*(one.lines for one in found.seen.values()))


def _notes(found: Found, prepared: Prepared) -> Iterable[str]:
    if found.wrote:
        yield f"importing the module writes files ({', '.join(found.wrote[:3])}): here in the sandbox only"
    if found.unstable:
        yield f"{len(found.unstable)} cases depend on their order or on the hash seed, and were left out"
    for name, count in found.lost.items():
        ended = any(found.cases[n].callee == name and found.usable(n) for n in found.cases)
        if not ended:
            yield f"{name}: none of {count} calls came to an end; it has no test"
    reached = {found.cases[n].callee for n in found.cases if found.usable(n)}
    silent = [name for name in prepared.drawing.callees if name not in reached and name not in found.lost]
    if silent:
        yield f"no arguments were found that these take: {', '.join(silent)}; types or examples would help"
