"""`paper check`: what is missing, malformed, unexplained or dangling in contexts, with file and line."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers import shape, symbols
from bloomery.papers.context import Context, Diagnostic, Equation, Variable
from bloomery.papers.graph import Dangling, Graph, graph
from bloomery.papers.markdown import Read, read_file
from bloomery.papers.markdown.tags import tags

Finding = tuple[int, Literal["error", "warning"], str, str]
UNSTATED = re.compile(r"(?:the )?(?:default|standard|typical|usual)s?(?: value)?", re.I)
NUMBERED = re.compile(r"\s*(\d+)\s*[:.)]", re.M)


def check(paths: Sequence[str | Path]) -> list[Diagnostic]:
    """What is to be said about these files, by path and line; a file that cannot be read is part of it.

    References from one paper to another are followed among the files given.
    """
    found: list[Diagnostic] = []
    reads: list[Read] = []
    for path in dict.fromkeys(map(str, paths)):
        try:
            reads.append(read_file(path))
        except (MissingFile, FormatRefused) as error:
            message = str(error).removeprefix(f"{path}: ")
            found.append(Diagnostic(path, 1, "error", "unreadable", message))
    return sorted([*found, *check_read(reads)], key=lambda one: (one.path, one.line, one.code, one.message))


def check_read(reads: Sequence[Read]) -> list[Diagnostic]:
    """As `check`, of what has been read."""
    found = [one for read in reads for one in read.diagnostics]
    for read in reads:
        found += [Diagnostic(read.path, *finding) for judge in JUDGES for finding in judge(read)]
    return found + list(_between(reads))


def run(paths: Sequence[str | Path], *, strict: bool = False) -> tuple[str, int]:
    """The report of `paper check` and its exit code: 1 for an error, with `strict` for a warning too."""
    found = check(paths)
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    files = f"{len(set(map(str, paths)))} file{'s' if len(set(map(str, paths))) != 1 else ''}"
    summary = f"{files} checked: {errors} errors, {warnings} warnings"
    return "\n".join([*map(str, found), summary]), int(bool(errors or (strict and warnings)))


def _at(read: Read, equation: Equation, *fields: str) -> int:
    """The line of the first of an equation's fields that has one, else its own."""
    name = f"equation {equation.number}"
    return read.line(*(f"{name}.{one}" for one in fields), name)


def formulas(read: Read) -> Iterator[Finding]:
    """LaTeX that is missing, unbalanced or numbered otherwise."""
    for equation in read.context.equations:
        start = _at(read, equation, "fence", "latex")
        if not equation.latex:
            yield start, "error", "latex-empty", f"equation {equation.number} has no LaTeX; write its formula"
        elif fault := symbols.unbalanced(equation.latex):
            line = start + 1 + fault[0] if f"equation {equation.number}.fence" in read.lines else start
            message = f"unbalanced LaTeX in equation {equation.number}: {fault[1]}; add its partner"
            yield line, "error", "latex-unbalanced", message
        printed = tags(equation.latex)
        if printed and not set(printed) & {equation.number, *equation.aliases, equation.number.split("_")[0]}:
            message = (
                f"equation {equation.number} carries the number {', '.join(printed)}; correct one of them"
            )
            yield start, "warning", "tag-differs", message


def tables(read: Read) -> Iterator[Finding]:
    """Symbols without explanation, explanations without symbol."""
    together: dict[tuple[Variable, ...], str] = {}  # the equations of a range share one table
    for equation in read.context.equations:
        together[equation.variables] = f"{together.get(equation.variables, '')} {{{equation.latex}}}"
    for equation in read.context.equations:
        line, named = _at(read, equation, "variables"), [one.symbol for one in equation.variables]
        where = f"equation {equation.number}"
        if not named:
            message = f"{where} explains no symbol; write a table of its variables"
            yield line, "warning", "variables-missing", message
            continue
        if not equation.latex:
            continue
        if missing := [str(one) for one in symbols.unexplained(equation.latex, named)]:
            message = (
                f"{where} uses {', '.join(missing)}, which its table does not explain; add a row for each"
            )
            yield line, "warning", "symbol-unexplained", message
        if spare := symbols.unused(together[equation.variables], named):
            message = f"the table of {where} explains {', '.join(spare)}, not in its LaTeX; delete or correct"
            yield line, "warning", "symbol-unused", message


def shapes(read: Read) -> Iterator[Finding]:
    """Shapes that say nothing."""
    for equation in read.context.equations:
        line, where = _at(read, equation, "variables"), f"equation {equation.number}"
        for variable in equation.variables:
            if shape.parse(variable.shape).kind == "unreadable":
                message = f"the shape '{variable.shape}' of {variable.symbol} in {where} cannot be read"
                yield line, "warning", "shape", f"{message}; write [B, S, D], [] for a scalar or - for none"


