"""Texts as libcst trees, which keep every byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bloomery.core.errors import CapabilityMissing, UnknownName, UserError
from bloomery.source.python import NotPython, parse_text

if TYPE_CHECKING:
    import libcst as cst

_NAMELESS = Path("text")


class Defined(NamedTuple):
    """A function or class by its qualified name."""

    name: str
    node: cst.FunctionDef | cst.ClassDef


def tree(text: str, path: Path = _NAMELESS) -> cst.Module:
    """Raises: NotPython, also for what is nested too deeply; CapabilityMissing without libcst."""
    try:
        import libcst as cst
    except ImportError:
        raise CapabilityMissing("editing Python needs libcst: install bloomery[optimize]") from None
    parse_text(text, path)  # first: libcst ends the process on nesting that the interpreter refuses
    try:
        module = cst.parse_module(text)
        kept = module.code
    except cst.ParserSyntaxError as error:
        raise NotPython(path, error.raw_line, error.message) from None
    except RecursionError:
        raise NotPython(path, 1, "it is nested too deeply to be edited") from None
    if kept != text:
        raise UserError(f"{path}: libcst does not give the text back as it was: it cannot be edited")
    return module


def printed(module: cst.Module, path: Path = _NAMELESS) -> str:
    """The text of an edited tree, proved to be Python."""
    text = module.code
    parse_text(text, path)
    return text


def definitions(module: cst.Module) -> Iterator[Defined]:
    """Functions and classes with the names of `source.python`, in the order of the text."""
    import libcst as cst

    waiting: list[tuple[cst.CSTNode, str]] = [(module, "")]
    while waiting:
        node, prefix = waiting.pop()
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            yield Defined(prefix + node.name.value, node)
            joint = "." if isinstance(node, cst.ClassDef) else ".<locals>."
            prefix += node.name.value + joint
        if not isinstance(node, cst.BaseExpression | cst.BaseSmallStatement):
            waiting += [(child, prefix) for child in reversed(node.children)]


def function(module: cst.Module, name: str, path: Path = _NAMELESS) -> cst.FunctionDef:
    """Raises: UnknownName; UserError where several functions have the name."""
    import libcst as cst

    known = [one for one in definitions(module) if isinstance(one.node, cst.FunctionDef)]
    found = [one.node for one in known if one.name == name]
    if not found:
        raise UnknownName(f"function of {path}", name, {one.name for one in known})
    if len(found) > 1:
        raise UserError(f"{path}: {name} is defined {len(found)} times; which one is meant?")
    return found[0]  # type: ignore[return-value]
