"""Runs inside, after the text of `values.py`: calls a function for each input and writes what came back.

What the source prints goes to stderr. Nothing here is trusted by the other side: the source may do with this
process, and its pipe, what it likes, and can still only hand over values that the parent then compares.
"""

import os
import sys
from typing import Any

from bloomery.core.sandbox.values import decode, encode  # cut off when sent: see `values.py`'s text above


def answer(function: Any, arguments: str) -> tuple[str, Any]:
    try:
        return "returned", function(*decode(arguments))
    except BaseException as error:  # edge: the sandbox, inside; whatever the source raises is its answer
        return "raised", f"{type(error).__name__}: {error}"[:1000]


def line(place: int, outcome: tuple[str, Any]) -> str:
    try:
        return encode((place, *outcome))
    except (TypeError, ValueError, RecursionError) as error:
        return encode((place, "raised", f"the result cannot be taken back: {error}"))


def main() -> None:
    source, name, *calls = decode(sys.stdin.read())
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    space: dict[str, Any] = {"__name__": "sandboxed"}
    try:
        exec(compile(source, "<sandboxed>", "exec"), space)
        function = space[name]
    except BaseException as error:  # edge: the sandbox, inside; a source that fails answers no call
        failure = ("raised", f"{type(error).__name__}: {error}"[:1000])
        out.write("".join(line(place, failure) + "\n" for place in range(len(calls))))
        out.flush()
        return
    for place, arguments in enumerate(calls):
        out.write(line(place, answer(function, arguments)) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
