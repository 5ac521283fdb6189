"""Calls as a few characters, for models that write bytes: `[c3+4]` is answered by `{7}`.

A call is the tool's letter and its arguments in the order of its schema, between brackets:

    call   = "[" letter field ("|" field)* "]"      trailing fields that are not given are left out
    field  = text, its `\\`, `|` and `]` each after a `\\`      an argument that is a string
           | JSON, escaped in the same way                  any other argument
           | "\\e"                                           the empty string
           | ""                                             not given
    result = "{" text, its `\\` and `}` each after a `\\` "}"     what the tool answered
           | "{!" text "}"                                  why it did not; a result's own first ! is \\!

Each call that a tool takes has one text and each text one call: `[f a|1]`, `[fa|01]` and `[fa|]` are refused.
"""

import json
import re
from typing import Any

from bloomery.tasks.tools.strict_json import parse
from bloomery.tasks.tools.tool import Call, CallRefused, Tool
from bloomery.tasks.tools.toolbox import Toolbox

BEGIN, END = "[", "]"
EMPTY = r"\e"
FIELD = re.compile(r"(?:[^\\|\]]|\\.)*", re.DOTALL)
WRITTEN = re.compile(r"\[(?:[^\\\]]|\\.)*\]", re.DOTALL)


def written(call: Call, tools: Toolbox) -> str:
    """The text of a call. Raises: CallRefused where no tool takes it."""
    tool = tools.check(call)
    fields = [_field(call, name, schema) for name, schema in tool.parameters["properties"].items()]
    while fields and fields[-1] == "":
        fields.pop()
    return f"{BEGIN}{tool.letter}{'|'.join(fields)}{END}"


def read(text: str, tools: Toolbox) -> Call:
    """The call that a text is. Raises: CallRefused."""
    if not WRITTEN.fullmatch(text):
        raise CallRefused("a call is written [letter and arguments]")
    tool = tools.by_letter.get(text[1])
    if tool is None:
        raise CallRefused(f"no tool has the letter '{text[1]}'; there are {', '.join(tools.by_letter)}")
    call = Call(tool.name, _given(text[2:-1], tool))
    again = written(call, tools)
    if again != text:
        raise CallRefused(f"write it {again}")
    return call


def first_call(text: str) -> tuple[str, str] | None:
    """What stands before the first call of a text, and the call; nothing where none begins.

    Raises: CallRefused where one begins and does not end.
    """
    begin = text.find(BEGIN)
    if begin < 0:
        return None
    found = WRITTEN.match(text, begin)
    if found is None:
        raise CallRefused("a call begins and does not end")
    return text[:begin], found[0]


def result(text: str) -> str:
    """What follows a call in the text: its result."""
    first = "\\" if text.startswith("!") else ""
    return "{" + first + _escaped(text, "}") + "}"


def failure(text: str) -> str:
    """What follows a call that has no result: why."""
    return "{!" + _escaped(text, "}") + "}"


def _field(call: Call, name: str, schema: dict[str, Any]) -> str:
    if name not in call.arguments:
        return ""
    value = call.arguments[name]
    if value == "":
        return EMPTY
    if schema["type"] != "string":
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _escaped(value, "|]")


def _given(inside: str, tool: Tool) -> dict[str, Any]:
    fields = _fields(inside) if inside else []
    properties = tool.parameters["properties"]
    if len(fields) > len(properties):
        raise CallRefused(f"{tool.name} takes {len(properties)} arguments, {len(fields)} came")
    named = zip(properties.items(), fields, strict=False)
    return {name: _value(field, schema, name) for (name, schema), field in named if field != ""}


def _fields(inside: str) -> list[str]:
    """The fields, escapes and all."""
    found, place = [], 0
    while True:
        match = FIELD.match(inside, place)
        found.append(match[0] if match else "")
        place += len(found[-1]) + 1
        if place > len(inside):
            return found


def _value(field: str, schema: dict[str, Any], name: str) -> Any:
    if field == EMPTY:
        return ""
    text = re.sub(r"\\(.)", r"\1", field, flags=re.DOTALL)
    if schema["type"] == "string":
        return text
    try:
        return parse(text)
    except ValueError as error:
        raise CallRefused(f"{name} is no JSON: {text[:40]!r}") from error


def _escaped(text: str, characters: str) -> str:
    """The text with a backslash before each backslash and each of these characters."""
    return re.sub(f"([{re.escape(characters)}\\\\])", r"\\\1", text)
