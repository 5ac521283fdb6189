"""What a function has at hand to be repaired with: names, attributes, expressions, and their types."""

import ast
import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bloomery.optimize.proposers.repair.building import attribute, load
from bloomery.optimize.proposers.repair.edits import weight
from bloomery.optimize.proposers.repair.sites import Unit
from bloomery.source.python import FUNCTION, functions

Kinds = frozenset[str]
UNKNOWN: Kinds = frozenset()
NUMBERS: Kinds = frozenset({"int", "float", "bool"})
SIZED: Kinds = frozenset({"list", "tuple", "str", "dict", "set", "frozenset", "deque", "bytes"})
SEQUENCES: Kinds = frozenset({"list", "tuple", "str", "bytes"})
MOST_INGREDIENTS = 40
RETURNS = {
    **dict.fromkeys(("len", "int", "ord", "round", "sum", "abs", "index", "count", "find"), "int"),
    **dict.fromkeys(("str", "join", "chr", "upper", "lower", "strip", "format", "replace", "repr"), "str"),
    **dict.fromkeys(("sorted", "list", "split"), "list"),
    **dict.fromkeys(
        ("any", "all", "isinstance", "startswith", "endswith", "isdigit", "isalpha", "bool"), "bool"
    ),
    **{"set": "set", "dict": "dict", "tuple": "tuple", "float": "float"},
}


