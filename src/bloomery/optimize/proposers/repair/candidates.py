"""Candidates: every operator at every suspicious place, in order, and compiled so that steps are counted."""

import ast
import heapq
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from bloomery.optimize.proposers.repair.counting import counted
from bloomery.optimize.proposers.repair.edits import Change, Edit, applied
from bloomery.optimize.proposers.repair.operators import FOR_DATA, LADDER
from bloomery.optimize.proposers.repair.scope import Kinds, Scope
from bloomery.optimize.proposers.repair.sites import Unit, sites, units
from bloomery.optimize.proposers.repair.working import packed
from bloomery.source.python import FUNCTION

DATA_SHARE = 0.5
LEAVING = (ast.Return, ast.Break, ast.Continue)


@dataclass
class Program:
    """The file under repair: its tree is changed in place for a moment, and always put back."""

    tree: ast.Module
    target: str
    suspicions: Mapping[int, float]
    types: Mapping[str, Mapping[str, Kinds]]
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.units = {unit.name: unit for unit in units(self.tree)}
        for unit in self.units.values():
            self.seen.add(_key(self._compiled(unit, ())))

    def edits(self, cost: int, most: int) -> list[Edit]:
        """The edits of one class of the ladder, the most promising first."""
        found = (edit for unit in self.units.values() for edit in self._edits(unit, cost))
        return heapq.nsmallest(most, found, key=lambda edit: (-edit.score, edit.line))

    def _edits(self, unit: Unit, cost: int) -> Iterator[Edit]:
        ladder = LADDER if unit.is_function else FOR_DATA
        whole = 0.0 if unit.is_function else self._data_suspicion(unit)
        if cost > len(ladder) or (not unit.is_function and not whole):
            return
        scope = Scope(unit, self.tree, self._types(unit))
        for site in sites(unit, self.suspicions, whole):
            if site.suspicion < 1e-6:
                continue
            for operator in ladder[cost - 1]:
                for change, prior, size in operator(site, scope):
                    score = site.suspicion * prior / (1 + 0.2 * size)
                    taken = removes(change)
                    yield Edit(
                        operator.__name__,
                        cost,
                        score,
                        size,
                        (change,),
                        site.line,
                        unit.name,
                        site.default,
                        taken,
                    )

    def _data_suspicion(self, unit: Unit) -> float:
        """What a module-level assignment gets from the suspected lines that read its names."""
        node = unit.node
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[union-attr]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        found = 0.0
        for other in self.units.values():
            for one in ast.walk(other.node) if isinstance(other.node, FUNCTION) else ():
                if isinstance(one, ast.Name) and one.id in names:
                    found = max(found, self.suspicions.get(one.lineno, 0.0))
        return DATA_SHARE * found

    def _types(self, unit: Unit) -> dict[str, Kinds]:
        merged: dict[str, Kinds] = {}
        prefix = f"{'.'.join(unit.classes)}."
        for name, seen in self.types.items():
            inside = name == unit.name or name.startswith(f"{unit.name}.<locals>")
            for variable, kinds in seen.items():
                same_class = unit.classes and name.startswith(prefix) and variable.startswith("self.")
                if inside or same_class:
                    merged[variable] = merged.get(variable, frozenset()) | kinds
        return merged

    def trial(self, edit: Edit, name: int) -> dict[str, Any] | None:
        """What the worker needs to try an edit; None for one that does not compile or was there already."""
        made = self._made(edit)
        if not made:
            return None
        keys = [_key(code, with_defaults=kind != "code") for code, kind in made]
        key = hash(tuple(keys)) if len(keys) > 1 else keys[0]
        if key in self.seen:
            return None
        self.seen.add(key)
        return {"id": name, "codes": [(packed(code), kind) for code, kind in made]}

    def codes(self, edit: Edit) -> list[tuple[str, str]]:
        """The packed code of each unit that an edit changes, whether it was there already or not."""
        return [(packed(code), kind) for code, kind in self._made(edit)]

    def _made(self, edit: Edit) -> list[tuple[CodeType, str]]:
        """The code of each unit with what is exchanged by it; none where one does not compile."""
        by_unit: dict[str, list[Edit]] = {}
        for part in edit.parts or (edit,):
            by_unit.setdefault(part.unit, []).append(part)
        made = []
        for name, group in by_unit.items():
            unit = self.units[name]
            code = self._compiled(unit, [change for part in group for change in part.changes])
            if code is None:
                return []
            defaults = any(part.defaults for part in group)
            made.append((code, "defaults" if defaults else "code" if unit.is_function else "data"))
        return made

    def _compiled(self, unit: Unit, changes: Sequence[Change]) -> CodeType | None:
        try:
            with applied(changes), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what an edit makes senseless, such as `1 is x`
                shell = _shell(unit)
                with counted(shell):
                    return compile(shell, self.target, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return None  # an edit that is no Python


def _shell(unit: Unit) -> ast.Module:
    """A module that holds the unit alone, within its classes, without decorators."""
    node: Any = unit.node
    if isinstance(node, FUNCTION):
        fields = dict(ast.iter_fields(node))
        node = ast.copy_location(type(node)(**{**fields, "decorator_list": [], "returns": None}), node)
    for name in reversed(unit.classes):
        held = ast.ClassDef(name=name, bases=[], keywords=[], body=[node], decorator_list=[])
        node = ast.copy_location(held, node)
    return ast.Module([node], [])


def _key(code: CodeType | None, *, with_defaults: bool = True) -> int:
    """Equal for code that does the same thing in the same words, wherever it stands."""
    return hash(_content(code)) if code is not None else 0


def _content(code: CodeType) -> tuple[Any, ...]:
    constants = tuple(
        _content(one) if isinstance(one, CodeType) else (type(one).__name__, repr(one))
        for one in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_cellvars, code.co_exceptiontable


def removes(change: Change) -> int:
    """How many calls and returns an edit takes away; so is what nothing reaches any more."""
    unreached = _after(change) if change.new and isinstance(change.new[-1], LEAVING) else ()
    less = _acts(change.old) - _acts(change.new)
    return max(0, less) + _acts(unreached) + bool(unreached)


def _after(change: Change) -> tuple[ast.AST, ...]:
    """The statements that follow the changed ones in their block."""
    block = getattr(change.parent, change.field)
    return tuple(block[change.stop :]) if isinstance(block, list) and change.stop is not None else ()


def _acts(nodes: Sequence[ast.AST]) -> int:
    return sum(isinstance(inner, ast.Call | ast.Return) for node in nodes for inner in ast.walk(node))
