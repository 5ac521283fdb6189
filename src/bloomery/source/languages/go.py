"""Go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bloomery.source.languages.language import Formatter, Language

if TYPE_CHECKING:
    from tree_sitter import Node

_MIXED_CAPS = r"_|[^\W_]+"


def _receiver(node: Node) -> str:
    """`Queue` of `func (q *Queue[T]) Pop()`."""
    receiver = node.child_by_field_name("receiver")
    waiting = [receiver] if receiver else []
    while waiting:
        at = waiting.pop(0)
        if at.type == "type_identifier" and at.text:
            return at.text.decode()
        waiting += [child for child in at.named_children if child.type != "type_arguments"]
    return ""


GO = Language(
    name="go",
    suffixes=(".go",),
    grammar=("tree_sitter_go", "language"),
    functions=frozenset({"function_declaration", "method_declaration"}),
    values=frozenset({"func_literal"}),
    classes=frozenset({"type_spec"}),
    wrappers=frozenset({"type_declaration"}),
    carriers={"var_spec": "name"},
    containers={},
    receiver=_receiver,
    comments=frozenset({"comment"}),
    names=frozenset({"identifier"}),
    literals=frozenset(
        {"int_literal", "float_literal", "imaginary_literal", "rune_literal", "raw_string_literal"}
        | {"interpreted_string_literal", "true", "false", "nil", "iota"}
    ),
    branches=frozenset(
        {"if_statement", "for_statement", "expression_case", "type_case", "communication_case"}
    ),
    conditions=frozenset({"&&", "||"}),
    variables={"var_spec": "name", "const_spec": "name", "short_var_declaration": "left"}
    | {"range_clause": "left"},
    parameters={"parameter_declaration": "name", "variadic_parameter_declaration": "name"},
    patterns={"expression_list": ""},
    shapes=dict.fromkeys(("function", "method", "class", "variable", "parameter"), _MIXED_CAPS),
    formatter=Formatter(command=("gofmt",), install="install Go, whose gofmt it is"),
)