@dataclass(frozen=True)
class Scope:
    """One unit's surroundings. `types` holds what was seen while tests ran, by variable."""

    unit: Unit
    tree: ast.Module
    types: Mapping[str, Kinds]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.unit.node))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Parameters and what the function assigns, in the order of the text."""
        found: dict[str, int] = {}
        for node in self.nodes:
            if isinstance(node, ast.arg):
                found.setdefault(node.arg, 0)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[node.id] = min(found.get(node.id, node.lineno), node.lineno)
        found.pop("_", None)
        if self.unit.classes:
            found.pop("self", None)
        return tuple(sorted(found, key=lambda name: (found[name], name)))

    @cached_property
    def first_stored(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for node in self.nodes:
            if isinstance(node, ast.arg):
                found[node.arg] = 0
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[node.id] = min(found.get(node.id, node.lineno), node.lineno)
        return found

    @cached_property
    def stored(self) -> tuple[str, ...]:
        names = [
            node.id for node in self.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        return tuple(dict.fromkeys(name for name in names if name != "_"))

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """Names that the module assigns at its top."""
        targets = [t for s in self.tree.body if isinstance(s, ast.Assign) for t in s.targets]
        return tuple(dict.fromkeys(t.id for t in targets if isinstance(t, ast.Name)))

    @cached_property
    def callables(self) -> Mapping[str, int]:
        """The module's own functions with how many arguments they need."""
        found = {}
        for node in self.tree.body:
            if isinstance(node, FUNCTION):
                found[node.name] = len(node.args.args) - len(node.args.defaults)
        return found

    @cached_property
    def methods(self) -> Mapping[str, int]:
        """Methods of the unit's own class, without `self`."""
        prefix = ".".join(self.unit.classes) + "."
        return {
            name.removeprefix(prefix): len(node.args.args) - 1 - len(node.args.defaults)
            for name, node in functions(self.tree).items()
            if self.unit.classes and name.startswith(prefix) and "." not in name.removeprefix(prefix)
        }

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Attributes that the file reads or writes without calling them."""
        called = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        seen = Counter(
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and id(node) not in called
        )
        return tuple(sorted(seen, key=lambda name: (-seen[name], name)))

    @cached_property
    def own_attributes(self) -> tuple[str, ...]:
        """`self.NAME` of the unit's class, calls left out."""
        if not self.unit.classes:
            return ()
        called = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        seen = [
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
            and id(node) not in called
        ]
        known = [
            name for name in dict.fromkeys(seen) if f"self.{name}" in self.types or name not in self.methods
        ]
        return tuple(known)

    @cached_property
    def called_methods(self) -> tuple[str, ...]:
        calls = (node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return tuple(dict.fromkeys(func.attr for func in calls if isinstance(func, ast.Attribute)))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        found = (node.value for node in ast.walk(self.tree) if isinstance(node, ast.Constant))
        return tuple(dict.fromkeys(value for value in found if isinstance(value, str) and len(value) < 40))

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        found = (node.value for node in self.nodes if isinstance(node, ast.Constant))
        return tuple(dict.fromkeys(value for value in found if type(value) is int))

    @cached_property
    def atoms(self) -> tuple[ast.expr, ...]:
        """Single things: variables, own attributes, constants of the module."""
        names: list[ast.expr] = [load(name) for name in self.variables]
        names += [attribute("self", name) for name in self.own_attributes]
        used = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        return (*names, *[load(name) for name in self.constants if name in used][:8])

    @cached_property
    def ingredients(self) -> tuple[ast.expr, ...]:
        """Expressions of the function, of more than one name, that can be used again; small ones first."""
        found: dict[str, ast.expr] = {}
        for node in self.nodes:
            usable = isinstance(
                node, ast.Subscript | ast.Attribute | ast.Call | ast.BinOp | ast.Compare | ast.UnaryOp
            )
            if (
                usable
                and isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
                and weight([node]) <= 9
            ):
                found.setdefault(ast.dump(node), node)  # type: ignore[arg-type]
        kept = sorted(found.values(), key=lambda node: weight([node]))[:MOST_INGREDIENTS]
        return tuple(map(copy.deepcopy, kept))  # or one could come to stand within itself

    @cached_property
    def conditions(self) -> tuple[ast.expr, ...]:
        found: dict[str, ast.expr] = {}
        for node in self.nodes:
            if isinstance(node, ast.Compare) or (
                isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
            ):
                found.setdefault(ast.dump(node), copy.deepcopy(node))
        return tuple(found.values())

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """Statements that can be put elsewhere: simple ones, and short ones with a block."""
        found: dict[str, ast.stmt] = {}
        for node in self.nodes:
            short = isinstance(node, ast.If | ast.For) and weight([node]) <= 25
            if short or isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
                found.setdefault(ast.dump(node), copy.deepcopy(node))  # type: ignore[arg-type]
        return tuple(found.values())

    def kinds(self, node: ast.AST) -> Kinds:
        """The types that an expression can have, as far as they are known; empty: unknown."""
        if isinstance(node, ast.Constant):
            return frozenset({type(node.value).__name__})
        if isinstance(node, ast.Name):
            return self.types.get(node.id, UNKNOWN)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self.types.get(f"{node.value.id}.{node.attr}", UNKNOWN)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self.kinds(node.value)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            seen = self.types.get(node.value.id, UNKNOWN)
            return frozenset({"str"}) if seen == {"str"} else self.types.get(f"{node.value.id}[]", UNKNOWN)
        if isinstance(node, ast.Compare):
            return frozenset({"bool"})
        if isinstance(node, ast.UnaryOp):
            return frozenset({"bool"}) if isinstance(node.op, ast.Not) else self.kinds(node.operand)
        if isinstance(node, ast.BinOp):
            return self.kinds(node.left) or self.kinds(node.right)
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in ("max", "min", "pop") and node.args:
                return self.kinds(node.args[0]) & NUMBERS
            return frozenset({RETURNS[name]}) if name in RETURNS else UNKNOWN
        displays: dict[type[ast.AST], str] = {
            ast.List: "list",
            ast.ListComp: "list",
            ast.Tuple: "tuple",
            ast.Dict: "dict",
            ast.Set: "set",
        }
        return frozenset({displays[type(node)]}) if type(node) in displays else UNKNOWN

    def is_number(self, node: ast.AST) -> bool:
        kinds = self.kinds(node)
        return not kinds or bool(kinds & NUMBERS)

    def is_sequence(self, node: ast.AST) -> bool:
        kinds = self.kinds(node)
        return not kinds or bool(kinds & SEQUENCES)

    def likeness(self, one: ast.AST, other: ast.AST) -> float:
        """How well the one fits in the place of the other, by type: 1 alike, 0.1 not."""
        first, second = self.kinds(one), self.kinds(other)
        if not first or not second:
            return 0.5
        if first & second or (first & NUMBERS and second & NUMBERS):
            return 1.0
        return 0.1

    def known_at(self, name: str, line: int, *, in_loop: bool) -> float:
        """Less for a variable that is assigned only further down."""
        first = self.first_stored.get(name, 0)
        return 1.0 if first < line or name not in self.first_stored else (0.6 if in_loop else 0.1)
