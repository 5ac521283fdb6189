"""The functions of an equation, one for each reading, with what their tests need."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bloomery.papers.context import Context, Equation
from bloomery.papers.planning import Plan
from bloomery.papers.planning.naming import identifier
from bloomery.papers.planning.planned import Part
from bloomery.papers.scaffolding.formula.matrices import BATCH
from bloomery.papers.scaffolding.interpreting import Interpreted, interpret
from bloomery.papers.scaffolding.limits import Limit, limit
from bloomery.papers.scaffolding.printing import quoted
from bloomery.papers.scaffolding.signature import table
from bloomery.papers.scaffolding.sizes import PLAIN, sizes, smallest
from bloomery.papers.scaffolding.telling import drawn, rough

STANDARD = (
    "output_shape",
    "gradient",
    "numerical_stability",
    "determinism",
    "batch_independence",
    "edge_cases",
)
TOGETHER = re.compile(r"batch[- ](?:statistic|norm|mean|varianc)|over the batch|across the batch", re.I)


@dataclass(frozen=True)
class Function:
    """What implements an equation, or one reading of it."""

    name: str
    suffix: str  # "_exact", or nothing
    reading: str
    latex: str
    found: Interpreted
    limits: tuple[Limit, ...]
    unread: tuple[str, ...]  # criteria in other words
    reasons: Mapping[str, str]  # why a standard test does not apply

    @property
    def sizes(self) -> dict[str, int]:
        return sizes(self.found.dimensions)

    @property
    def smallest(self) -> dict[str, int]:
        return smallest(self.found.dimensions)

    @property
    def batch(self) -> str:
        """The dimension that is a batch's."""
        return next((one for one in self.found.dimensions if one in BATCH), "")

    @property
    def compares(self) -> bool:
        """Whether its formula is its oracle."""
        return self.found.formula is not None and not self.found.missing

    @property
    def compound(self) -> bool:
        """Whether a dimension is made of others, or is a number."""
        return not all(re.fullmatch(PLAIN, one) for one in self.found.dimensions)

    @property
    def cases(self) -> list[str]:
        """The edges that its domains hold."""
        found = _edges(self.found)
        return found + (["empty batch"] if self.batch in (self.found.output or ()) else [])

    def applies(self, test: str) -> bool:
        return test not in self.reasons

    @property
    def oracle(self) -> str:
        """What its result is compared with."""
        if self.compares:
            return "interpreted formula"
        return "limiting case" if self.limits else ""

    @property
    def asked(self) -> str:
        """What is missing where there is no oracle."""
        why = f"its formula is not interpreted: {self.found.reason}"
        if self.found.missing:
            shapes = f"no shape is declared for {', '.join(self.found.missing)}"
            why = shapes if self.found.formula else f"{why}; {shapes}"
        if self.unread:
            return f"{why}; write a test of: {'; '.join(self.unread)}"
        return f"{why}; state a limiting case among the test criteria of its context"


@dataclass(frozen=True)
class Page:
    """An equation with its part of the plan."""

    part: Part
    context: Context
    equation: Equation
    functions: tuple[Function, ...]

    @property
    def module(self) -> str:
        return ".".join(self.part.source.removeprefix("src/").removesuffix(".py").split("/"))

    @property
    def shown(self) -> str:
        """`TITANS eq 13`."""
        return f"{self.part.paper.upper()} eq {self.equation.number}"

    @property
    def heading(self) -> str:
        """`Equation 13 of TITANS: memory update`."""
        name = f": {self.equation.name}" if self.equation.name else ""
        return f"Equation {self.equation.number} of {self.part.paper.upper()}{name}".rstrip(".")

    @property
    def told(self) -> str:
        return sentence(self.equation.plain_english or self.equation.name or self.heading)

    @property
    def where(self) -> str:
        """`Section 3.1, page 4`."""
        location = self.equation.location
        section = location.section and re.sub(r"^(?=[\dA-Z](?:\.|$))", "Section ", location.section)
        return ", ".join(one for one in (section, f"page {location.page}" if location.page else "") if one)

    @property
    def docstring(self) -> str:
        """Of its tests: what it is, its formula, and where the paper has it."""
        where = f"{self.where}." if self.where else ""
        return "\n\n".join(one for one in (f"{self.heading}.", self.equation.latex, where) if one)

    def mark(self, function: Function, oracle: str = "") -> str:
        """The marker that joins a test with the equation."""
        given = self.equation.number
        number = given if given.isdigit() and str(int(given)) == given else f'"{given}"'
        reading = f", reading={quoted(function.reading)}" if function.reading else ""
        kind = f', oracle="{oracle}"' if oracle else ""
        return f'pytest.mark.equation("{self.part.paper}", {number}{kind}{reading})'


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def pages(plan: Plan, contexts: Mapping[str, Context]) -> list[Page]:
    """The equations of a plan, in its order."""
    return [page for part in plan.of_kind("equation") for page in _pages(part, contexts[part.paper])]


