"""One equation, or one reading of it, as a function with an oracle: its arguments, shapes and formula."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bloomery.papers.scaffolding.drawing import Arrays, draw, softmax
from bloomery.papers.scaffolding.formula.grammar import read
from bloomery.papers.scaffolding.formula.letters import letters_in
from bloomery.papers.scaffolding.formula.matrices import Symbols
from bloomery.papers.scaffolding.formula.shaped import Written, written
from bloomery.papers.scaffolding.formula.tree import Equality, Letter, NotRead, letters
from bloomery.papers.scaffolding.signature import (
    Dimensions,
    Input,
    Naming,
    Table,
    dimensions_of,
    input_of,
    loose_inputs,
    positive,
)
from bloomery.papers.scaffolding.sizes import sizes

AGREEING = 1e-9  # two ways to compute the same in float64 differ by rounding only


@dataclass(frozen=True)
class Interpreted:
    """`formula` is there where the LaTeX could be read; else `reason` says why not."""

    inputs: tuple[Input, ...]
    output: Dimensions | None
    formula: Written | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def dimensions(self) -> list[str]:
        every = [one for given in self.inputs for one in given.dimensions or ()]
        return list(dict.fromkeys([*every, *(self.output or ())]))

    @property
    def missing(self) -> list[str]:
        """What no shape is declared for."""
        names = [str(one.letter) for one in self.inputs if one.dimensions is None]
        return [*names, *(["the result"] if self.output is None else [])]


def interpret(latex: str, symbols: Table, function: str) -> Interpreted:
    """Never raises: what cannot be interpreted has a reason."""
    try:
        equality = read(latex, list(symbols.functions()))
        return _interpreted(equality, symbols, function)
    except NotRead as error:
        left, _ = letters_in(latex)
        output = symbols.dimensions(left[0]) if len(left) == 1 else None
        given = tuple(loose_inputs(latex, symbols, Naming(function)))
        return Interpreted(given, output, reason=str(error))


def _interpreted(equality: Equality, symbols: Table, function: str) -> Interpreted:
    used = letters(equality.right)
    undeclared = [str(one) for one in used if symbols.find(one) is None]
    if undeclared:
        raise NotRead(f"the table of symbols does not name {', '.join(undeclared)}")
    ways = []
    for found in written(equality, _symbols(equality, used, symbols, function)):
        inputs = _inputs(equality, used, symbols, function, indexed=found.indexed)
        ways.append(_in_domain(Interpreted(tuple(inputs), found.dimensions, found)))
    _agree(ways)
    return ways[0]


def _symbols(equality: Equality, used: list[Letter], symbols: Table, function: str) -> Symbols:
    by_letter = {one: _names(used, symbols, function, indexed=False)[one] for one in used}
    indexed = _names(used, symbols, function, indexed=True)
    known = {one: held for one in used if (held := symbols.dimensions(one)) is not None}
    output = symbols.dimensions(equality.left)
    known |= {equality.left: output} if output is not None else {}
    return Symbols(by_letter, indexed, known, symbols.functions())


def _argument(letter: Letter, symbols: Table, *, indexed: bool) -> Letter:
    """What is one argument: index by index, x_i and x_j are elements of the same x."""
    dimensions = symbols.dimensions(letter)
    return replace(letter, below="") if indexed and dimensions else letter


def _names(used: list[Letter], symbols: Table, function: str, *, indexed: bool) -> dict[Letter, str]:
    """The code of each letter: its argument, or the size of a dimension of one."""
    naming = Naming(function)
    arguments = {one: _argument(one, symbols, indexed=indexed) for one in used}
    names = {one: naming.name(held) for one, held in arguments.items() if not _is_size(one, symbols)}
    for letter in used:
        if letter not in names:
            names[letter] = _size(letter, names, symbols) or naming.name(arguments[letter])
    return names


def _is_size(letter: Letter, symbols: Table) -> bool:
    return symbols.dimensions(letter) == () and str_of(letter) in dimensions_of(symbols)


def str_of(letter: Letter) -> str:
    return "_".join(one for one in (letter.name, *letter.decorations, letter.below) if one)


def _size(letter: Letter, names: Mapping[Letter, str], symbols: Table) -> str:
    for other, name in names.items():
        dimensions = symbols.dimensions(other) or ()
        if str_of(letter) in dimensions:
            return f"{name}.shape[{dimensions.index(str_of(letter))}]"
    return ""


def _inputs(
    equality: Equality, used: list[Letter], symbols: Table, function: str, *, indexed: bool
) -> list[Input]:
    found: dict[str, Input] = {}
    for letter, name in _names(used, symbols, function, indexed=indexed).items():
        if name.isidentifier() and name not in found:
            found[name] = input_of(_argument(letter, symbols, indexed=indexed), name, symbols)
    order = [_names(used, symbols, function, indexed=indexed)[one] for one in used]
    return [found[name] for name in dict.fromkeys(order) if name in found]


def evaluate(formula: Written, arrays: Arrays) -> np.ndarray:
    """The value of a formula; its code was written here, from a grammar without names of its own."""
    names = {"np": np, "softmax": softmax, **arrays}
    with np.errstate(all="ignore"):
        for line in formula.before:
            name, _, code = line.partition(" = ")
            names[name] = eval(code, {"__builtins__": {}}, names)
        return np.asarray(eval(formula.code, {"__builtins__": {}}, names), dtype=float)


def arrays_of(found: Interpreted, seed: int = 0, magnitude: float = 1.0) -> Arrays:
    return draw(found.inputs, sizes(found.dimensions), seed, magnitude)


def _in_domain(found: Interpreted) -> Interpreted:
    """With values above zero for what has no domain, where the formula is finite for these only."""
    if found.formula is None or _finite(found):
        return found
    tried = replace(found, inputs=tuple(map(positive, found.inputs)))
    if not _finite(tried):
        raise NotRead("its value is not finite for what was drawn from the domains")
    names = ", ".join(one.name for one in found.inputs if not one.domain.declared)
    return replace(tried, notes=(f"no domain is declared for {names}: drawn from above zero",))


def _finite(found: Interpreted) -> bool:
    assert found.formula is not None
    return all(bool(np.isfinite(evaluate(found.formula, arrays_of(found, seed))).all()) for seed in range(3))


def _agree(ways: list[Interpreted]) -> None:
    """Raises: NotRead where two ways to read the shapes give different values."""
    first = ways[0]
    assert first.formula is not None
    value = evaluate(first.formula, arrays_of(first))
    for other in ways[1:]:
        assert other.formula is not None
        if [one.name for one in other.inputs] != [one.name for one in first.inputs]:
            continue  # index by index where vectors were read already
        if not np.allclose(evaluate(other.formula, arrays_of(first)), value, rtol=AGREEING, atol=AGREEING):
            raise NotRead("its products can be read in two ways that differ")
