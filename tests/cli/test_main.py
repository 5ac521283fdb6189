"""What holds for every command: help, exit codes, one-line errors, and a light start."""

import errno
import json
import subprocess
import sys

import pytest
import typer
import typer.main

from bloomery.cli import main
from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.training.errors import OutOfMemory

HEAVY = {"torch", "transformers", "sqlalchemy", "matplotlib", "fsspec", "numpy"}
HELP_OF_ALL = """
import io, json, sys
from contextlib import redirect_stdout
import typer.main
from bloomery.cli.main import app, run

def paths(command, path=()):
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from paths(child, (*path, name))

said = {}
for path in paths(typer.main.get_command(app)):
    with redirect_stdout(io.StringIO()) as out:
        code = run([*path, "--help"])
    heavy = sorted(set(json.loads(sys.argv[1])) & set(sys.modules))
    said[" ".join(path)] = [code, len(out.getvalue()), heavy]
print(json.dumps(said))
"""


def test_no_commands_help_imports_what_is_heavy():
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL, json.dumps(sorted(HEAVY))],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert {"", "forge run", "eval", "models rm", "workspace pull", "config show"} <= set(said)
    assert {path: found for path, found in said.items() if found[0] != 0 or found[1] < 100 or found[2]} == {}


def test_the_version_is_printed(bloomery):
    from bloomery import __version__

    assert bloomery("--version") == (0, f"bloomery {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["forge", "rum"], "did you mean 'run'"),
        (["forge", "run", "--bogus"], "--bogus"),
        (["models", "show"], "model"),
        (["workspace", "clean", "--keep-days", "soon"], "--keep-days"),
        (["models", "list", "-w", "no/such/folder"], "no workspace at"),
        (["eval", "./no/such/model"], "no model folder"),
        (["forge", "status", "-w", "no/such/folder"], "no workspace at"),
    ],
)
def test_a_callers_mistake_is_one_line_and_exit_code_2(bloomery, arguments, says):
    said = bloomery(*arguments)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert says.lower() in said.err.lower()
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize("group", [[], ["forge"], ["models"], ["workspace"], ["config"]])
def test_a_group_without_a_command_shows_its_help_and_is_exit_code_2(bloomery, group):
    said = bloomery(*group)
    assert said.code == 2
    assert "Commands" in said.out + said.err


def raising(monkeypatch, error):
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(main, "app", app)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("say a name"), 2, "error: say a name"),
        (CapabilityMissing("install x"), 1, "error: install x"),
        (OutOfMemory("set micro_batch to 4"), 2, "error: set micro_batch to 4"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "error: no space left on the device; free some",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 2, "error: /x/y: Permission denied"),
        (KeyboardInterrupt(), 130, "bloomery: stopped; the same command goes on"),
        (typer.Abort(), 130, "bloomery: stopped; nothing was done"),
        (UserError("two\nlines"), 2, "error: two lines"),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_line(bloomery, monkeypatch, error, code, line):
    raising(monkeypatch, error)
    said = bloomery()
    assert said.code == code
    assert said.err.strip().startswith(line)
    assert len(said.err.strip().splitlines()) == 1


def test_what_nobody_foresaw_is_our_mistake_with_a_traceback(bloomery, monkeypatch):
    raising(monkeypatch, RuntimeError("boom"))
    said = bloomery()
    assert said.code == 1
    assert "Traceback" in said.err
    assert (
        said.err.splitlines()[-1]
        == "error: our mistake (RuntimeError); please report it with the lines above"
    )


def test_a_reader_that_leaves_early_gets_no_traceback(forged_workspace):
    command = f"{sys.executable} -m bloomery models list --json -w {forged_workspace} | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[", "")
