"""Whose a variable is: what rewrites ask first of one whose value they build otherwise."""

import ast

from bloomery.optimize.proposers.rewrites.drafting import Draft

Loop = ast.For | ast.While


def made_here(d: Draft, hole: str, loop: Loop | None = None) -> str:
    """The variable in a hole, whose value is made in this function and held by nobody else.

    Raises: Refused for any other, and where the loop that builds it has an `else`.
    """
    name = d.variable(d.match.name(hole))
    d.need(d.scope.is_own(name), "it is not made here, or somebody else may hold it")
    d.need(loop is None or not loop.orelse, "an else")
    return name


def seen_here(d: Draft, hole: str, loop: Loop | None = None) -> str:
    """The variable in a hole, which only this function binds and whose value nobody else sees.

    Raises: Refused for any other, and where the loop that builds it has an `else`.
    """
    name = d.variable(d.match.name(hole))
    d.need(d.scope.is_local(name) and name not in d.scope.escaping, "seen elsewhere")
    d.need(loop is None or not loop.orelse, "an else")
    return name


def begins_empty(d: Draft, name: str, loop: Loop, kind: type[ast.List] | type[ast.Dict] = ast.List) -> None:
    """Raises: Refused where the variable is not set to an empty list or dict before the loop."""
    first = d.scope.initial(name, loop)
    value = first.value if first is not None else None
    empty = isinstance(value, kind) and not (value.elts if isinstance(value, ast.List) else value.keys)
    d.need(empty, "it does not begin empty")
