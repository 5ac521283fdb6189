"""Commands as lists of words, so that no shell reads what is put into them."""

import ast
import re
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import (
    Fix,
    calls,
    dropped,
    fix,
    is_constant,
    is_plain,
    keyword,
    replaced,
)

CALLS = tuple(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen"))
SPECIAL = re.compile(r"[|&;<>()$`\\\"'*?\[\]#~=%{}!\n]")
Part = str | ast.expr


def listed(source: Source) -> Iterator[Fix]:
    """A command with values in it, each inside of one word, and nothing that only a shell understands.

    A command without values is left alone: nothing is put into it.
    """
    for call in calls(source, *CALLS):
        shell = is_constant(keyword(call, "shell"), True) and keyword(call, "executable") is None
        if not (shell and is_plain(call) and len(call.args) == 1):
            continue
        command = split(parts(call.args[0]))
        if command:
            text = "[" + ", ".join(_word(source, one) for one in command) + "]"
            why = "a shell would read what is put into the command"
            yield fix(source, call, why, replaced(source, call.args[0], text), dropped(source, call, "shell"))


def parts(node: ast.expr) -> list[Part] | None:
    """A text taken apart: constants, and values put in as they are; None where it is something else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        found: list[Part] = []
        for one in node.values:
            if isinstance(one, ast.Constant):
                found.append(str(one.value))
            elif isinstance(one, ast.FormattedValue) and one.conversion == -1 and one.format_spec is None:
                found.append(one.value)
            else:
                return None
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = parts(node.left), parts(node.right)
        return None if left is None or right is None else [*left, *right]
    return [node] if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else None


def split(found: list[Part] | None) -> list[list[Part]]:
    """The words; empty where a shell is needed, or no value is in them, or the program is one."""
    texts = [one for one in found or () if isinstance(one, str)]
    if not found or len(texts) == len(found) or any(SPECIAL.search(one) for one in texts):
        return []
    command: list[list[Part]] = [[]]
    for one in found:
        pieces = re.split(r"\s+", one) if isinstance(one, str) else [one]
        for at, piece in enumerate(pieces):
            if at:
                command.append([])
            if piece != "":
                command[-1].append(piece)
    command = [word for word in command if word]
    return command if isinstance(command[0][0], str) and len(command) > 1 else []


def _word(source: Source, word: list[Part]) -> str:
    if all(isinstance(one, str) for one in word):
        return repr("".join(map(str, word)))
    if len(word) == 1:
        return f"str({source.segment(word[0])})" if isinstance(word[0], ast.expr) else repr(word[0])
    inner = [one if isinstance(one, str) else f"{{{_unquoted(source, one)}}}" for one in word]
    return 'f"' + "".join(inner) + '"'


def _unquoted(source: Source, node: ast.expr) -> str:
    """A value as it may stand in an f-string of Python 3.11."""
    return source.segment(node).replace('"', "'")