def _pages(part: Part, context: Context) -> Iterator[Page]:
    equation = context.equation(part.id.partition(":")[2])
    if equation is not None:
        yield Page(part, context, equation, tuple(_functions(part, context, equation)))


def _functions(part: Part, context: Context, equation: Equation) -> Iterator[Function]:
    stem = part.source.rpartition("/")[2].removesuffix(".py")
    if len(equation.readings) < 2:
        latex = equation.readings[0].latex if equation.readings else ""
        yield _function(stem, "", "", latex or equation.latex, context, equation)
        return
    for at, reading in enumerate(equation.readings, 1):
        suffix = f"_{identifier(reading.name, 'reading') or f'reading_{at}'}"
        latex = reading.latex or equation.latex
        yield _function(f"{stem}{suffix}", suffix, reading.name, latex, context, equation)


def _function(
    name: str, suffix: str, reading: str, latex: str, context: Context, equation: Equation
) -> Function:
    found = interpret(latex, table(context, equation), name)
    limits = [limit(one, found) for one in equation.criteria]
    return Function(
        name=name,
        suffix=suffix,
        reading=reading,
        latex=latex,
        found=found,
        limits=tuple(one for one in limits if one) if not found.missing else (),
        unread=tuple(
            text for text, one in zip(equation.criteria, limits, strict=True) if not one or found.missing
        ),
        reasons=dict(_reasons(latex, equation, found)),
    )


def _reasons(latex: str, equation: Equation, found: Interpreted) -> Iterator[tuple[str, str]]:
    """Which of the six do not apply, and why."""
    if found.missing:
        why = f"no shape is declared for {', '.join(found.missing)}; declare it in the context"
        yield from ((test, why) for test in STANDARD)
        return
    said = " ".join((equation.plain_english, *equation.notes))
    random = drawn(latex, equation)
    if not found.inputs:
        yield from (
            (test, "it takes no input") for test in STANDARD if test not in ("output_shape", "determinism")
        )
    elif random:
        yield "gradient", f"it draws at random ('{random}')"
    elif step := rough(latex, equation):
        yield "gradient", f"it has no derivative everywhere ('{step}')"
    elif all(one.domain.whole for one in found.inputs):
        yield "gradient", "its inputs are integers"
    if found.inputs and not _edges(found):
        yield "edge_cases", "neither zero nor one lies in the domain of an input, and it has no dimension"
    if found.inputs:
        yield from _of_batches(said, found, bool(random))


def _edges(found: Interpreted) -> list[str]:
    edges = [("zeros", 0.0), ("ones", 1.0)]
    held = [name for name, value in edges if any(one.domain.holds(value) for one in found.inputs)]
    return held + (["smallest"] if found.dimensions else [])


def _of_batches(said: str, found: Interpreted, random: bool) -> Iterator[tuple[str, str]]:
    first = found.output[0] if found.output else ""
    name = "batch_independence"
    if together := TOGETHER.search(said):
        yield name, f"its result depends on the whole batch ('{together[0]}')"
    elif random:
        yield name, "it draws at random, and draws for another batch differ"
    elif first not in BATCH:
        yield name, "its result has no batch dimension"
    elif not any(one.dimensions and one.dimensions[0] == first for one in found.inputs):
        yield name, "no input has the batch dimension of its result"
