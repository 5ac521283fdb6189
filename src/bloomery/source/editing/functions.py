"""A function in another's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bloomery.core.errors import UserError
from bloomery.source.editing.trees import function, printed, tree

if TYPE_CHECKING:
    import libcst as cst


def replace_function(text: str, name: str, definition: str) -> str:
    """The text with the function `name` replaced, decorators included; what stands above and below it stays.

    `definition` is one function of the same last name, at any indentation; it gets that of its place. Lines
    within its strings are not moved.

    Raises: NotPython; UnknownName; UserError where the name is ambiguous or `definition` is not one function
    of that name.
    """
    module = tree(text)
    old = function(module, name)
    new = _definition(definition, module.default_newline)
    if new.name.value != old.name.value:
        raise UserError(f"expected a definition of {old.name.value}, came one of {new.name.value}")
    return printed(module.deep_replace(old, new.with_changes(leading_lines=old.leading_lines)))  # type: ignore[arg-type]


def _definition(text: str, newline: str) -> cst.FunctionDef:
    import libcst as cst

    lines = newline.join(text.replace("\r\n", "\n").strip("\n").split("\n")) + newline
    is_indented = lines[:1].isspace()
    place = Path("the definition")
    module = tree(f"class _:{newline}{lines}" if is_indented else lines, place)
    body = module.body[0].body.body if is_indented else module.body  # type: ignore[union-attr]
    if len(body) != 1 or not isinstance(body[0], cst.FunctionDef):
        raise UserError("expected the definition of one function and nothing else")
    return body[0]
