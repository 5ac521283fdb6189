"""A file reader: a text file of one folder, whole or one line of it, and nothing outside of that folder."""

from collections.abc import Callable
from pathlib import Path

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.core.sandbox import read_result
from bloomery.tasks.tools.tool import Tool, ToolFailed, World, arguments

MOST_BYTES = 2**16


def file_reader(folder: Path | None = None) -> Tool:
    """Reads below `folder`; without one, the files that the attempt's world holds."""
    return Tool(
        name="file",
        letter="f",
        description="The text of a file; with a line (from 1), that line alone.",
        parameters=arguments(
            {
                "path": {"type": "string", "minLength": 1, "maxLength": 200},
                "line": {"type": "integer", "minimum": 1},
            },
            optional=("line",),
        ),
        start=lambda world: _reading(world, folder),
    )


def _reading(world: World, folder: Path | None) -> Callable[..., str]:
    def use(path: str, line: int | None = None) -> str:
        text = _of_world(world, path) if folder is None else _of_folder(folder, path)
        return text if line is None else _line(text, line, path)

    return use


def _of_world(world: World, path: str) -> str:
    if path not in world.files:
        raise ToolFailed(f"there is no file '{path}'")
    return world.files[path]


def _of_folder(folder: Path, path: str) -> str:
    try:
        return read_result(folder, path, most_bytes=MOST_BYTES).decode()
    except MissingFile as error:
        raise ToolFailed(f"there is no file '{path}'") from error
    except (FormatRefused, ValueError, OSError) as error:
        raise ToolFailed(f"'{path}' is no text file of at most {MOST_BYTES} bytes in the folder") from error


def _line(text: str, line: int, path: str) -> str:
    lines = text.splitlines()
    if line > len(lines):
        raise ToolFailed(f"'{path}' has {len(lines)} lines, not {line}")
    return lines[line - 1]
