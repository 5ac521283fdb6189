"""Whether a value stays what it is while a loop runs, and where a value that stays can be computed once."""

import ast

from bloomery.optimize.proposers.rewrites import aliases
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import immutable
from bloomery.optimize.proposers.rewrites.scope import COMPREHENSIONS


def stays(draft: Draft, name: str, *region: ast.AST) -> None:
    """`name` is neither bound again nor changed in the region: refused, or doubted where others may."""
    scope = draft.scope
    draft.need(not aliases.binds(region, name), f"{name} is bound again")
    draft.need(scope.is_local(name) or not aliases.suspends(region), f"{name} may change meanwhile")
    kind = scope.kind(ast.Name(name, ast.Load()))
    held = [holder for holder, _ in aliases.mutations(region)]
    draft.need(name not in held, f"{name} is changed")
    if immutable(kind) or scope.is_own(name):
        return
    draft.need(not aliases.suspends(region), f"{name} may change meanwhile")
    for holder in held:
        safe = holder is not None and (
            scope.is_own(holder) or immutable(scope.kind(ast.Name(holder, ast.Load())))
        )
        draft.trust(safe, f"nothing changes {name} under another name")
    calls = list(aliases.unknown_calls(region, scope.is_real))
    draft.trust(not calls, f"what is called does not change {name}")


def all_stay(draft: Draft, node: ast.AST, *region: ast.AST) -> None:
    """Every name that the expression reads, but for builtins and names bound inside it."""
    inside = {use.id for use in aliases.names([node]) if not isinstance(use.ctx, ast.Load)}
    for name in sorted({use.id for use in aliases.names([node])} - inside):
        if not draft.scope.is_real(name):
            stays(draft, name, *region)


def before_loops(draft: Draft, node: ast.AST, name: str) -> ast.stmt:
    """The outermost loop around the node through which `name` stays, as a statement to stand before."""
    outermost: ast.AST | None = None
    for loop in draft.scope.loops(node):
        if aliases.binds([loop], name) or name in [held for held, _ in aliases.mutations([loop])]:
            break
        outermost = loop
    draft.need(outermost is not None, "it stands in no loop, or changes in it")
    assert outermost is not None
    stays(draft, name, outermost)
    draft.need(not _in_lambda(draft, node, outermost), "a lambda stands between")
    statement = draft.scope.statement(outermost)
    draft.need(isinstance(outermost, ast.stmt) or not aliases.suspends([statement]), "it awaits or yields")
    draft.need(isinstance(outermost, ast.stmt) or not _lazily(outermost, draft), "a generator runs later")
    is_set(draft, name, statement)
    return statement


def is_set(draft: Draft, name: str, statement: ast.stmt) -> None:
    """The name has a value before the statement on every path."""
    scope = draft.scope
    if scope.is_given(name):
        return
    draft.need(scope.is_local(name), f"{name} is not this function's own")
    below: ast.AST = statement
    for outer in (*scope.up(statement),):
        if isinstance(outer, ast.For) and below in outer.body and aliases.binds([outer.target], name):
            return
        for field in ("body", "orelse", "finalbody"):
            block = getattr(outer, field, None)
            if isinstance(block, list) and below in block:
                for before in block[: block.index(below)]:
                    if before in scope.assignments(name):
                        return
        below = outer
    draft.trust(False, f"{name} is set before line {statement.lineno}")


def begins_as(draft: Draft, name: str, kind: str) -> None:
    """Something of that kind is assigned to the name, or it is annotated so: no guess from how it is used."""
    begun = [draft.kind(one.value) for one in draft.scope.assignments(name) if one.value is not None]
    begun.append(draft.kind(ast.Name(name, ast.Load())))
    draft.need(any(one.name == kind for one in begun), f"{name} does not begin as {kind}")
    draft.need(kind == "bool" or all(one.name != "bool" for one in begun), f"{name} may stay a truth value")


def growing_loop(draft: Draft, node: ast.AST, name: str) -> ast.For | ast.While:
    """The outermost loop around the node before which `name` gets its beginning."""
    for loop in reversed(draft.scope.loops(node)):
        if isinstance(loop, ast.For | ast.While) and draft.scope.initial(name, loop):
            return loop
    draft.need(False, f"{name} does not begin before a loop")
    raise AssertionError


def left_by(draft: Draft, loop: ast.stmt, name: str) -> None:
    """The loop's own variable is not read after it."""
    draft.need(
        not draft.scope.elsewhere(name, loop) or not _read_after(draft, loop, name),
        f"{name} is read after the loop",
    )


def targets_stay_inside(draft: Draft, loop: ast.For) -> None:
    for use in aliases.names([loop.target]):
        left_by(draft, loop, use.id)


def _read_after(draft: Draft, loop: ast.stmt, name: str) -> bool:
    """Whether a reading outside may see what the loop left: one of another loop's own target does not."""
    scope = draft.scope
    inside = {id(use) for use in aliases.names([loop], name)}
    for use in scope.uses(name):
        if id(use) in inside or not isinstance(use.ctx, ast.Load):
            continue
        holders = [outer for outer in scope.up(use) if isinstance(outer, (ast.For, COMPREHENSIONS))]
        if not any(_rebinds(holder, use, name) for holder in holders if holder is not loop):
            return True
    return False


def _rebinds(holder: ast.AST, use: ast.Name, name: str) -> bool:
    if isinstance(holder, ast.For):
        inside = any(inner is use for statement in holder.body for inner in ast.walk(statement))
        return inside and aliases.binds([holder.target], name)
    return any(aliases.binds([generator.target], name) for generator in getattr(holder, "generators", []))


def _in_lambda(draft: Draft, node: ast.AST, loop: ast.AST) -> bool:
    for outer in draft.scope.up(node):
        if outer is loop:
            return False
        if isinstance(outer, ast.Lambda):
            return True
    return False


def _lazily(comprehension: ast.AST, draft: Draft) -> bool:
    """Whether it is a generator that may run after its statement: no builtin drains it at once."""
    if not isinstance(comprehension, ast.GeneratorExp):
        return False
    call = draft.program.parents[comprehension]
    drained = {"sum", "any", "all", "list", "set", "tuple", "sorted", "min", "max", "dict", "frozenset"}
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        return not (call.func.id in drained and draft.scope.is_real(call.func.id))
    return not (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "join"
    )
