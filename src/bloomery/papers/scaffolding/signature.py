"""What a function takes and gives: from the table of symbols and the formula."""

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bloomery.papers import shape as shapes
from bloomery.papers.context import Context, Equation, Variable
from bloomery.papers.scaffolding import domain
from bloomery.papers.scaffolding.domain import Domain
from bloomery.papers.scaffolding.formula.grammar import FUNCTIONS
from bloomery.papers.scaffolding.formula.letters import letters_in
from bloomery.papers.scaffolding.formula.tree import Letter
from bloomery.papers.scaffolding.sizes import plain

Dimensions = tuple[str, ...]
STEPS = {"t": "_t", "t-1": "_prev", "t+1": "_next"}
TAKEN = {"np", "torch", "Tensor", "softmax", "reference", "pytest", "e"}


@dataclass(frozen=True)
class Input:
    """An argument of a function; `dimensions` of None: nobody says its shape."""

    name: str
    letter: Letter
    dimensions: Dimensions | None
    domain: Domain
    about: str = ""  # what the table calls it


@dataclass(frozen=True)
class Table:
    """The symbols of an equation, by letter."""

    variables: Mapping[Letter, Variable]
    others: Mapping[Letter, Variable]  # of the same paper's other equations

    def find(self, letter: Letter) -> Variable | None:
        """As it is written, else without indices."""
        if letter in self.variables:
            return self.variables[letter]
        return next((held for one, held in self.variables.items() if one.plain == letter.plain), None)

    def dimensions(self, letter: Letter) -> Dimensions | None:
        """Those of a declared shape, of several the fullest; None where there is none."""
        variable = self.find(letter)
        if variable is None:
            return None
        declared = shapes.parse(variable.shape)
        if declared.kind == "none" and variable.kind == "Scalar":
            return ()
        return self._of_shape(declared, 3)

    def _of_shape(self, declared: shapes.Shape, depth: int) -> Dimensions | None:
        if declared.kind == "dimensions":
            return tuple(plain(one) for one in declared.dimensions if one != "...")
        if declared.kind == "either":
            found = [held for one in declared.either if (held := self._of_shape(one, depth)) is not None]
            return max(found, key=len, default=None)
        if declared.kind == "same" and depth:
            name, elsewhere, _ = declared.same_as.partition(" in ")
            for one in letters_of(name)[:1]:
                other = Table(self.others, {}).find(one)
                variable = other if elsewhere else self.find(one) or other
                return self._of_shape(shapes.parse(variable.shape), depth - 1) if variable else None
        return None

    def functions(self) -> dict[Letter, str]:
        """The letters that stand for functions, each with the known one that it is, or nothing."""
        found = {}
        for letter, variable in self.variables.items():
            if variable.kind == "Function":
                words = re.findall(r"[a-z]+", f"{variable.name} {variable.description}".lower())
                found[letter.plain] = next((FUNCTIONS[word] for word in words if word in FUNCTIONS), "")
        return found


def table(context: Context, equation: Equation) -> Table:
    others = [one for other in context.equations if other is not equation for one in other.variables]
    return Table(_by_letter(equation.variables), _by_letter(others))


def _by_letter(variables: Iterable[Variable]) -> dict[Letter, Variable]:
    found: dict[Letter, Variable] = {}
    for variable in variables:
        for letter in letters_of(re.split(r"\\in(?![a-z])|∈", variable.symbol)[0]):
            found.setdefault(letter, variable)
    return found


def letters_of(cell: str) -> list[Letter]:
    left, right = letters_in(cell)
    return left + right


class Naming:
    """A name for each letter, each once."""

    def __init__(self, *taken: str) -> None:
        self.taken = {*TAKEN, *taken}
        self.names: dict[Letter, str] = {}

    def name(self, letter: Letter) -> str:
        if letter not in self.names:
            wanted = identifier(letter)
            name, count = wanted, 2
            while name in self.taken:
                name, count = f"{wanted}_{count}", count + 1
            self.taken.add(name)
            self.names[letter] = name
        return self.names[letter]


def identifier(letter: Letter) -> str:
    """`M_prev` for M_{t-1}, `alpha_t`, `M_tilde`: the paper's letters, as Python takes them."""
    name = "_".join([letter.name, *letter.decorations])
    name += STEPS.get(letter.below, f"_{letter.below}" if letter.below else "")
    name += f"_{letter.above}" if letter.above else ""
    name = re.sub(r"_+", "_", re.sub(r"\W", "_", name.replace("+", "_plus_").replace("-", "_minus_")))
    name = name.strip("_")
    return f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name


def input_of(letter: Letter, name: str, symbols: Table) -> Input:
    variable = symbols.find(letter)
    if variable is None:
        return Input(name, letter, None, Domain())
    stated = domain.parse(variable.domain, variable.description)
    return Input(name, letter, symbols.dimensions(letter), stated, variable.name or variable.description)


def loose_inputs(equation_latex: str, symbols: Table, naming: Naming) -> list[Input]:
    """Of a formula that cannot be interpreted: its declared symbols, and those that only the table has."""
    left, right = letters_in(equation_latex)
    functions = symbols.functions()
    defined = {one.plain for one in left}
    found = [one for one in dict.fromkeys(right) if one not in left and one.plain not in functions]
    found = [one for one in found if symbols.find(one) is not None]
    named = {one.plain for one in found} | defined
    found += [one for one in symbols.variables if one.plain not in named | set(functions)]
    used = dimensions_of(symbols)
    kept = [one for one in found if not (symbols.dimensions(one) == () and str(one.plain) in used)]
    return [input_of(one, naming.name(one), symbols) for one in kept]


def dimensions_of(symbols: Table) -> set[str]:
    """The names of all declared dimensions."""
    return {one for letter in symbols.variables for one in symbols.dimensions(letter) or ()}


def positive(given: Input) -> Input:
    """With its values above zero, where nobody said where they lie."""
    return given if given.domain.declared else replace(given, domain=Domain(0.0, None))
