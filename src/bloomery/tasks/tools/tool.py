"""A tool: a name, the schema of its arguments, and what it does in the world of one attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bloomery.core.errors import UserError
from bloomery.tasks.tools.schema import check_schema


class CallRefused(UserError):
    """What was written is no call that a tool takes: malformed, of no known tool, or with wrong arguments."""


class ToolFailed(UserError):
    """A tool took a call and has no result for it."""


@dataclass(frozen=True)
class Call:
    """A tool's name and its arguments, as JSON has them."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class World:
    """What the tools of one attempt can reach: `stored` is changed by it, `files` are not."""

    stored: dict[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """`start` makes, for one attempt, the function that takes the arguments by name and gives a text.

    That function raises ToolFailed where it has none. `letter` names the tool in compact text.
    """

    name: str
    letter: str
    description: str
    parameters: Mapping[str, Any]
    start: Callable[[World], Callable[..., str]]

    def __post_init__(self) -> None:
        if len(self.letter) != 1 or not self.letter.isalnum():
            raise ValueError(f"tool '{self.name}' has the letter {self.letter!r}, expected a letter or digit")
        check_schema(self.parameters, f"tool '{self.name}'")
        if self.parameters["type"] != "object" or self.parameters.get("additionalProperties") is not False:
            raise ValueError(f"tool '{self.name}' may be called with anything; forbid additionalProperties")


def arguments(properties: Mapping[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of a tool that takes these arguments and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
