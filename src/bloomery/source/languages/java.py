"""Java."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bloomery.source.languages.language import Formatter, Language

if TYPE_CHECKING:
    from tree_sitter import Node

_CAMEL = r"[_$]*[^\W\dA-Z_][^\W_]*|_"


def _is_default(node: Node) -> bool:
    return node.type == "switch_label" and node.children[0].type == "default"


def _is_constant(node: Node) -> bool:
    """A field that is static and final."""
    field = node.parent
    if field is None or field.type != "field_declaration":
        return False
    modifiers = {child.type for part in field.children if part.type == "modifiers" for child in part.children}
    return {"static", "final"} <= modifiers


JAVA = Language(
    name="java",
    suffixes=(".java",),
    grammar=("tree_sitter_java", "language"),
    functions=frozenset({"method_declaration", "constructor_declaration", "compact_constructor_declaration"}),
    classes=frozenset(
        {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}
        | {"annotation_type_declaration"}
    ),
    carriers={},
    containers={"enum_constant": "name"},
    comments=frozenset({"line_comment", "block_comment"}),
    names=frozenset({"identifier"}),
    literals=frozenset(
        {"decimal_integer_literal", "hex_integer_literal", "octal_integer_literal", "binary_integer_literal"}
        | {"decimal_floating_point_literal", "hex_floating_point_literal", "character_literal"}
        | {"string_literal", "true", "false", "null_literal"}
    ),
    branches=frozenset(
        {"if_statement", "for_statement", "enhanced_for_statement", "while_statement", "do_statement"}
        | {"catch_clause", "switch_label"}
    ),
    conditions=frozenset({"&&", "||", "ternary_expression"}),
    unless=_is_default,
    variables={"variable_declarator": "name", "enhanced_for_statement": "name", "resource": "name"},
    constant=_is_constant,
    parameters={"formal_parameter": "name", "catch_formal_parameter": "name"},
    patterns={},
    shapes={
        "method": _CAMEL,
        "class": r"[^\W\da-z_][^\W_]*",
        "variable": _CAMEL,
        "constant": r"[^a-z]+",
        "parameter": _CAMEL,
    },
    handlers=frozenset({"catch_clause"}),
    broad=frozenset({"Exception", "Throwable", "java.lang.Exception", "java.lang.Throwable"}),
    formatter=Formatter(
        command=("google-java-format", "-"),
        install="install google-java-format and put it on the PATH",
    ),
)
