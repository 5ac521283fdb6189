"""Runs inside: calls a Python function for each input and writes what came back, one line of JSON each.

Nothing here is trusted by the other side: a program may do with this process what it likes, and can still
only hand over values that the parent then compares.
"""

import json
import os
import sys
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def plain(value: Any) -> Any:
    """Raises: TypeError for what is no built-in JSON value itself; tuples become lists."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (list, tuple):
        return [plain(item) for item in value]
    if kind is dict and all(type(key) is str for key in value):
        return {key: plain(item) for key, item in value.items()}
    raise TypeError(f"a {kind.__name__} is no JSON value")


def answer(function: Any, arguments: list[Any]) -> tuple[str, Any]:
    try:
        value = plain(function(*arguments))
        json.dumps(value, allow_nan=False)
    except BaseException as error:  # edge: the sandbox, inside; whatever the program raises is its answer
        return "raised", f"{type(error).__name__}: {error}"[:500]
    return "returned", value


def load(source: str, name: str) -> tuple[str, Any]:
    space: dict[str, Any] = {"__name__": "program"}
    try:
        code = compile(source, "<program>", "exec", dont_inherit=True)
    except BaseException as error:  # edge: the sandbox, inside; the compiler's own limits are answers too
        return "unparsed", f"{type(error).__name__}: {error}"[:500]
    try:
        exec(code, space)
        return "loaded", space[name]
    except BaseException as error:  # edge: the sandbox, inside
        return "unloaded", f"{type(error).__name__}: {error}"[:500]


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(*line: Any) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    state, function = load(given["source"], given["function"])
    tell(state, "" if state == "loaded" else function)
    for place, arguments in enumerate(given["calls"] if state == "loaded" else ()):
        tell(place, *answer(function, arguments))


if __name__ == "__main__":
    main()
