"""Write docs/reference.md from the command line's own --help.

python -m scripts.reference            # write; a test fails where the page is stale
"""

import os
from pathlib import Path

import click
import typer.main
from typer.testing import CliRunner

from bloomery.cli.main import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
BEGIN, END = "<!-- cli-help:begin", "<!-- cli-help:end -->"
PLAIN = {
    "COLUMNS": "100",
    "TERMINAL_WIDTH": "100",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of a command and of all that are below it."""
    below = getattr(command, "commands", {})
    return [path] + [found for name, child in below.items() for found in commands(child, (*path, name))]


def help_of(path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(app, [*path, "--help"], env=PLAIN, prog_name="bloomery")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


def rendered() -> str:
    parts = [
        f"## bloomery {' '.join(path)}".rstrip() + f"\n\n```text\n{help_of(path)}\n```"
        for path in commands(typer.main.get_command(app))
    ]
    return "\n\n".join(parts)


def page_with_help(page: str) -> str:
    head, begin, rest = page.partition(BEGIN)
    mark, _, rest = rest.partition("\n")
    _, end, tail = rest.partition(END)
    return f"{head}{begin}{mark}\n\n{rendered()}\n\n{end}{tail}"


if __name__ == "__main__":
    os.environ.update(PLAIN)
    PAGE.write_text(page_with_help(PAGE.read_text()))
