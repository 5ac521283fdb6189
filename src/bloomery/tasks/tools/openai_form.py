"""Calls in the form of OpenAI's tools: definitions go out, tool calls come in, results go back.

Source: OpenAI API reference, chat completions: `tools`, `tool_calls`, and messages of the role `tool`
"""

import json
from typing import Any

from bloomery.tasks.tools.strict_json import parse
from bloomery.tasks.tools.tool import Call, CallRefused, Tool

MOST_CHARACTERS = 8000
EXPECTED = '{"type": "function", "function": {"name": ..., "arguments": "<JSON text>"}}'


def definition(tool: Tool) -> dict[str, Any]:
    """An entry of a request's `tools`."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def tool_call(call: Call, call_id: str) -> dict[str, Any]:
    """An entry of an assistant message's `tool_calls`."""
    text = json.dumps(dict(call.arguments), ensure_ascii=False, allow_nan=False)
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": text}}


def tool_result(call_id: str, result: str) -> dict[str, Any]:
    """The message that answers a tool call."""
    return {"role": "tool", "tool_call_id": call_id, "content": result}


def call_of(entry: Any) -> Call:
    """The call that an entry of `tool_calls` makes. Raises: CallRefused for anything else."""
    match entry:
        case {"type": "function", "function": {"name": str(name), "arguments": str(text)}}:
            return Call(name, _arguments(text))
    raise CallRefused(f"a tool call is written {EXPECTED}")


def _arguments(text: str) -> dict[str, Any]:
    if len(text) > MOST_CHARACTERS:
        raise CallRefused(f"the arguments have {len(text)} characters, at most {MOST_CHARACTERS}")
    try:
        value = parse(text)
    except ValueError as error:
        raise CallRefused(f"the arguments are no JSON: {error}") from error
    if not isinstance(value, dict):
        raise CallRefused(f"the arguments are {type(value).__name__}, expected a JSON object")
    return value
