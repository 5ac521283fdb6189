"""Whether mutants of a function can share a process: tried, not assumed."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.source.outcomes import outcomes
from bloomery.source.python import FUNCTION, Parsed, first_line, function

PROBE = "_probe_"
CONTROL = "_control_"


def probe(parsed: Parsed, name: str) -> str:
    """The text with a function that raises at once; its body stays, and with it what it closes over."""
    node = function(parsed, name)
    lines = parsed.text.splitlines(keepends=True)
    first = node.body[0]
    at = first_line(first) if isinstance(first, (*FUNCTION, ast.ClassDef)) else 0
    row = (at or first.lineno) - 1
    raised = f"raise AssertionError({PROBE!r})"
    if first.lineno == node.lineno or lines[row][: first.col_offset].strip():
        column = len(lines[row].encode()[: first.col_offset].decode())
        lines[row] = f"{lines[row][:column]}{raised}; {lines[row][column:]}"
    else:
        lines[row] = f"{' ' * first.col_offset}{raised}\n{lines[row]}"
    return "".join(lines)


def unsound(
    tests: Sequence[str], probed: Sequence[Mapping[str, Any]], control: Sequence[Mapping[str, Any]]
) -> str:
    """Why mutants of a function cannot share a process; empty where they can.

    `control` is a fork in which nothing was exchanged: every test must pass in it as before.
    """
    for event in probed:
        if event["event"] == "unswapped":
            return f"its code cannot be exchanged: {event['reason']}"
    if not any(_is_failure(event) for event in probed):
        return "exchanging its code reaches no test: something keeps a copy of it"
    passed = {one.node for one in outcomes(control) if one.status == "passed"}
    if not set(tests) <= passed:
        return "its tests do not pass in a fork, though they pass in a process of their own"
    return ""


def _is_failure(event: Mapping[str, Any]) -> bool:
    return event["event"] == "report" and event["outcome"] == "failed"
