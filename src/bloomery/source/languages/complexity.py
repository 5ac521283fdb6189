"""Cyclomatic complexity, of every function of a text.

McCabe's number is the count of linearly independent paths: 1 + the decisions in the function. A decision is a
node of `Language.branches`:

- Python, as ruff's C901 counts: `if`, `elif`, `for`, `while`, `except`, the `else` of a `try`, each `case`
  but a last one that anything fits (`case _:`);
- JavaScript and TypeScript: `if`, `for`, `for in`, `for of`, `while`, `do`, `catch`, each `case`;
- Java: `if`, `for`, `while`, `do`, `catch`, each `case` label (`case 1, 2 ->` is one);
- Go: `if`, `for`, each `case` of `switch` and `select`.

`else`, `default`, `finally` and `with` decide nothing. What a function defines inside is part of it: its
decisions count, and one more for each function definition (not for lambdas and other function values).

Extended complexity also counts the conditions within expressions (`Language.conditions`): `and`, `or`, `&&`,
`||`, `??` and what assigns by them, conditional expressions, and in Python each `for` and `if` of a
comprehension and each guard of a case. For Go that is what gocyclo counts, but for `select`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bloomery.source.languages.parsing import Source, nodes
from bloomery.source.languages.symbols import Symbol, definitions

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Complexity:
    """Units: paths. `extended` is at least `cyclomatic`."""

    symbol: Symbol
    cyclomatic: int
    extended: int


def complexities(source: Source) -> tuple[Complexity, ...]:
    """That of every function and method with a name, in the order of the text."""
    return tuple(
        _complexity(source, symbol, node) for symbol, node in definitions(source) if symbol.kind != "class"
    )


def _complexity(source: Source, symbol: Symbol, function: Node) -> Complexity:
    language = source.language
    decisions = conditions = 0
    for node in nodes(function):
        if node.type in language.conditions:
            conditions += 1
        elif not node.is_named or node == function:
            continue
        elif node.type in language.functions or node.type in language.branches:
            decisions += not language.unless(node)
    return Complexity(symbol, 1 + decisions, 1 + decisions + conditions)
