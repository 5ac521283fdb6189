"""Tests generated for one module: cases are searched for, written down, proved, and the needless left out.

Anything may propose a case: types, docstrings, other tests, recorded calls, constants in comparisons, a
language model. A test is kept only if it always passes on the module, and fails on a mutant or runs a line
that nothing else does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bloomery.core.errors import MissingFile, UnknownName, UserError
from bloomery.source.boxing import Box, boxed
from bloomery.source.python import Parsed, parse
from bloomery.source.testing.asking import asked_of
from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.choosing import choose
from bloomery.source.testing.effort import Effort, budget
from bloomery.source.testing.frames import UNWRITTEN, framed
from bloomery.source.testing.generated import Generated, GeneratedTest, Request, WriteBy
from bloomery.source.testing.keeping import killed_by, needed, notes, run_by, test_path
from bloomery.source.testing.laws import lawful
from bloomery.source.testing.preparing import Prepared, prepare
from bloomery.source.testing.proving import NOTHING, Proof, prove, put, statement_lines
from bloomery.source.testing.searching import Found, Searching
from bloomery.source.testing.tables import Chosen, tabled
from bloomery.source.testing.trying import Bench
from bloomery.source.testing.writing import Written, file_text, write

Template = Literal["unit", "regression", "property", "equation"]
TEMPLATES = ("unit", "regression", "property", "equation")


def generate(
    root: Path,
    path: str,
    *,
    seed: int,
    effort: Effort = "standard",
    write_by: WriteBy | None = None,
    tests: Sequence[str] = (),
    template: Template = "unit",
) -> Generated:
    """Tests for the module at `path`, which is relative to `root`; equal seeds give equal tests.

    `tests`: what there is already (files, folders or node ids): only what adds to those is kept. `template`:
    one test a behaviour, a table a function, laws tried by Hypothesis, or frames for the equations that are
    cited, which fail until somebody writes their right-hand side. Everything of the project runs in the
    sandbox, on a copy; nothing is written into the project.

    Raises: MissingFile, NotPython; Unimportable (a UserError) for a module that cannot be imported there;
    UserError where there is nothing to test.
    """
    if template not in TEMPLATES:
        raise UnknownName("template", template, TEMPLATES)
    _inside(root, path)
    with boxed(root) as box:
        parsed = parse(box.project / path)
        prepared = prepare(box, parsed, tests, seed)
        place = test_path(box.project, prepared.module)
        making = _Making(box, parsed, prepared, place, effort, seed, template)
        return making.made(write_by, tests)


@dataclass
class _Making:
    """One generation, from the copy of the project to the proved file."""

    box: Box
    parsed: Parsed
    prepared: Prepared
    place: str
    effort: Effort
    seed: int
    template: Template

    def made(self, write_by: WriteBy | None, tests: Sequence[str]) -> Generated:
        before = prove(self.box, self.parsed, tests, twice=False) if tests else NOTHING
        bench = Bench(self.box, self.parsed.path)
        asked = budget("quick" if self.template in ("property", "equation") else self.effort)
        searching = Searching(
            bench, self.parsed, self.prepared.drawing, self.prepared.mined, asked, self.seed
        )
        spared = {at for at, one in enumerate(searching.found.mutants) if one in killed_by(before)}
        found = searching.search(self.prepared.written, spared)
        if self.template == "equation":
            return self._generated(found, before, NOTHING, self._frames(found))
        if self.template == "property":
            written = lawful(self.parsed, list(self.prepared.drawing.callees.values()))
        else:
            written = self._written(searching, spared, run_by(before))
        written += self._asked(write_by, found, written) if write_by else []
        proof = self._proof(found, written)
        kept = needed(written, proof, before)
        return self._generated(found, before, proof, kept)

    def _written(self, searching: Searching, spared: set[int], run: frozenset[int]) -> list[Written]:
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
        order = {name: at for at, name in enumerate(self.prepared.drawing.callees)}
        chosen.sort(key=lambda one: (order[found.cases[one.number].callee], one.cost, one.number))
        told: list[Chosen] = [(found.cases[one.number], found.seen[one.number], one.parts) for one in chosen]
        if self.template == "regression":
            return tabled(told, self.prepared.own)
        taken: set[str] = set()
        return [write(*one, taken, self.prepared.own) for one in told]

    def _asked(self, write_by: WriteBy, found: Found, written: list[Written]) -> list[Written]:
        run = frozenset[int]().union(*(one.lines for one in found.seen.values()))
        request = Request(
            self.prepared.module,
            self.parsed.text,
            file_text(self.prepared.module, written) if written else "",
            tuple(str(found.mutants[at]) for at in found.survivors),
            tuple(sorted(statement_lines(self.parsed) - run)),
        )
        return asked_of(write_by, request, {one.name for one in written})

    def _frames(self, found: Found) -> list[Written]:
        cases: dict[str, list[tuple[Case, Seen]]] = {}
        for number in found.cases:  # the first drawn are the ordinary ones
            if found.usable(number) and found.seen[number].state == "returned":
                case = found.cases[number]
                cases.setdefault(case.callee, []).append((case, found.seen[number]))
        return framed(self.parsed, cases, self.prepared.own)

    def _proof(self, found: Found, written: Sequence[Written]) -> Proof:
        if not written:
            return NOTHING
        put(self.box, self.place, file_text(self.prepared.module, written))
        counted = frozenset(found.mutants)
        return prove(self.box, self.parsed, [self.place], mutants=counted).by_name()

    def _generated(self, found: Found, before: Proof, proof: Proof, kept: Sequence[Written]) -> Generated:
        counted = frozenset(found.mutants)
        killed = killed_by(before) & counted | {m for one in kept for m in proof.kills.get(one.name, ())}
        run = run_by(before) | {line for one in kept for line in proof.lines.get(one.name, ())}
        every = statement_lines(self.parsed)
        said = [*notes(found, self.prepared)]
        said += [f"these fail until somebody does it: {UNWRITTEN}"] if self.template == "equation" else []
        return Generated(
            path=self.place,
            text=file_text(self.prepared.module, kept, note=NOTES.get(self.template, "")) if kept else "",
            tests=tuple(_told(one, proof, kept, before) for one in kept),
            mutants=len(counted),
            killed_before=len(killed_by(before) & counted),
            killed=len(killed),
            lines=len(every),
            covered_before=len(run_by(before) & every),
            covered=len(run & every),
            survivors=tuple(str(one) for one in found.mutants if one not in killed),
            notes=tuple(said),
            seed=self.seed,
            effort=self.effort,
            dropped={} if self.template == "property" else dict(proof.dropped),
        )


NOTES = {"equation": "Each frame wants the right-hand side of its equation."}


def _told(one: Written, proof: Proof, kept: Sequence[Written], before: Proof) -> GeneratedTest:
    others = [proof.lines.get(other.name, frozenset()) for other in kept if other is not one]
    rest = run_by(before).union(*others)
    kills = sorted(proof.kills.get(one.name, ()), key=lambda mutant: (mutant.start, mutant.after))
    lines = proof.lines.get(one.name, frozenset())
    return GeneratedTest(one.name, one.text, one.callee, tuple(map(str, kills)), tuple(sorted(lines - rest)))


def _inside(root: Path, path: str) -> None:
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()):
        raise UserError(f"{path}: a file inside of {root} was expected")
    if not file.is_file():
        raise MissingFile(f"{root / path}: there is no such file")
    if file.suffix != ".py":
        raise UserError(f"{path}: tests are generated for Python modules; this is none")
