"""Small programs that call what is to be tested, and what was seen of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Literal["docstring", "recorded", "test", "type", "boundary", "guess", "varied", "model"]


@dataclass(frozen=True)
class Case:
    """`setup` are statements that bind names, `call` is the expression that is observed.

    `watched`: names whose values are looked at before and after. `needs`: names that the texts use and the
    module does not have, with the module that does.
    """

    callee: str
    setup: tuple[str, ...]
    call: str
    watched: tuple[str, ...] = ()
    origin: Origin = "type"
    needs: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[tuple[str, ...], str]:
        return self.setup, self.call

    @property
    def size(self) -> int:
        """Characters a reader has to take in."""
        return sum(map(len, self.setup)) + 8 * len(self.setup) + len(self.call)


@dataclass(frozen=True)
class Seen:
    """What the original did in one case; see `inside/bloomery_seeing.py` for what the parts hold."""

    state: Literal["returned", "raised", "early", "lost"]
    value: str
    kind: str = ""
    home: str = ""
    text: str | None = None
    stream: bool = False
    said: bool = False
    type: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    lines: frozenset[int] = frozenset()

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> "Seen":
        known = {name: line[name] for name in cls.__dataclass_fields__ if name in line}
        return cls(
            **{
                **known,
                "changed": tuple(line.get("changed", ())),
                "lines": frozenset(line.get("lines", ())),
            }
        )

    def same(self, other: "Seen") -> bool:
        """Whether a second look saw the same, the lines aside."""
        return (self.state, self.value, self.type, self.text, self.after, self.changed) == (
            other.state, other.value, other.type, other.text, other.after, other.changed,
        )  # fmt: skip
