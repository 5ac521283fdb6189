"""A local variable under another name."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from bloomery.core.errors import UserError
from bloomery.source.editing.sameness import same_but_for_names
from bloomery.source.editing.trees import function, printed, tree

if TYPE_CHECKING:
    import libcst as cst

_SEES_NAMES = {"locals", "vars", "dir", "eval", "exec"}


def rename_local(text: str, function_name: str, old: str, new: str) -> str:
    """The text in which the variable `old` of a function, and of what is defined in it, is called `new`.

    The compiled code is proved to be the same but for that name.

    Raises: NotPython; UnknownName; UserError for a parameter, an import or a definition, for a name that is
    taken, and where names are visible at run time (`locals()`, `eval`, `f"{old=}"`).
    """
    import libcst as cst
    from libcst.metadata import MetadataWrapper, ScopeProvider

    if not new.isidentifier() or iskeyword(new):
        raise UserError(f"{new!r} is no name that a variable can have")
    wrapper = MetadataWrapper(tree(text), unsafe_skip_copy=True)
    node = function(wrapper.module, function_name)
    used = {inner.value for inner in _below(node) if isinstance(inner, cst.Name)}
    if new in used:
        raise UserError(f"{function_name} uses {new} already")
    if seeing := sorted(used & _SEES_NAMES):
        raise UserError(f"{function_name} may see its variables' names by {seeing[0]}")
    places = _places(wrapper.resolve(ScopeProvider)[node.body.body[0]], function_name, old)
    places |= {
        item.name
        for inner in _below(node)
        if isinstance(inner, cst.Nonlocal)
        for item in inner.names
        if item.name.value == old
    }
    renamed = _renamed(wrapper.module, places, new)
    after = printed(renamed)
    if not same_but_for_names(text, after, old, new):
        raise UserError(f"{old} of {function_name}: another name would change what the code does or shows")
    return after


def _below(node: cst.CSTNode) -> list[cst.CSTNode]:
    found, waiting = [], [node]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].children
    return found


def _places(scope: Any, function_name: str, old: str) -> set[cst.CSTNode]:
    """The names that bind the variable in its own scope, and those that read it from anywhere."""
    import libcst as cst

    assignments = [one for one in scope.assignments if one.name == old]
    if not assignments:
        raise UserError(f"{old} is no local variable of {function_name}")
    places: set[cst.CSTNode] = set()
    for one in assignments:
        if not isinstance(getattr(one, "node", None), cst.Name):
            raise UserError(f"{old} of {function_name} is a parameter, an import or a definition: it stays")
        places.add(one.node)
        places |= {access.node for access in one.references}
    return places


def _renamed(module: cst.Module, places: set[cst.CSTNode], new: str) -> cst.Module:
    import libcst as cst

    class Renaming(cst.CSTTransformer):
        def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:  # noqa: N802
            return updated_node.with_changes(value=new) if original_node in places else updated_node

    return module.visit(Renaming())
