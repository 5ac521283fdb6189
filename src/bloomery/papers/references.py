"""What one thing in a paper says of another: an equation, an algorithm's line, a module, or prose."""

import re
from dataclasses import dataclass
from typing import Literal

from bloomery.papers.written import NUMBER, PAPER, Written


@dataclass(frozen=True)
class Reference(Written):
    """What something requires or is used by; `paper` is empty where it is the paper itself."""

    kind: Literal["equation", "algorithm", "module", "prose"]
    target: str  # a number, a module's name, or the prose itself
    paper: str = ""
    lines: str = ""  # of an algorithm: "7" or "3-5"
    note: str = ""  # what it is needed for

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind in ("equation", "algorithm") and not re.fullmatch(NUMBER, self.target):
            raise ValueError(f"a reference to an {self.kind} needs its number, not '{self.target}'")
        if not self.target or not re.fullmatch(rf"(?:{PAPER})?", self.paper):
            raise ValueError(f"a reference needs a target and a lower-case paper id: {self}")
        if self.kind == "module":
            object.__setattr__(self, "target", self.target.replace("`", "'"))

    def global_id(self, paper: str) -> str:
        """`titans:13`, `titans:algorithm 1`, `titans:module lmm`; empty for prose."""
        owner = self.paper or paper
        if self.kind == "prose":
            return ""
        return (
            f"{owner}:{self.target}"
            if self.kind == "equation"
            else f"{owner}:{self.kind} {self.target.lower()}"
        )
