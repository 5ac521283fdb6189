"""One function of a program, as a rewrite sees it: its names, kinds and effects."""

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from bloomery.optimize.proposers.rewrites import aliases
from bloomery.optimize.proposers.rewrites.bindings import Function
from bloomery.optimize.proposers.rewrites.inferring import Kinds
from bloomery.optimize.proposers.rewrites.kinds import Kind, known
from bloomery.optimize.proposers.rewrites.program import Program

ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
LOOPS = (ast.For, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    def __init__(self, program: Program, name: str, function: Function) -> None:
        self.program, self.name, self.function = program, name, function
        self.kind = Kinds(function, self.is_real)

    def is_real(self, name: str) -> bool:
        return name in self.program.real

    @cached_property
    def inner(self) -> set[ast.AST]:
        """Nodes that belong to nested functions and classes: another scope's business."""
        nested = (*aliases.FUNCTIONS, ast.ClassDef)
        return {
            inner
            for node in ast.walk(self.function)
            if isinstance(node, nested) and node is not self.function and not isinstance(node, ast.Lambda)
            for inner in ast.walk(node)
            if inner is not node
        }

    def nodes(self) -> Iterator[ast.AST]:
        for statement in self.function.body:
            for node in ast.walk(statement):
                if node not in self.inner:
                    yield node

    def blocks(self) -> Iterator[list[ast.stmt]]:
        for node in (self.function, *self.nodes()):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if (
                    isinstance(block, list)
                    and block
                    and isinstance(block[0], ast.stmt)
                    and node not in self.inner
                ):
                    yield block

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        """What holds the node, from the inside out, up to the function."""
        while node is not self.function and node in self.program.parents:
            node = self.program.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        return next(outer for outer in (node, *self.up(node)) if isinstance(outer, ast.stmt))

    def block_of(self, statement: ast.stmt) -> list[ast.stmt]:
        return next(block for block in self.blocks() if any(inner is statement for inner in block))

    def loops(self, node: ast.AST) -> list[ast.AST]:
        """Loops and comprehensions that evaluate the node again each time, from the inside out."""
        found, below = [], node
        for outer in self.up(node):
            again = isinstance(outer, LOOPS) and not (
                isinstance(outer, ast.For) and below in (outer.iter, outer.target)
            )
            if isinstance(outer, COMPREHENSIONS):
                again = below is not outer.generators[0] or not _within(outer.generators[0].iter, node)
            if again and not (isinstance(outer, LOOPS) and below in outer.orelse):
                found.append(outer)
            below = outer
        return found

    @cached_property
    def escaping(self) -> set[str]:
        return aliases.escaping(self.function, self.is_real)

    def is_local(self, name: str) -> bool:
        """Whether this function alone binds and sees the name."""
        if any(
            isinstance(node, ast.Global | ast.Nonlocal) and name in node.names
            for node in ast.walk(self.function)
        ):
            return False
        return self.is_given(name) or any(
            not isinstance(use.ctx, ast.Load) for use in aliases.names([self.function], name)
        )

    def is_given(self, name: str) -> bool:
        return any(isinstance(node, ast.arg) and node.arg == name for node in ast.walk(self.function.args))

    def is_own(self, name: str) -> bool:
        """Whether the name's value is made here and nobody else holds it before it is returned."""
        if self.is_given(name) or not self.is_local(name) or name in self.escaping:
            return False
        assigned = self.assignments(name)
        values = [node.value for node in assigned]
        if any(isinstance(node, ast.Assign) and len(node.targets) > 1 for node in assigned):
            return False
        stores = [use for use in self.uses(name) if not isinstance(use.ctx, ast.Load)]
        if not all(isinstance(self.program.parents[use], ASSIGNMENTS) for use in stores):
            return False
        if any(getattr(node, "name", None) == name for node in ast.walk(self.function)):
            return False
        return bool(values) and all(value is not None and _is_fresh(value) for value in values)

    def assignments(self, name: str) -> list[ast.Assign | ast.AnnAssign]:
        return [
            node
            for node in ast.walk(self.function)
            if (isinstance(node, ast.Assign) and any(_names(target, name) for target in node.targets))
            or (isinstance(node, ast.AnnAssign) and _names(node.target, name))
        ]

    def uses(self, name: str, nodes: Iterable[ast.AST] | None = None) -> list[ast.Name]:
        return list(aliases.names([self.function] if nodes is None else nodes, name))

    def elsewhere(self, name: str, statement: ast.stmt) -> bool:
        """Whether the name is used outside this statement (a parameter's own `arg` is no use)."""
        return len(self.uses(name)) > len(self.uses(name, [statement]))

    @cached_property
    def lengths(self) -> dict[str, ast.expr]:
        """Names that always mean `len` of a list that keeps its length: `n` of `n = len(xs)`."""
        found: dict[str, ast.expr] = {}
        for statement in self.function.body:
            if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
                continue
            name, value = statement.targets[0].id, statement.value
            call = isinstance(value, ast.Call) and len(value.args) == 1 and ast.unparse(value.func) == "len"
            if call and self.is_real("len") and self._is_bound_once(name) and self._keeps_length(value):
                found[name] = value
        return found

    def _is_bound_once(self, name: str) -> bool:
        stores = [use for use in self.uses(name) if not isinstance(use.ctx, ast.Load)]
        return len(stores) + self.is_given(name) == 1 and self.is_local(name)

    def _keeps_length(self, call: ast.expr) -> bool:
        of = call.args[0] if isinstance(call, ast.Call) else None
        if not isinstance(of, ast.Name) or not self._is_bound_once(of.id) or of.id in self.escaping:
            return False
        changes = [node for _, node in aliases.mutations([self.function], of.id)]
        return all(isinstance(one, ast.Subscript) and not isinstance(one.slice, ast.Slice) for one in changes)

    def initial(self, name: str, statement: ast.stmt) -> ast.Assign | ast.AnnAssign | None:
        """The assignment in the same block that holds when the statement begins: nothing between uses it."""
        block = self.block_of(statement)
        at = next(i for i, one in enumerate(block) if one is statement)
        for before in reversed(block[:at]):
            if isinstance(before, ast.Assign) and len(before.targets) == 1 and _is(before.targets[0], name):
                return before
            if isinstance(before, ast.AnnAssign) and _is(before.target, name) and before.value:
                return before
            if self.uses(name, [before]):
                return None
        return None

    def is_simple(self, node: ast.AST) -> bool:
        """Whether it makes no difference how often or when it is evaluated, but for what it raises."""
        if aliases.suspends([node]) or any(
            isinstance(inner, ast.Lambda | ast.Attribute) for inner in ast.walk(node)
        ):
            return self.is_simple_call(node)
        return not list(aliases.unknown_calls([node], self.is_real)) and self._calls_are_pure(node)

    def is_simple_call(self, node: ast.AST) -> bool:
        if aliases.suspends([node]) or list(aliases.mutations([node])):
            return False
        for inner in ast.walk(node):
            if isinstance(inner, ast.Lambda):
                return False
            if isinstance(inner, ast.Attribute):
                call = self.program.parents.get(inner)
                method = isinstance(call, ast.Call) and call.func is inner and inner.attr in aliases.KEEPING
                if not (method and known(self.kind(inner.value))):
                    return False
        return not list(aliases.unknown_calls([node], self.is_real)) and self._calls_are_pure(node)

    def _calls_are_pure(self, node: ast.AST) -> bool:
        calls = (inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call))
        return all(not isinstance(func, ast.Name) or func.id in aliases.PURE for func in calls)

    def is_builtin(self, node: ast.AST) -> bool:
        """Whether every part of the expression is of a known builtin kind."""
        return all(
            known(self.kind(inner))
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name) and self._is_value(inner)
        )

    def _is_value(self, use: ast.Name) -> bool:
        call = self.program.parents.get(use)
        return not (isinstance(call, ast.Call) and call.func is use) and isinstance(use.ctx, ast.Load)

    def member_kind(self, node: ast.AST) -> Kind:
        from bloomery.optimize.proposers.rewrites.kinds import member

        return member(self.kind(node))


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _names(target: ast.AST, name: str) -> bool:
    return any(
        isinstance(inner, ast.Name) and inner.id == name and not isinstance(inner.ctx, ast.Load)
        for inner in ast.walk(target)
    )


def _within(root: ast.AST, node: ast.AST) -> bool:
    return any(inner is node for inner in ast.walk(root))


def _is_fresh(value: ast.expr) -> bool:
    """Whether the expression makes a new object, or an immutable one."""
    literal = (ast.List, ast.Dict, ast.Set, ast.Constant, ast.JoinedStr, *COMPREHENSIONS)
    if isinstance(value, literal):
        return True
    if isinstance(value, ast.BinOp):
        return True
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in {
            "list",
            "dict",
            "set",
            "sorted",
            "range",
            "tuple",
            "str",
            "int",
            "deque",
            "len",
        }
    return isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice)
