"""Write docs/reference.md from the command line's own --help, and the stages' contracts from the stages.

python -m scripts.reference            # write; a test fails where a page is stale
"""

import os
from pathlib import Path

import click
import typer.main
from typer.testing import CliRunner

from bloomery.cli.main import app
from bloomery.forge.stage import Stage
from bloomery.forge.stages import ORDER
from bloomery.forge.stages.contracts import bar_of, contract

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, CONTRACTS = DOCS / "reference.md", DOCS / "guides" / "stages.md"
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
    return _between(page, "cli-help", rendered())


def page_with_contracts(page: str) -> str:
    """The page with what every stage declares of itself."""
    return _between(page, "contracts", "\n\n".join(contract_of(stage) for stage in ORDER))


def contract_of(stage: Stage) -> str:
    told = contract(stage)
    ports = [("takes", told["inputs"]), ("gives", told["outputs"]), ("records", told["metrics"])]
    parts = [[part, f"`{name}`", words] for part, some in ports for name, words in some.items()]
    checks = [
        [
            name.replace("<", "\\<"),
            bar_of(one),
            one["decides"],
            one["setting"] and f"`{one['setting']}`",
            one["meaning"],
        ]
        for name, one in told["checks"].items()
    ]
    return "\n\n".join(
        [
            f"### {stage.name}\n\n{stage.summary[0].upper()}{stage.summary[1:]}.",
            _table(["", "name", "what it is"], parts),
            _table(["check", "bar", "for", "setting", "what it measures"], checks),
        ]
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _between(page: str, marks: str, text: str) -> str:
    """The page with this text between its marks."""
    head, begin, rest = page.partition(f"<!-- {marks}:begin")
    mark, _, rest = rest.partition("\n")
    _, end, tail = rest.partition(f"<!-- {marks}:end -->")
    return f"{head}{begin}{mark}\n\n{text}\n\n{end}{tail}"


if __name__ == "__main__":
    os.environ.update(PLAIN)
    PAGE.write_text(page_with_help(PAGE.read_text()))
    CONTRACTS.write_text(page_with_contracts(CONTRACTS.read_text()))
