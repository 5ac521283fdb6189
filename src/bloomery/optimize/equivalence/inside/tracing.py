"""Which pieces of which functions ran: every expression by its place in the text, not just every line."""

import sys
from types import CodeType, FrameType
from typing import Any

Place = tuple[int, int, int, int]
MOST_STEPS = 60_000


class Reached:
    """Notes the places of the watched functions of one file, until all are met or too many steps are made."""

    def __init__(self, file: str, watched: set[str], wanted: set[Place]) -> None:
        self.file, self.watched, self.missing = file, watched, set(wanted)
        self.found: set[Place] = set()
        self.known: dict[CodeType, list[Place | None] | None] = {}
        self.steps = 0

    def start(self) -> None:
        self.steps = 0
        if self.missing:
            sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)

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


def ancestors(name: str) -> set[str]:
    """`f` and `f.<locals>.g` for `f.<locals>.g`."""
    parts = name.split(".<locals>.")
    return {".<locals>.".join(parts[: at + 1]) for at in range(len(parts))}


def _place(positions: tuple[int | None, ...]) -> Place | None:
    return None if None in positions else tuple(positions)  # type: ignore[return-value]
