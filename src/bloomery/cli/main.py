"""The command line: parses, calls, prints. Everything heavy is imported inside the commands.

Exit codes: 0 it was done (or paused, as asked), 1 a gate failed or the mistake is ours, 2 the caller can mend
it, 130 interrupted.
"""

import sys
import traceback
from collections.abc import Sequence

import typer

from bloomery import __version__
from bloomery.cli import (
    agents,
    bake,
    compress,
    config,
    coverage,
    diffuse,
    evaluate,
    export,
    forge,
    github,
    learn,
    merge,
    models,
    optimize,
    paper,
    patches,
    quantize,
    queue,
    review,
    specialize,
    testgen,
    testing,
    think,
    train,
    validate,
    workspace,
)
from bloomery.core.disk import is_full_disk
from bloomery.core.errors import BloomeryError

OURS, USERS, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="bloomery",
    help="Turns research papers into small, verified, shippable models. "
    "Anything may propose; only evidence decides.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(forge.app, name="forge")
app.command("eval")(evaluate.evaluate)
app.command("merge")(merge.merge)
app.command("quantize")(quantize.quantize)
app.command("compress")(compress.compress)
app.command("think")(think.think)
app.command("learn")(learn.learn)
app.command("bake")(bake.bake)
app.command("specialize")(specialize.specialize)
app.command("export")(export.export)
app.command("train")(train.train)
app.command("review")(review.review)
app.command("optimize")(optimize.optimize)
app.add_typer(patches.app, name="patches")
app.command("rollback")(patches.rollback)
app.command("validate")(validate.validate)
app.add_typer(queue.app, name="queue")
app.add_typer(agents.app, name="agents")
app.command("stats")(agents.stats)
app.command("testgen")(testgen.generate_tests)
app.add_typer(testing.app, name="test")
app.add_typer(coverage.app, name="coverage")
app.add_typer(diffuse.app, name="diffuse")
app.add_typer(paper.app, name="paper")
app.add_typer(github.app, name="github")
app.add_typer(models.app, name="models")
app.add_typer(workspace.app, name="workspace")
app.add_typer(config.app, name="config")


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"bloomery {__version__}")
        raise typer.Exit


def main() -> None:
    """The process: runs the command that its arguments name and exits."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return the exit code; an error is one line on stderr."""
    try:
        code = app(list(arguments), prog_name="bloomery", standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.Abort:
        return _say("stopped; nothing was done", INTERRUPTED)
    except Exception as error:  # edge: the process; whose mistake it is decides on the exit code
        return _explained(error)
    if code == INTERRUPTED:
        return _say("stopped; the same command goes on from the last checkpoint", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _explained(error: Exception) -> int:
    """One line that says what to do, and the exit code; a traceback only for what nobody foresaw."""
    if isinstance(error, BloomeryError):
        return _say(str(error), error.exit_code)
    if hasattr(error, "format_message"):  # the parser's own: an unknown option, a missing argument
        return _say(_usage(error), USERS)
    if _is_full_disk(error):
        return _say("no space left on the device; free some and start again (nothing was lost)", OURS)
    if isinstance(error, PermissionError | NotADirectoryError):
        return _say(f"{error.filename}: {error.strerror}; name another path, or change its rights", USERS)
    if isinstance(code := getattr(error, "exit_code", None), int):  # of rooms that may not know BloomeryError
        return _say(str(error), code)
    traceback.print_exception(error)
    return _say(f"our mistake ({type(error).__name__}); please report it with the lines above", OURS)


def _usage(error: Exception) -> str:
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]  # every usage error has it
    command = getattr(getattr(error, "ctx", None), "command_path", "bloomery")
    return f"{message}; see `{command} --help`" if message else ""


def _is_full_disk(error: Exception) -> bool:
    """SQLite cannot even read on a full disk, and calls that an I/O error."""
    if type(error).__module__.startswith("sqlalchemy"):
        return any(words in str(error) for words in ("disk is full", "disk I/O error"))
    return is_full_disk(error)


def _say(message: str, code: int) -> int:
    if message:
        word = "error" if code in (OURS, USERS) else "bloomery"
        typer.echo(f"{word}: {' '.join(message.split())}", err=True)
    return code
