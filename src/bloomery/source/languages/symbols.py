"""What a text defines, by qualified name and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from bloomery.core.errors import UnknownName, UserError
from bloomery.source.languages.parsing import Source, nodes

if TYPE_CHECKING:
    from tree_sitter import Node

Kind = Literal["function", "method", "class"]
_STATEMENTS = frozenset(
    {"lexical_declaration", "variable_declaration", "expression_statement", "var_declaration"}
)
_NAMESPACES = frozenset({"internal_module", "module"})
OBJECTS = frozenset({"object"})  # literals whose functions are named by what holds them


@dataclass(frozen=True)
class Symbol:
    """A function, method or class (of any type with a name); `name` is qualified: `Queue.pop`.

    In Python as the interpreter does it (`f.<locals>.g`). `first_line` counts decorators, `export` and the
    like, `line` is where the definition itself begins.
    """

    name: str
    kind: Kind
    first_line: int
    line: int
    end_line: int


class Comment(NamedTuple):
    line: int
    column: int
    end_line: int
    text: str


class _Scope(NamedTuple):
    prefix: str
    in_class: bool


def symbols(source: Source) -> tuple[Symbol, ...]:
    """Everything with a name, in the order of the text; several of one name (overloads) all stand here."""
    return tuple(symbol for symbol, _ in definitions(source))


def symbol(source: Source, name: str) -> Symbol:
    """Raises: UnknownName; UserError for a name that is defined more than once."""
    return definition(source, name)[0]


def definition(source: Source, name: str) -> tuple[Symbol, Node]:
    known = list(definitions(source))
    found = [one for one in known if one[0].name == name]
    where = source.path or f"this {source.language.name}"
    if not found:
        raise UnknownName(f"symbol of {where}", name, {one.name for one, _ in known})
    if len(found) > 1:
        lines = ", ".join(str(one.line) for one, _ in found)
        raise UserError(f"{where}: {name} is defined more than once (lines {lines}): which one is meant?")
    return found[0]


def comments(source: Source) -> tuple[Comment, ...]:
    return tuple(
        Comment(*source.position(node.start_byte), source.position(node.end_byte).line, source.text_of(node))
        for node in _all(source, source.language.comments)
    )


def definitions(source: Source) -> Iterator[tuple[Symbol, Node]]:
    """Symbols with their nodes."""
    waiting = [(source.root, _Scope("", in_class=False))]
    while waiting:
        node, scope = waiting.pop()
        named = name_node(source, node)
        if named:
            name = source.text_of(named)
            is_class = node.type in source.language.classes
            receiver = source.language.receiver(node)
            kind: Kind = "class" if is_class else "method" if scope.in_class or receiver else "function"
            full = scope.prefix + (f"{receiver}." if receiver else "") + name
            yield _symbol(source, node, full, kind), node
            joint = "." if is_class else source.language.inside_functions
            scope = _Scope(full + joint, in_class=is_class)
        elif held := _container(source, node):
            scope = _Scope(f"{scope.prefix}{held}.", in_class=node.type not in _NAMESPACES)
        waiting += [(child, scope) for child in reversed(node.named_children)]


def _all(source: Source, kinds: frozenset[str]) -> Iterator[Node]:
    return (node for node in nodes(source.root) if node.type in kinds)


def name_node(source: Source, node: Node) -> Node | None:
    """The node that names what a node defines; None where it defines nothing that has a name."""
    language = source.language
    if not node.is_named:
        return None
    if node.type in language.functions or node.type in language.classes:
        named = node.child_by_field_name("name")
        if named:
            return named
    if node.type in language.values or node.type in language.classes:
        carrier = _carrier(source, node)
        return carrier.child_by_field_name(language.carriers[carrier.type]) if carrier else None
    return None


def _carrier(source: Source, node: Node) -> Node | None:
    """What a function is put into, and so named by."""
    parent = node.parent
    if parent and parent.type == "expression_list":  # Go: `var f = func() {}`
        parent = parent.parent if parent.named_child_count == 1 else None
    return parent if parent and parent.type in source.language.carriers else None


def _container(source: Source, node: Node) -> str:
    field = source.language.containers.get(node.type)
    named = node.child_by_field_name(field) if field else None
    held = node.child_by_field_name("value") or node.child_by_field_name("right")
    if not named or (held and held.type not in OBJECTS):
        return ""
    return source.text_of(named)


def _symbol(source: Source, node: Node, name: str, kind: Kind) -> Symbol:
    carrier = _carrier(source, node) if node.type in source.language.values else None
    own = carrier or node
    outer = own
    while (
        outer.parent
        and outer.parent.type in _STATEMENTS | source.language.wrappers
        and not any(other.type == own.type for other in outer.parent.named_children if other != outer)
    ):
        outer = outer.parent
    return Symbol(
        name=name,
        kind=kind,
        first_line=source.position(outer.start_byte).line,
        line=source.position(own.start_byte).line,
        end_line=source.position(_end_byte(outer)).line,
    )


def _end_byte(node: Node) -> int:
    """Where a node ends without the comments that follow its last part."""
    while parts := [child for child in node.children if not child.is_extra]:
        node = parts[-1]
    return node.end_byte
