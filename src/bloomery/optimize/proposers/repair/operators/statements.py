"""Whole statements: taken out, put in, moved, joined to another `if`; what is done with a value."""

import ast
from collections.abc import Iterator
from typing import Any

from bloomery.optimize.proposers.repair.building import constant, load
from bloomery.optimize.proposers.repair.edits import Change, weight
from bloomery.optimize.proposers.repair.operators.guarding import guards
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import Scope
from bloomery.optimize.proposers.repair.sites import Site

SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Break, ast.Continue)
BLOCKS = (ast.For, ast.While, ast.If, ast.With)


def _siblings(site: Site) -> list[ast.stmt]:
    return (
        getattr(site.parent, site.field) if site.index is not None and isinstance(site.node, ast.stmt) else []
    )


def removed(site: Site, scope: Scope) -> Iterator[Made]:
    if _siblings(site) and not isinstance(site.node, ast.Pass):
        size = min(6, 1 + weight([site.node]) / 2)
        yield site.replaced(ast.Pass()), 0.5, size
        if isinstance(site.node, ast.If) and site.index is not None and not site.node.orelse:
            yield Change(site.parent, site.field, tuple(site.node.body), site.index, site.index + 1), 0.5, 2


def reordered(site: Site, scope: Scope) -> Iterator[Made]:
    """Two statements one after the other change places; one moves to either end of its block."""
    around = _siblings(site)
    if site.index is None or not around:
        return
    index = site.index
    if index + 1 < len(around):
        yield Change(site.parent, site.field, (around[index + 1], around[index]), index, index + 2), 0.5, 2
    if index + 2 < len(around):
        moved = (*around[index + 1 :], around[index])
        yield Change(site.parent, site.field, moved, index, len(around)), 0.25, 2
    if index >= 2:
        moved = (around[index], *around[:index])
        yield Change(site.parent, site.field, moved, 0, index + 1), 0.2, 2


def outdented(site: Site, scope: Scope) -> Iterator[Made]:
    """The last statement of a block moves behind it; a statement behind a block moves into it."""
    around = _siblings(site)
    if site.index is None or not around:
        return
    node: Any = site.node
    if isinstance(node, BLOCKS) and len(node.body) > 1:
        for field in ("body", "orelse"):
            body = getattr(node, field, [])
            if len(body) > 1:
                shorter = _copy(node, **{field: body[:-1]})
                yield Change(site.parent, site.field, (shorter, body[-1]), site.index, site.index + 1), 0.5, 2
    if (
        isinstance(node, BLOCKS)
        and site.index + 1 < len(around)
        and isinstance(around[site.index + 1], SIMPLE)
    ):
        follower = around[site.index + 1]
        for field in ("body", "orelse"):
            longer = _copy(node, **{field: [*getattr(node, field, []), follower]})
            if not isinstance(node, ast.With) or field == "body":
                yield Change(site.parent, site.field, (longer,), site.index, site.index + 2), 0.45, 2
        last = node.body[-1]
        if isinstance(last, BLOCKS):
            deeper = _copy(last, body=[*last.body, follower])
            longer = _copy(node, body=[*node.body[:-1], deeper])
            yield Change(site.parent, site.field, (longer,), site.index, site.index + 2), 0.3, 2


def _copy(node: ast.AST, **changed: object) -> ast.stmt:
    fields: Any = dict(ast.iter_fields(node)) | changed
    made: Any = ast.copy_location(type(node)(**fields), node)
    return made


def if_elif(site: Site, scope: Scope) -> Iterator[Made]:
    """`elif` becomes `if`, `if` after an `if` becomes `elif`; `if` and `while`."""
    node: Any = site.node
    around = _siblings(site)
    if isinstance(node, ast.While) and not node.orelse:
        yield site.replaced(ast.If(node.test, node.body, [])), 0.4, 1
    if not isinstance(node, ast.If):
        return
    if not node.orelse and not any(isinstance(one, ast.Break | ast.Continue) for one in node.body):
        yield site.replaced(ast.While(node.test, node.body, [])), 0.4, 1
    if site.index is None:
        return
    if node.orelse:
        alone = ast.If(node.test, node.body, [])
        yield Change(site.parent, site.field, (alone, *node.orelse), site.index, site.index + 1), 0.6, 1
        yield site.replaced(ast.If(node.test, node.orelse, node.body)), 0.5, 1
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            swapped = node.orelse[0]
            inner = ast.If(node.test, node.body, swapped.orelse)
            yield site.replaced(ast.If(swapped.test, swapped.body, [inner])), 0.5, 2
    if site.index + 1 < len(around):
        follower = around[site.index + 1]
        if isinstance(follower, ast.If):
            chained = _at_the_end(node, [follower])
            yield Change(site.parent, site.field, (chained,), site.index, site.index + 2), 0.7, 1
        chained = _at_the_end(node, [follower])
        yield Change(site.parent, site.field, (chained,), site.index, site.index + 2), 0.4, 1


def _at_the_end(node: ast.If, new: list[ast.stmt]) -> ast.If:
    """The chain of conditions with another branch; where it has an else, the new one comes in it."""
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return ast.If(node.test, node.body, [_at_the_end(node.orelse[0], new)])
    return ast.If(node.test, node.body, [*node.orelse, *new])


