"""Functions that are slow for one known reason each, and some that are not slow at all.

`held_out.txt` was written before any rewrite and no rewrite was tuned on it; `tuned.txt` was; `optimal.txt`
holds functions with nothing to gain. A case is a program, the best version that we know, and its inputs.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HALVES = ("held_out", "tuned", "optimal")
SMALL = 60
"""How many small inputs a candidate is compared on: they hold the empty, the negative and the repeated."""


@dataclass(frozen=True)
class Case:
    """`best` is the program itself where it is optimal already."""

    name: str
    reason: str
    half: str
    program: str
    best: str
    inputs: str

    def small(self, seed: int = 0) -> list[tuple[Any, ...]]:
        drawn: dict[str, Any] = {}
        exec(self.inputs, drawn)
        rng = random.Random(seed)
        return [drawn["small"](rng) for _ in range(SMALL)]

    def large(self, seed: int = 0) -> tuple[Any, ...]:
        drawn: dict[str, Any] = {}
        exec(self.inputs, drawn)
        return drawn["large"](random.Random(seed))


def cases(half: str) -> list[Case]:
    text = (Path(__file__).parent / f"{half}.txt").read_text()
    found = re.split(r"^=== (\w+): (.+)\n", text, flags=re.MULTILINE)[1:]
    return [_case(half, *found[i : i + 3]) for i in range(0, len(found), 3)]


def _case(half: str, name: str, reason: str, body: str) -> Case:
    parts = re.split(r"^--- (?:best|inputs)\n", body, flags=re.MULTILINE)
    program, best, inputs = parts if len(parts) == 3 else (parts[0], parts[0], parts[1])
    return Case(name, reason, half, program.strip() + "\n", best.strip() + "\n", inputs.strip() + "\n")
