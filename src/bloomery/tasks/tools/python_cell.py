"""A Python cell: runs a program in the sandbox and gives what it printed, and its last expression's value.

Each cell starts anew, in an empty folder of its own, may run so many instructions, and print so many bytes.
Limits on time end what the count misses: work within one instruction, programs that undo the counting. What
is drawn with `random` is the same each time; only a cell that reads the clock can answer otherwise.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from bloomery.core.sandbox import Limits, SandboxResult, run
from bloomery.tasks.tools.tool import Tool, ToolFailed, World, arguments

MOST_CHARACTERS = 2000
MOST_INSTRUCTIONS = 1_000_000
MOST_BYTES = 4096
TOO_LONG = 77  # the exit code of a cell that has run so many instructions
LIMITS = Limits(time_s=20.0, cpu_s=2, processes=4, file_bytes=2**20, output_bytes=MOST_BYTES)
WALLS = ("network", "filesystem", "reading", "environment")
REPEATABLE = ("-P", "-s", "-S")  # as -I, but PYTHONHASHSEED, which the sandbox sets, is heard

RUNNER = f"""
import ast, os, random, sys

left = {MOST_INSTRUCTIONS}

def traced(frame, event, argument):
    global left
    frame.f_trace_opcodes = True
    left -= event == "opcode"
    if left < 0:
        os._exit({TOO_LONG})
    return traced

def main(source):
    space = {{"__name__": "__main__"}}
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    program = compile(ast.Module(body, []), "<cell>", "exec")
    random.seed(0)
    sys.settrace(traced)
    exec(program, space)
    value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), space) if last else None
    sys.settrace(None)
    if value is not None:
        print(value)

try:
    main(sys.stdin.read())
except BaseException as error:
    sys.settrace(None)
    words = f"{{type(error).__name__}}: {{error}}".strip(": ").split()
    print(" ".join(words)[:200], file=sys.stderr)
    sys.exit(1)
"""


def python_cell() -> Tool:
    """What a cell runs is not trusted: see `core.sandbox` for the walls around it."""
    return Tool(
        name="python",
        letter="p",
        description="Runs a Python program; gives what it prints and the value of its last expression.",
        parameters=arguments({"code": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}}),
        start=_start,
    )


def run_cell(code: str) -> str:
    """Raises: ToolFailed where the program raises or is stopped; CapabilityMissing without walls."""
    printed, error = _outcome(code)
    if error:
        raise ToolFailed(error)
    return printed


def _start(_: World) -> Callable[..., str]:
    return run_cell


@lru_cache(maxsize=4096)
def _outcome(code: str) -> tuple[str, str]:
    """What was printed, and what went wrong; the same for the same code, so it runs once."""
    with tempfile.TemporaryDirectory(prefix="bloomery-cell-") as folder:
        ended = run(
            [sys.executable, *REPEATABLE, "-c", RUNNER],
            folder=Path(folder),
            limits=LIMITS,
            stdin=code,
            require=WALLS,
        )
    error = _error(ended)
    return ("", error) if error else (ended.stdout.removesuffix("\n"), "")


def _error(ended: SandboxResult) -> str:
    if ended.killed_by in ("time", "cpu") or ended.returncode == TOO_LONG:
        return f"it ran too long and was stopped (at most {MOST_INSTRUCTIONS} bytecode instructions)"
    if ended.killed_by == "output":
        return f"it printed more than {MOST_BYTES} bytes and was stopped"
    if ended.killed_by == "memory":
        return f"it needed more than {LIMITS.memory_bytes} bytes of memory and was stopped"
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines()
        return lines[-1] if lines else f"it ended with code {ended.returncode}"
    return ""
