"""What there is to know about a programming language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

Role = Literal["function", "method", "class", "variable", "constant", "parameter"]
Kinds = frozenset[str]


class Formatter(NamedTuple):
    """A command that reads source on stdin and writes it formatted; `{suffix}` stands for the file's suffix.

    `install` says how to get it. `settled`: the command that heeds the settings of the folder it runs in, for
    tools whose settings are data and not programs.
    """

    command: tuple[str, ...]
    install: str
    settled: tuple[str, ...] | None = None


class Refusal(NamedTuple):
    """Where (line and column from 1) and why the language's own parser refuses a text."""

    line: int
    column: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language by the node kinds of its grammar.

    grammar: the package of the grammar and its function that gives it.
    functions, classes: definitions, by their field `name`. values: functions that are called as what they are
    put into (`const f = () => 1`); carriers: what they are put into, and the field that names it.
    containers: what qualifies names without being a symbol, and the field that names it.
    wrappers: what stands around a definition and belongs to it (decorators, `export`).
    receiver: the type that a definition outside of any class is a method of.
    inside_functions: what joins the name of a function and of what is defined in it.
    branches: what cyclomatic complexity counts; conditions: what extended complexity counts too, by node kind
    or operator; unless: nodes of these kinds that do not count.
    variables, parameters: what declares them, and the field that names them (empty: all children).
    patterns: what may stand between such a field and the names in it, likewise.
    constant: whether a declaring node may make constants. shapes: what names look like by role, as patterns.
    handlers: what handles exceptions; broad: the types that stand for any exception; passes: statements that
    do nothing.
    own_parser: refuses what the language's own parser does, where that is at hand.
    """

    name: str
    suffixes: tuple[str, ...]
    grammar: tuple[str, str]
    functions: Kinds
    classes: Kinds
    comments: Kinds
    names: Kinds
    literals: Kinds
    branches: Kinds
    conditions: Kinds
    values: Kinds = frozenset()
    carriers: Mapping[str, str]
    containers: Mapping[str, str]
    wrappers: Kinds = frozenset()
    receiver: Callable[[Node], str] = lambda node: ""
    inside_functions: str = "."
    unless: Callable[[Node], bool] = lambda node: False
    variables: Mapping[str, str]
    constant: Callable[[Node], bool] = lambda node: False
    parameters: Mapping[str, str]
    patterns: Mapping[str, str]
    shapes: Mapping[Role, str]
    handlers: Kinds = frozenset()
    broad: Kinds = frozenset()
    passes: Kinds = frozenset()
    own_parser: Callable[[str], Refusal | None] | None = None
    formatter: Formatter