def used(site: Site, scope: Scope) -> Iterator[Made]:
    """A call's result is kept or returned; an assignment is returned, a return only computed."""
    node: Any = site.node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield site.replaced(ast.Return(node.value)), 0.6, 1
        for name in scope.variables:
            target = ast.Name(name, ast.Store())
            held = any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node.value))
            yield site.replaced(ast.Assign([target], node.value)), 0.6 if held else 0.4, 1
            yield site.replaced(ast.AugAssign(target, ast.Add(), node.value)), 0.3, 1
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        yield site.replaced(ast.Return(node.value)), 0.2, 1
        if isinstance(node.targets[0], ast.Name):
            for method in ("append", "add", "extend"):
                call = ast.Call(ast.Attribute(load(node.targets[0].id), method, ast.Load()), [node.value], [])
                yield site.replaced(ast.Expr(call)), 0.3, 2
    elif isinstance(node, ast.Return) and node.value is not None:
        yield site.replaced(ast.Expr(ast.Yield(node.value))), 0.1, 1
        for name in scope.stored:
            yield site.replaced(ast.Assign([ast.Name(name, ast.Store())], node.value)), 0.15, 1
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and node.value.value:
        yield site.replaced(ast.Expr(ast.YieldFrom(node.value.value))), 0.5, 1


def inserted(site: Site, scope: Scope) -> Iterator[Made]:
    """A statement before this one, or at the end of its block, or in an `else` that is not there yet."""
    around = _siblings(site)
    if site.index is None or not around:
        return
    for new, prior in new_statements(scope, site):
        size = 1 + min(4.0, weight([new]) / 3)
        yield Change(site.parent, site.field, (new,), site.index, site.index), prior, size
        if site.index == len(around) - 1 and not isinstance(site.node, ast.Return | ast.Break | ast.Continue):
            yield Change(site.parent, site.field, (new,), site.index + 1, site.index + 1), prior, size
        if isinstance(site.node, ast.If) and not site.node.orelse:
            yield site.replaced(ast.If(site.node.test, site.node.body, [new])), prior, size


def new_statements(scope: Scope, site: Site) -> Iterator[tuple[ast.stmt, float]]:
    """The statements that a function may lack: those that it has elsewhere, assignments, appends, exits."""
    for node in scope.statements:
        if not node.lineno <= site.line <= (node.end_lineno or node.lineno):
            yield node, 0.5
    if site.in_loop:
        yield ast.Continue(), 0.5
        yield ast.Break(), 0.5
    atoms = [
        *scope.atoms,
        constant(0),
        constant(None),
        ast.List([], ast.Load()),
        constant(""),
        constant(True),
    ]
    targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in scope.stored]
    targets += [ast.Attribute(load("self"), name, ast.Store()) for name in scope.own_attributes]
    target: Any
    for target in targets:
        read = (
            load(target.id)
            if isinstance(target, ast.Name)
            else ast.Attribute(load("self"), target.attr, ast.Load())
        )
        kinds = scope.kinds(read)
        for atom in atoms:
            if ast.unparse(atom) != ast.unparse(target):
                yield ast.Assign([target], atom), 0.4 * scope.likeness(atom, read)
        if not kinds or "int" in kinds:
            for op in (ast.Add(), ast.Sub()):
                yield ast.AugAssign(target, op, constant(1)), 0.4
                for atom in scope.atoms:
                    if "int" in scope.kinds(atom):
                        yield ast.AugAssign(target, op, atom), 0.15
    for atom in scope.atoms:
        for kind, method in (("list", "append"), ("set", "add"), ("deque", "append"), ("list", "extend")):
            if kind in scope.kinds(atom):
                for other in scope.atoms:
                    if other is not atom:
                        called = ast.Attribute(atom, method, ast.Load())
                        yield ast.Expr(ast.Call(called, [other], [])), 0.3
        yield ast.Return(atom), 0.25
    for value in (True, False, None, 0):
        yield ast.Return(constant(value)), 0.3


def exits(site: Site, scope: Scope) -> Iterator[Made]:
    """`if g: return v`, `if g: continue`, `if g: break` before a statement; a statement under a guard."""
    around = _siblings(site)
    if site.index is None or not around:
        return
    leaves: list[ast.stmt] = [ast.Continue(), ast.Break()] if site.in_loop else []
    returned = {ast.dump(node): node for node in scope.nodes if isinstance(node, ast.Return)}
    values = (
        [constant(value) for value in (None, True, False, 0)]
        + [ast.List([], ast.Load())]
        + list(scope.atoms)[:6]
    )
    leaves += [*returned.values(), *(ast.Return(value) for value in values)]
    for guard, likely in guards(scope, site):
        if likely < 0.3:
            continue
        for leave in leaves:
            known = 1.0 if leave in returned.values() or isinstance(leave, ast.Break | ast.Continue) else 0.5
            new = ast.If(guard, [leave], [])
            yield Change(site.parent, site.field, (new,), site.index, site.index), 0.3 * known * likely, 4
        if isinstance(site.node, SIMPLE):
            yield site.replaced(ast.If(guard, [site.node], [])), 0.4 * likely, 3
