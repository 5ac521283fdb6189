"""Tools together: found by name or letter, their calls checked and carried out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bloomery.core.errors import UnknownName, UserError, suggestion
from bloomery.tasks.tools.calculator import calculator
from bloomery.tasks.tools.file_reader import file_reader
from bloomery.tasks.tools.python_cell import python_cell
from bloomery.tasks.tools.schema import violation
from bloomery.tasks.tools.store import key_value_store
from bloomery.tasks.tools.tool import Call, CallRefused, Tool, ToolFailed, World

TOOLS: Mapping[str, Callable[[], Tool]] = {
    "calculator": calculator,
    "python": python_cell,
    "store": key_value_store,
    "file": file_reader,
}
MOST_RESULT_CHARACTERS = 200


class Toolbox:
    """Tools with different names and letters; a result of more than `most_characters` is an error."""

    def __init__(self, tools: Iterable[Tool], *, most_characters: int = MOST_RESULT_CHARACTERS) -> None:
        """Raises: UserError where two tools share a name or a letter."""
        self.most_characters = most_characters
        self.by_name: dict[str, Tool] = {}
        self.by_letter: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self.by_name or tool.letter in self.by_letter:
                raise UserError(f"two tools are called '{tool.name}' or '{tool.letter}'; give each its own")
            self.by_name[tool.name] = self.by_letter[tool.letter] = tool

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.by_name.values())

    def check(self, call: Call) -> Tool:
        """The tool that takes this call. Raises: CallRefused."""
        if call.name not in self.by_name:
            raise CallRefused(f"there is no tool '{call.name}'{suggestion(call.name, self.by_name)}")
        tool = self.by_name[call.name]
        wrong = violation(dict(call.arguments), tool.parameters)
        if wrong:
            raise CallRefused(f"{tool.name}: {wrong}")
        return tool

    def open(self, world: World) -> "Session":
        return Session(self, world)


class Session:
    """The tools at work in one world."""

    def __init__(self, tools: Toolbox, world: World) -> None:
        self.tools = tools
        self.started: dict[str, Callable[..., str]] = {tool.name: tool.start(world) for tool in tools}

    def run(self, call: Call) -> str:
        """What the tool answers. Raises: CallRefused, ToolFailed."""
        tool = self.tools.check(call)
        result = self.started[tool.name](**call.arguments)
        if len(result) > self.tools.most_characters:
            raise ToolFailed(f"{len(result)} characters came, at most {self.tools.most_characters} fit")
        return result


def toolbox(*names: str, **options: Any) -> Toolbox:
    """The tools of these names; all that there are where none is named. Raises: UnknownName."""
    for name in names:
        if name not in TOOLS:
            raise UnknownName("tool", name, TOOLS)
    return Toolbox((TOOLS[name]() for name in names or TOOLS), **options)
