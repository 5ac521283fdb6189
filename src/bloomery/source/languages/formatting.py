"""Texts in the layout that their language's formatter gives them."""

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.source.languages.language import Language

TIMEOUT_S = 30.0


def is_installed(language: Language) -> bool:
    return _program(language) is not None


def format_text(text: str, language: Language, *, settings: Path | None = None) -> str:
    """The text as `ruff format`, prettier, google-java-format or gofmt lays it out.

    `settings`: the folder whose settings hold, for formatters whose settings are data (ruff); otherwise those
    that the formatter has by itself.

    Raises: CapabilityMissing where the formatter is not installed, with how to get it; UserError for a text
    that it refuses, or that takes it longer than `TIMEOUT_S`.
    """
    program = _program(language)
    tool = language.formatter
    if program is None:
        raise CapabilityMissing(f"formatting {language.name} needs {_tool(language)}: {tool.install}")
    heeds = bool(settings and tool.settled)
    command = (tool.settled if heeds else tool.command) or tool.command
    filled = [part.replace("{suffix}", language.suffixes[0]) for part in command[1:]]
    with tempfile.TemporaryDirectory() as empty:
        folder = settings if settings and heeds else Path(empty)
        return _run([program, *filled], text, folder, language)


def _run(command: list[str], text: str, folder: Path, language: Language) -> str:
    try:
        done = subprocess.run(
            command, input=text.encode(), cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{_tool(language)} took longer than {TIMEOUT_S:.0f} s to format the text") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise UserError(f"{_tool(language)} refuses the text: {said}")
    return done.stdout.decode()


def _program(language: Language) -> str | None:
    command = language.formatter.command
    if command[0] == "{python}":
        return sys.executable if find_spec(command[2]) else None
    return shutil.which(command[0])


def _tool(language: Language) -> str:
    command = language.formatter.command
    return command[2] if command[0] == "{python}" else command[0]
