"""The door for a language model: it may propose plain English, variables and test criteria, and nothing else.

Which model, and how often it is asked again when it answers out of form, is the caller's. What is filled is
marked as proposed until a person or a check confirms it; what the paper itself says is never overwritten.
"""

import re
from dataclasses import dataclass, replace
from typing import Protocol

from bloomery.core.errors import BloomeryError
from bloomery.papers.context import Context, Equation, Variable
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.symbols_told import occurs

FIELDS = ("plain_english", "variables", "criteria")


@dataclass(frozen=True, kw_only=True)
class Question:
    """An equation as a model sees it."""

    paper: str
    abstract: str
    section: str
    number: str
    latex: str
    before: str
    after: str
    known: tuple[Variable, ...]  # what the paper's own sentences tell


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a model makes of it; an empty field proposes nothing."""

    plain_english: str = ""
    variables: tuple[Variable, ...] = ()
    criteria: tuple[str, ...] = ()


class ProposalRefused(BloomeryError):
    """A filler has no answer in the form asked for, after as many attempts as it makes."""


class Filler(Protocol):
    """Answers a question; raises ProposalRefused where it cannot."""

    def __call__(self, question: Question) -> Proposal: ...


def fill(context: Context, document: Document, filler: Filler) -> tuple[Context, list[Diagnostic]]:
    """The context with empty fields filled and marked; a refusal leaves them empty and is reported."""
    found: list[Diagnostic] = []
    equations = []
    for equation in context.equations:
        empty = [name for name in FIELDS if not getattr(equation, name)]
        if empty and (equation.latex or equation.notes):
            equation = _filled(equation, _question(context, document, equation), filler, empty, found)
        equations.append(equation)
    return replace(context, equations=tuple(equations)), found


def _filled(
    equation: Equation, question: Question, filler: Filler, empty: list[str], found: list[Diagnostic]
) -> Equation:
    try:
        proposal = filler(question)
    except ProposalRefused as error:
        found.append(_report(question, f"nothing is proposed: {error}"))
        return equation
    wrong = _objections(equation, proposal)
    found += [_report(question, f"the proposed {name} is left out: {why}") for name, why in wrong.items()]
    given = {name: getattr(proposal, name) for name in empty if name not in wrong and getattr(proposal, name)}
    return replace(equation, **given, proposed=(*equation.proposed, *given))


def _objections(equation: Equation, proposal: Proposal) -> dict[str, str]:
    """Fields that cannot be right, and why."""
    wrong = {}
    strange = [one.symbol for one in proposal.variables if not occurs(one.symbol, equation.latex)]
    if strange:
        wrong["variables"] = f"the equation has no {', '.join(strange)}"
    symbols = [one.symbol for one in proposal.variables]
    if len(set(symbols)) < len(symbols):
        wrong["variables"] = "a symbol is explained twice"
    if proposal.plain_english and not re.search(r"[A-Za-z]{3,}.*\s.*[A-Za-z]{3,}", proposal.plain_english):
        wrong["plain_english"] = "it is no sentence"
    return wrong


def _question(context: Context, document: Document, equation: Equation) -> Question:
    shown = next((one for one in document.equations if one.number == equation.number), None)
    section = next((one.title for one in document.sections if one.number == equation.location.section), "")
    return Question(
        paper=context.full_title,
        abstract=document.abstract,
        section=section,
        number=equation.number,
        latex=equation.latex or "; ".join(equation.notes),
        before=shown.before if shown else "",
        after=shown.after if shown else "",
        known=equation.variables,
    )


def _report(question: Question, message: str) -> Diagnostic:
    return Diagnostic(question.paper, 0, "warning", "proposal", f"equation {question.number}: {message}")
