"""Which pieces of which functions ran: every expression by its place in the text, not just every line."""

import ast
import sys
from types import CodeType, FrameType
from typing import Any

Place = tuple[int, ...]
MOST_STEPS = 60_000


class Reached:
    """Notes the places of the watched functions of one file, until all are met or too many steps are made."""

    def __init__(self, file: str, watched: set[str], wanted: set[Place]) -> None:
        self.file, self.watched = file, watched
        self.missing = {place for place in wanted if len(place) == 4}
        self.undecided = {place for place in wanted if len(place) == 5}
        self.found: set[Place] = set()
        self.known: dict[CodeType, list[Place | None] | None] = {}
        self.steps = 0

    def start(self) -> None:
        self.steps = 0
        if self.missing:
            sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)

    def forget(self, places: list) -> None:
        """Others have met these."""
        known = {tuple(place) for place in places}
        self.missing -= known
        self.undecided -= known

    def noted(self, line: int, end: int, start: int, stop: int, value: Any) -> Any:
        """Stands around each comparison of the module, and lets it through."""
        place = (line, end, start, stop, int(value is True))
        if place in self.undecided and (value is True or value is False):
            self.undecided.discard(place)
            self.found.add(place)
        return value

    def _enter(self, frame: FrameType, event: str, given: Any) -> Any:
        if self._places(frame.f_code) is None:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _places(self, code: CodeType) -> list[Place | None] | None:
        if code not in self.known:
            ours = code.co_filename == self.file and bool(ancestors(code.co_qualname) & self.watched)
            self.known[code] = [_place(one) for one in code.co_positions()] if ours else None
        return self.known[code]

    def _step(self, frame: FrameType, event: str, given: Any) -> Any:
        if event != "opcode":
            return self._step
        self.steps += 1
        place = (self.known[frame.f_code] or ())[frame.f_lasti // 2]
        if place in self.missing:
            self.missing.discard(place)
            self.found.add(place)
        if self.steps > MOST_STEPS or not self.missing:
            sys.settrace(None)
            return None
        return self._step


class Noting(ast.NodeTransformer):
    """Puts a call of `__noted__` around each comparison, where the comparison stands."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        where = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
        given = [ast.copy_location(ast.Constant(number), node) for number in where]
        name = ast.copy_location(ast.Name("__noted__", ast.Load()), node)
        return ast.copy_location(ast.Call(name, [*given, node], []), node)


def ancestors(name: str) -> set[str]:
    """`f` and `f.<locals>.g` for `f.<locals>.g`."""
    parts = name.split(".<locals>.")
    return {".<locals>.".join(parts[: at + 1]) for at in range(len(parts))}


def _place(positions: tuple[int | None, ...]) -> Place | None:
    return None if None in positions else tuple(number for number in positions if number is not None)
