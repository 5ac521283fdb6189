"""Python, by its grammar and, for what is refused, by the interpreter's own parser."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from bloomery.source.languages.language import Formatter, Language, Refusal

if TYPE_CHECKING:
    from tree_sitter import Node

_RUFF = ("{python}", "-m", "ruff", "format", "--no-cache", "--stdin-filename", "text{suffix}")
_UNITTEST = "setUp|tearDown|setUpClass|tearDownClass|setUpModule|tearDownModule|asyncSetUp|asyncTearDown"


def _refusal(text: str) -> Refusal | None:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Refusal(line, 1, "a null byte")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return Refusal(error.lineno or 1, max(error.offset or 1, 1), error.msg)
    except (RecursionError, MemoryError):
        return Refusal(1, 1, "nested too deeply")
    return None


def _is_no_branch(node: Node) -> bool:
    """`else` of anything but `try`, and a case without a condition that any value fits, as ruff has it."""
    if node.type == "else_clause":
        return node.parent is None or node.parent.type != "try_statement"
    if node.type != "case_clause" or node.child_by_field_name("guard"):
        return False
    patterns = [child for child in node.named_children if child.type == "case_pattern"]
    return len(patterns) == 1 and _fits_anything(patterns[0])


def _fits_anything(pattern: Node) -> bool:
    children = pattern.named_children
    if pattern.type == "union_pattern":
        return any(map(_fits_anything, children)) or any(child.type == "_" for child in pattern.children)
    if pattern.type == "dotted_name":
        return len(children) == 1
    if pattern.type in {"as_pattern", "tuple_pattern"} or (pattern.type == "case_pattern" and children):
        is_tuple = pattern.type == "tuple_pattern" and any(child.type == "," for child in pattern.children)
        return not is_tuple and bool(children) and _fits_anything(children[0])
    return pattern.text == b"_"


def _is_outside_functions(node: Node) -> bool:
    """Of a module or a class, where PEP 8 also knows CONSTANTS and names of types."""
    around = node.parent
    while around and around.type not in {"function_definition", "lambda"}:
        around = around.parent
    return around is None


PYTHON = Language(
    name="python",
    suffixes=(".py", ".pyi", ".pyw"),
    grammar=("tree_sitter_python", "language"),
    functions=frozenset({"function_definition"}),
    classes=frozenset({"class_definition"}),
    wrappers=frozenset({"decorated_definition"}),
    comments=frozenset({"comment"}),
    names=frozenset({"identifier"}),
    literals=frozenset({"integer", "float", "string", "true", "false", "none"}),
    carriers={},
    containers={},
    inside_functions=".<locals>.",
    branches=frozenset(
        {"if_statement", "elif_clause", "for_statement", "while_statement"}
        | {"except_clause", "except_group_clause", "else_clause", "case_clause"}
    ),
    conditions=frozenset({"and", "or", "conditional_expression", "for_in_clause", "if_clause"}),
    unless=_is_no_branch,
    variables={"assignment": "left", "for_statement": "left", "for_in_clause": "left"}
    | {"named_expression": "name", "as_pattern_target": ""},
    constant=_is_outside_functions,
    parameters={"parameters": "", "lambda_parameters": ""},
    patterns={"default_parameter": "name", "typed_default_parameter": "name", "typed_parameter": ""}
    | dict.fromkeys(["list_splat_pattern", "dictionary_splat_pattern"], "")
    | dict.fromkeys(["pattern_list", "tuple_pattern", "list_pattern"], ""),
    shapes={
        "function": r"[^A-Z]+",
        "method": rf"[^A-Z]+|(?:visit|leave|depart)_\w+|{_UNITTEST}",
        "class": r"_*[^\W\da-z_][^\W_]*",
        "variable": r"[^A-Z]+",
        "constant": r"[^A-Z]+|[^a-z]+|_*[^\W\da-z_][^\W_]*",
        "parameter": r"[^A-Z]+",
    },
    handlers=frozenset({"except_clause", "except_group_clause"}),
    broad=frozenset({"Exception", "BaseException"}),
    passes=frozenset({"pass_statement", "ellipsis"}),
    own_parser=_refusal,
    formatter=Formatter(
        command=(*_RUFF, "--isolated", "-"),
        settled=(*_RUFF, "-"),
        install="install bloomery[optimize]",
    ),
)