def evidence(read: Read) -> Iterator[Finding]:
    """What nothing vouches for: untested equations, proposals, doubts, claims without their table."""
    for equation in read.context.equations:
        where = f"equation {equation.number}"
        if not equation.criteria:
            message = f"{where} has no test criterion; write one that a wrong implementation fails"
            yield _at(read, equation, "criteria"), "warning", "criteria-missing", message
        for name in equation.proposed:
            message = f"{name} of {where} was proposed by a language model; confirm or correct it"
            yield _at(read, equation, name), "warning", "proposed", message
        for reason in equation.uncertain:
            message = f"{where} is uncertain: {reason}; settle it"
            yield _at(read, equation, "uncertain"), "warning", "uncertain", message
    yield from _confidence(read)
    for result in read.context.benchmarks.results:
        line = read.line(f"result {result.dataset}", "benchmarks")
        where = f"the result on {result.dataset}"
        if not result.source:
            yield line, "error", "claim-source", f"{where} names no table of the paper; write its source"
        if not result.direction:
            yield line, "warning", "claim-direction", f"{where} does not say what is better; write ↑ or ↓"
        if not re.search(r"\d", result.value):
            yield line, "error", "claim-value", f"{where} claims no number ('{result.value}'); write it"
    for setting in read.context.hyperparameters:
        if not setting.value or UNSTATED.fullmatch(setting.value):
            message = (
                f"hyperparameter {setting.name} is '{setting.value}'; write the paper's value or 'not stated'"
            )
            yield read.line("hyperparameters"), "warning", "setting-value", message


def _confidence(read: Read) -> Iterator[Finding]:
    known, line = read.context.metadata, read.line("metadata.yaml", "metadata")
    doubts = sum(bool(one.proposed or one.uncertain) for one in read.context.equations)
    if known.confidence == "low":
        message = "the confidence is low; see what needs clarification and settle it"
        yield line, "warning", "confidence", message
    elif known.confidence == "high" and doubts:
        message = (
            f"the confidence is high, {doubts} equations are uncertain "
            "or unconfirmed; settle them or lower it"
        )
        yield line, "warning", "confidence", message
    for question in known.needs_clarification:
        yield line, "warning", "clarification", f"to be clarified: {question}"


def algorithms(read: Read) -> Iterator[Finding]:
    """Algorithms without pseudocode, and lines that the mapping names and the pseudocode lacks."""
    for algorithm in read.context.algorithms:
        name = f"algorithm {algorithm.number}"
        if not algorithm.pseudocode:
            message = f"{name} has no pseudocode; write it in a fence"
            yield read.line(name), "error", "pseudocode-empty", message
            continue
        numbered = {int(number) for number in NUMBERED.findall(algorithm.pseudocode)}
        for step in algorithm.lines:
            ends = [int(number) for number in re.findall(r"\d+", step.lines)]
            if numbered and ends and not set(range(ends[0], ends[-1] + 1)) <= numbered:
                message = f"{name} maps line {step.lines}, which its pseudocode does not number; correct one"
                yield read.line(f"{name}.lines", name), "warning", "algorithm-line", message


JUDGES: tuple[Callable[[Read], Iterator[Finding]], ...] = (formulas, tables, shapes, evidence, algorithms)


def _between(reads: Sequence[Read]) -> Iterator[Diagnostic]:
    """What shows only when papers are seen together."""
    first: dict[str, Read] = {}
    for read in reads:
        paper = read.context.paper_id
        if paper in first:
            message = f"the paper id {paper} is also that of {first[paper].path}; give each its own"
            yield Diagnostic(read.path, read.line("paper_id"), "error", "paper-twice", message)
        first.setdefault(paper, read)
    seen = graph(read.context for read in first.values())
    for dangling in seen.dangling:
        yield _dangling(dangling, seen, first)
    for cycle in seen.cycles(("equation", "algorithm", "module")):
        read = first[seen.nodes[cycle[0]].paper]
        message = f"a cycle: {' -> '.join([*cycle, cycle[0]])}; each needs the one before: take one edge out"
        yield Diagnostic(read.path, _line_of(read, cycle[0]), "warning", "cycle", message)


def _line_of(read: Read, node: str, side: str = "") -> int:
    name = node.removeprefix(f"{read.context.paper_id}:")
    name = name if name.startswith(("algorithm ", "module ")) else f"equation {name}"
    return read.line(f"{name}.{side.replace(' ', '_')}", f"{name}.requires", name)


def _dangling(one: Dangling, seen: Graph, reads: dict[str, Read]) -> Diagnostic:
    """A reference to what is not there: an error in a paper that was given, else a warning."""
    read = reads[seen.nodes[one.owner].paper]
    line = _line_of(read, one.owner, one.side)
    if not one.known_paper:
        message = (
            f"{one.owner} names {one.reference} ({one.side}), and no "
            f"context of {one.reference.paper} was given; "
            "check both files together"
        )
        return Diagnostic(read.path, line, "warning", "paper-unknown", message)
    known = _known(reads[one.reference.paper or read.context.paper_id].context, one.reference.kind)
    code = "cited-absent" if one.side in ("lines", "pseudocode") else "dangling"
    message = f"{one.owner} names {one.reference} ({one.side}), which is not there; known: {known}"
    return Diagnostic(read.path, line, "error", code, message)


def _known(context: Context, kind: str) -> str:
    names = {
        "equation": [one.number for one in context.equations],
        "algorithm": [one.number for one in context.algorithms],
        "module": [one.name for one in context.architecture.modules],
    }[kind]
    return f"{kind}s {', '.join(names)}" if names else f"no {kind}"
