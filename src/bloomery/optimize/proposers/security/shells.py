"""Commands as lists of words, so that no shell reads what is put into them."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

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
INTERPRETERS = frozenset({
    "sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh", "busybox", "cmd",
    "cmd.exe", "powershell", "pwsh", "env", "nohup", "nice", "sudo", "su", "doas", "ssh", "rsh",
    "xargs", "watch", "parallel", "time", "timeout", "awk", "perl", "python", "python3", "ruby", "node",
    "php", "lua", "tclsh", "gawk", "mawk", "nawk", "deno", "bun", "Rscript", "julia", "osascript", "find",
    "make", "sed", "docker", "podman", "chroot", "setsid", "stdbuf", "flock", "strace", "gdb", "npx",
})  # fmt: skip
"""Programs that read what they are given as a program, or run it: a value is there what it was in a shell."""
OF_THE_SHELL = frozenset({
    ".", ":", "[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare",
    "do", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg", "fi",
    "for", "function", "getopts", "hash", "help", "history", "if", "in", "jobs", "kill", "let", "local",
    "printf", "pushd", "popd", "pwd", "read", "readonly", "return", "select", "set", "shift", "source",
    "test", "then", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset",
    "until", "wait", "while",
})  # fmt: skip
"""Words that a shell understands by itself: as a program they are missing, or another one."""
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
        try:
            text = "[" + ", ".join(map(_word, command)) + "]"
        except ValueError:
            continue  # a value that no f-string of Python 3.11 can hold
        if command:
            why = "a shell would read what is put into the command"
            yield fix(source, call, why, replaced(source, call.args[0], text), dropped(source, call, "shell"))


def parts(node: ast.expr) -> list[Part] | None:
    """A text taken apart: constants, and values put in as they are, those of an f-string with their braces;
    None where it is something else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        found: list[Part] = []
        for one in node.values:
            if isinstance(one, ast.Constant):
                found.append(str(one.value))
            elif isinstance(one, ast.FormattedValue) and one.conversion == -1 and one.format_spec is None:
                found.append(one)
            else:
                return None
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = parts(node.left), parts(node.right)
        return None if left is None or right is None else [*left, *right]
    return [node] if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else None


def split(found: list[Part] | None) -> list[list[Part]]:
    """The words; empty where a shell is needed, or no value is in them, or the program is a value, runs what
    it is given, or is known to the shell alone."""
    texts = [one for one in found or () if isinstance(one, str)]
    if not found or len(texts) == len(found) or any(SPECIAL.search(one) for one in texts):
        return []
    command: list[list[Part]] = [[]]
    for one in found:
        pieces = re.split(r"[ \t]+", one) if isinstance(one, str) else [one]
        for at, piece in enumerate(pieces):
            if at:
                command.append([])
            if piece != "":
                command[-1].append(piece)
    command = [word for word in command if word]
    return command if len(command) > 1 and all(map(_is_harmless, command)) and _is_known(command[0]) else []


def _plain(word: list[Part]) -> str:
    """The word; empty if a value is in it."""
    texts = [one for one in word if isinstance(one, str)]
    return "".join(texts) if len(texts) == len(word) else ""


def _is_harmless(word: list[Part]) -> bool:
    return not is_interpreter(_plain(word))


def is_interpreter(program: str) -> bool:
    """Whether it may run what it is given; a version at its end (python3.11) does not count."""
    name = PurePosixPath(program).name
    return name in INTERPRETERS or name.rstrip("0123456789.-") in INTERPRETERS


def _is_known(program: list[Part]) -> bool:
    return _plain(program) not in ("", *OF_THE_SHELL)


def _word(word: list[Part]) -> str:
    """One word as Python; what was added as it is stays that. Raises: ValueError where an f-string cannot
    hold a value."""
    if plain := _plain(word):
        return repr(plain)
    if all(isinstance(one, str | ast.FormattedValue) for one in word):
        values = [ast.Constant(one) if isinstance(one, str) else one for one in word]
        return ast.unparse(ast.fix_missing_locations(ast.JoinedStr(values)))
    return " + ".join(_word([one]) if isinstance(one, str) else _unparsed(one) for one in word)


def _unparsed(one: ast.expr) -> str:
    return ast.unparse(ast.JoinedStr([one]) if isinstance(one, ast.FormattedValue) else one)
