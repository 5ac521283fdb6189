"""Whether names look as their language has them look."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bloomery.source.languages.language import Role
from bloomery.source.languages.parsing import Source, nodes
from bloomery.source.languages.symbols import definitions, name_node
from bloomery.source.quality.metric import Finding, Metric

if TYPE_CHECKING:
    from tree_sitter import Node


class Declared(NamedTuple):
    """A name where it is declared first in its file, in this role."""

    role: Role
    name: str
    line: int


def measure(sources: Sequence[Source]) -> Metric:
    known = [(source, one) for source in sources for one in declared(source)]
    odd = [(source, one) for source, one in known if not _fits(source, one)]
    return Metric(
        name="naming",
        definition="Share of the distinct names in a file, by role (function, method, class, variable, "
        "constant, parameter), that have the shape of PEP 8, Google's Java style, Effective Go or camelCase.",
        unit="share of names",
        better="higher",
        value=1 - len(odd) / len(known) if known else None,
        counts={"names": len(known), "odd": len(odd)},
        findings=tuple(
            Finding(source.path, one.line, f"{one.role} {one.name}: not as {source.language.name} names it")
            for source, one in odd
        ),
        why_none="" if known else "no name is declared",
    )


def declared(source: Source) -> list[Declared]:
    """Names in order of the text; constructors, which have no names of their own, are left out."""
    found: dict[tuple[Role, str], int] = {}
    for role, name, line in sorted(_declared(source), key=lambda one: one.line):
        found.setdefault((role, name), line)
    return [Declared(role, name, line) for (role, name), line in found.items()]


def _fits(source: Source, one: Declared) -> bool:
    return bool(re.fullmatch(source.language.shapes[one.role], one.name))


def _declared(source: Source) -> Iterator[Declared]:
    defining = set()
    for symbol, node in definitions(source):
        named = name_node(source, node)
        defining.add(named)
        *_, around, name = ("", *symbol.name.split("."))
        if name not in {around, "constructor"}:
            yield Declared(symbol.kind, name, symbol.line)
    for node in nodes(source.root):
        for named in _named(source, node, source.language.parameters):
            yield Declared("parameter", source.text_of(named), source.position(named.start_byte).line)
        for named in _named(source, node, source.language.variables):
            if named not in defining:
                role: Role = "constant" if source.language.constant(node) else "variable"
                yield Declared(role, source.text_of(named), source.position(named.start_byte).line)


def _named(source: Source, node: "Node", declaring: Mapping[str, str]) -> Iterator["Node"]:
    """The identifiers that a declaring node declares, also those within patterns."""
    if not node.is_named or node.type not in declaring:
        return
    waiting = _parts(node, declaring[node.type])
    while waiting:
        part = waiting.pop(0)
        if part.type in source.language.names:
            yield part
        elif part.type in source.language.patterns:
            waiting = _parts(part, source.language.patterns[part.type]) + waiting


def _parts(node: "Node", field: str) -> list["Node"]:
    return node.children_by_field_name(field) if field else list(node.named_children)
