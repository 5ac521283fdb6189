"""JavaScript, TypeScript and TypeScript with JSX."""

from __future__ import annotations

from dataclasses import replace

from bloomery.source.languages.language import Formatter, Language

_WORD = r"[_$#]*[^\W_]*"  # camelCase or PascalCase
_UPPER = r"[^a-z]+"

JAVASCRIPT = Language(
    name="javascript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx"),
    grammar=("tree_sitter_javascript", "language"),
    functions=frozenset({"function_declaration", "generator_function_declaration", "method_definition"}),
    values=frozenset({"arrow_function", "function_expression", "generator_function"}),
    classes=frozenset({"class_declaration", "class"}),
    wrappers=frozenset({"export_statement"}),
    carriers={"variable_declarator": "name", "pair": "key", "assignment_expression": "left"}
    | {"field_definition": "property"},
    containers={"variable_declarator": "name", "pair": "key", "assignment_expression": "left"},
    comments=frozenset({"comment", "html_comment", "hash_bang_line"}),
    names=frozenset({"identifier", "shorthand_property_identifier_pattern"}),
    literals=frozenset({"number", "string", "template_string", "regex", "true", "false", "null"}),
    branches=frozenset(
        {"if_statement", "for_statement", "for_in_statement", "while_statement", "do_statement"}
        | {"catch_clause", "switch_case"}
    ),
    conditions=frozenset({"&&", "||", "??", "&&=", "||=", "??=", "ternary_expression"}),
    variables={"variable_declarator": "name", "for_in_statement": "left"},
    parameters={"formal_parameters": "", "arrow_function": "parameter", "catch_clause": "parameter"},
    patterns={"object_pattern": "", "array_pattern": "", "rest_pattern": "", "pair_pattern": "value"}
    | {"assignment_pattern": "left", "object_assignment_pattern": "left"},
    shapes={
        "function": _WORD,
        "method": _WORD,
        "class": r"_*[^\W\da-z_][^\W_]*",
        "variable": f"{_WORD}|{_UPPER}",
        "parameter": _WORD,
    },
    handlers=frozenset({"catch_clause"}),
    passes=frozenset({"empty_statement"}),
    formatter=Formatter(
        command=("prettier", "--no-config", "--no-editorconfig", "--stdin-filepath", "text{suffix}"),
        install="install prettier: npm install --global prettier",
    ),
)

TYPESCRIPT = replace(
    JAVASCRIPT,
    name="typescript",
    suffixes=(".ts", ".mts", ".cts"),
    grammar=("tree_sitter_typescript", "language_typescript"),
    classes=JAVASCRIPT.classes | {"abstract_class_declaration", "interface_declaration", "enum_declaration"},
    carriers={**JAVASCRIPT.carriers, "public_field_definition": "name"},
    containers={**JAVASCRIPT.containers, "internal_module": "name", "module": "name"},
    literals=JAVASCRIPT.literals | {"undefined"},
    patterns={**JAVASCRIPT.patterns, "required_parameter": "pattern", "optional_parameter": "pattern"},
)

TSX = replace(TYPESCRIPT, name="tsx", suffixes=(".tsx",), grammar=("tree_sitter_typescript", "language_tsx"))
