"""What kind of value each expression of a function has, as far as literals, annotations, guards, constructors
and builtin operations tell.

It does not follow the flow: a variable has the join of all that is bound to it."""

import ast
from collections.abc import Callable

from bloomery.optimize.proposers.rewrites.aliases import escaping
from bloomery.optimize.proposers.rewrites.bindings import Function, additions, bindings, guards, parameters
from bloomery.optimize.proposers.rewrites.kinds import (
    BOOL,
    INT,
    NOTHING,
    STR,
    UNKNOWN,
    Kind,
    join,
    known,
    listing,
    member,
    sealed,
    unsure,
)
from bloomery.optimize.proposers.rewrites.results import FIXED, IN_LIBRARY, NUMBERS, TEXTS, arithmetic

ROUNDS = 12


class Kinds:
    """Kinds of the expressions of one function; `real` says whether a name means the builtin there."""

    def __init__(self, function: Function, real: Callable[[str], bool]) -> None:
        self.real = real
        self.bindings = list(bindings(function))
        self.added = list(additions(function))
        self.escaping = escaping(function, real)
        self.given = dict(parameters(function)) | dict(guards(function, real))
        self.env: dict[str, Kind] = dict.fromkeys(
            (*self.given, *(name for name, _ in self.bindings)), NOTHING
        )
        lost = {
            name
            for node in ast.walk(function)
            if isinstance(node, ast.Global | ast.Nonlocal)
            for name in node.names
        }
        for _ in range(ROUNDS):
            found = self._round(lost)
            if found == self.env:
                return
            self.env = found
        self.env = dict.fromkeys(self.env, UNKNOWN)

    def _round(self, lost: set[str]) -> dict[str, Kind]:
        found = {name: self.given.get(name, NOTHING) for name in {*self.env, *self.given}}
        for name, bound in self.bindings:
            found[name] = join(found[name], bound(self))
        for name, key, value in self.added:
            if known(self.given.get(name, UNKNOWN)):
                continue
            kind = found.get(name, UNKNOWN)
            more = (key(self), sealed(value(self))) if kind.name == "dict" else (sealed(value(self)),)
            if kind.name in {"list", "set", "deque", "dict"}:
                found[name] = Kind(kind.name, tuple(join(a, b) for a, b in zip(kind.of, more, strict=True)))
        for name in self.escaping - self.given.keys():
            found[name] = unsure(found.get(name, UNKNOWN))
        for name in lost:
            found[name] = UNKNOWN
        return found

    def __call__(self, node: ast.AST | None) -> Kind:
        reader = getattr(self, f"_{type(node).__name__.lower()}", None)
        return reader(node) if reader else UNKNOWN

    def _constant(self, node: ast.Constant) -> Kind:
        return Kind(type(node.value).__name__)

    def _name(self, node: ast.Name) -> Kind:
        return self.env.get(node.id, UNKNOWN)

    def _joinedstr(self, _node: ast.JoinedStr) -> Kind:
        return STR

    def _namedexpr(self, node: ast.NamedExpr) -> Kind:
        return self(node.value)

    def _many(self, nodes: list[ast.expr]) -> Kind:
        made = NOTHING
        for node in nodes:
            starred = isinstance(node, ast.Starred)
            made = join(made, member(self(node.value)) if starred else sealed(self(node)))  # type: ignore[attr-defined]
        return made

    def _list(self, node: ast.List) -> Kind:
        return listing(self._many(node.elts))

    def _set(self, node: ast.Set) -> Kind:
        return Kind("set", (self._many(node.elts),))

    def _tuple(self, node: ast.Tuple) -> Kind:
        if any(isinstance(part, ast.Starred) for part in node.elts):
            return Kind("tuple", (self._many(node.elts),), many=True)
        return Kind("tuple", tuple(map(self, node.elts)))

    def _dict(self, node: ast.Dict) -> Kind:
        if any(key is None for key in node.keys):
            return Kind("dict", (UNKNOWN, UNKNOWN))
        return Kind("dict", (self._many([key for key in node.keys if key]), self._many(node.values)))

    def _listcomp(self, node: ast.ListComp) -> Kind:
        return listing(sealed(self(node.elt)))

    def _setcomp(self, node: ast.SetComp) -> Kind:
        return Kind("set", (self(node.elt),))

    def _generatorexp(self, node: ast.GeneratorExp) -> Kind:
        return Kind("iterator", (self(node.elt),))

    def _dictcomp(self, node: ast.DictComp) -> Kind:
        return Kind("dict", (self(node.key), self(node.value)))

    def _ifexp(self, node: ast.IfExp) -> Kind:
        return join(self(node.body), self(node.orelse))

    def _boolop(self, node: ast.BoolOp) -> Kind:
        return self._many(node.values)

    def _unaryop(self, node: ast.UnaryOp) -> Kind:
        if isinstance(node.op, ast.Not):
            return BOOL
        kind = self(node.operand)
        return INT if kind == BOOL else kind if kind.name in {"int", "float", "nothing"} else UNKNOWN

    def _compare(self, node: ast.Compare) -> Kind:
        sure = all(isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops)
        builtin = all(self(part) != UNKNOWN for part in (node.left, *node.comparators))
        return BOOL if sure or builtin else UNKNOWN

    def _binop(self, node: ast.BinOp) -> Kind:
        left, right, op = self(node.left), self(node.right), node.op
        if NOTHING in (left, right):
            return NOTHING
        if left.name in NUMBERS and right.name in NUMBERS:
            return arithmetic(left, right, node)
        if left.name == "str" and isinstance(op, ast.Mod):
            return STR
        if isinstance(op, ast.Add) and left.name == right.name and left.name in {"str", "list", "bytes"}:
            return join(left, right)
        if isinstance(op, ast.Mult) and {left.name, right.name} & {"int", "bool"}:
            other = right if left.name in NUMBERS else left
            return other if other.name in {"str", "list", "bytes"} else UNKNOWN
        return left if left == right and left.name == "set" else UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Kind:
        kind = self(node.value)
        if isinstance(node.slice, ast.Slice):
            return kind if kind.name in {"list", "str", "bytes", "range", "nothing"} or kind.many else UNKNOWN
        if kind.name in {"dict", "Counter"} and len(kind.of) == 2:
            return kind.of[1]
        fixed = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if kind.name == "tuple" and not kind.many and isinstance(fixed, int) and fixed < len(kind.of):
            return kind.of[fixed]
        return (
            member(kind)
            if kind.name in {"list", "tuple", "str", "bytes", "deque", "range", "nothing"}
            else UNKNOWN
        )

    def _call(self, node: ast.Call) -> Kind:
        if isinstance(node.func, ast.Name):
            return self._builtin(node.func.id, node)
        return self._method(node) if isinstance(node.func, ast.Attribute) else UNKNOWN

    def _builtin(self, name: str, node: ast.Call) -> Kind:
        first = self(node.args[0]) if node.args else NOTHING
        if not self.real(name):
            return IN_LIBRARY.get(name, UNKNOWN)
        if name in FIXED:
            return FIXED[name]
        if name in {"list", "sorted", "set", "frozenset", "tuple", "reversed", "iter"}:
            made = {"sorted": "list", "reversed": "iterator", "iter": "iterator"}.get(name, name)
            return Kind(made, (member(first),), many=made == "tuple")
        if name == "dict":
            return (
                first
                if first.name == "dict"
                else Kind("dict", (UNKNOWN,) * 2 if node.args else (NOTHING,) * 2)
            )
        if name == "enumerate":
            return Kind("iterator", (Kind("tuple", (INT, member(first))),))
        if name == "zip" and not any(isinstance(arg, ast.Starred) for arg in node.args):
            return Kind("iterator", (Kind("tuple", tuple(member(self(arg)) for arg in node.args)),))
        return self._reduction(name, node, first)

    def _reduction(self, name: str, node: ast.Call, first: Kind) -> Kind:
        if NOTHING in map(self, node.args):
            return NOTHING
        if name == "sum" and len(node.args) == 1:
            inner = member(first)
            return INT if inner.name in {"int", "bool"} else NOTHING if inner == NOTHING else UNKNOWN
        if name in {"min", "max"} and node.args:
            return member(first) if len(node.args) == 1 else self._many(node.args)
        if name == "abs":
            return INT if first == BOOL else first if first.name in NUMBERS else UNKNOWN
        if name == "divmod" and all(self(arg).name in {"int", "bool"} for arg in node.args):
            return Kind("tuple", (INT, INT))
        if name == "round" and len(node.args) == 1 and first.name in NUMBERS:
            return INT
        return UNKNOWN

    def _method(self, node: ast.Call) -> Kind:
        assert isinstance(node.func, ast.Attribute)
        kind, name = self(node.func.value), node.func.attr
        if kind == NOTHING:
            return NOTHING
        if kind == STR:
            return TEXTS.get(name, UNKNOWN)
        if kind.name == "dict":
            pair = Kind("tuple", kind.of)
            views = {"items": pair, "keys": kind.of[0], "values": kind.of[1]}
            if name in views:
                return Kind("iterator", (views[name],))
            if name == "get" and len(node.args) == 2:
                return join(kind.of[1], self(node.args[1]))
            return kind.of[1] if name == "pop" and len(node.args) == 1 else UNKNOWN
        if kind.name in {"list", "deque", "set"}:
            if name in {"pop", "popleft"}:
                return member(kind)
            if name in {"count", "index"}:
                return INT
            return kind if name == "copy" else UNKNOWN
        return IN_LIBRARY.get(name, UNKNOWN) if isinstance(node.func.value, ast.Name) else UNKNOWN
