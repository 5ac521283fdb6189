"""Sources are read as they stand, and what does not parse is named with its line."""

import inspect
import textwrap
from pathlib import Path

import pytest

from bloomery.core.errors import MissingFile, UnknownName
from bloomery.source.python import NotPython, function, parse, parse_text, symbols

SAMPLE = '''import functools


@functools.cache
@staticmethod
def outer(x):
    """Says so."""

    def inner():
        return x

    return inner


class Memory:
    def update(self): ...

    class Gate:
        async def open(self): ...


if True:

    def guarded(): ...

try:
    pass
except ValueError:

    def handled(): ...
'''


def test_symbols_have_the_names_that_python_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE.replace("@staticmethod\n", ""))
    namespace: dict = {"__name__": "sample"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    real = {
        namespace["outer"].__wrapped__.__qualname__,
        namespace["outer"](1).__qualname__,
        namespace["Memory"].__qualname__,
        namespace["Memory"].update.__qualname__,
        namespace["Memory"].Gate.__qualname__,
        namespace["Memory"].Gate.open.__qualname__,
        namespace["guarded"].__qualname__,
        "handled",
    }
    assert {symbol.name for symbol in symbols(parse(path).tree)} == real


def test_a_symbol_knows_its_lines_docstring_and_decorators() -> None:
    outer = symbols(parse_text(SAMPLE, Path("sample.py")).tree)[0]
    assert (outer.first_line, outer.line, outer.end_line) == (4, 6, 12)
    assert (outer.docstring, outer.decorators) == ("Says so.", ("functools.cache", "staticmethod"))


def test_lines_of_symbols_are_those_that_the_interpreter_counts() -> None:
    for name, module in [("textwrap", textwrap), ("inspect", inspect)]:
        path = Path(inspect.getfile(module))
        found = [(symbol.name, symbol.first_line) for symbol in symbols(parse(path).tree)]
        for member, value in inspect.getmembers(module, inspect.isfunction):
            if value.__module__ == name and not hasattr(value, "__wrapped__"):
                assert (member, value.__code__.co_firstlineno) in found


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"x = 1\ny = (\n", 2),
        (b"x = 1\n\nz = '\xff'\n", 3),
        (b"x = 1\ny = '\0'\n", 2),
        (b"# coding: no-such\n", 1),
        (b"(" * 5000 + b")" * 5000, 1),
    ],
)
def test_what_does_not_parse_is_named_by_path_and_line(tmp_path: Path, data: bytes, line: int) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(data)
    with pytest.raises(NotPython, match=f"broken.py:{line}: not Python: ") as refused:
        parse(path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"nowhere\.py"):
        parse(tmp_path / "nowhere.py")


def test_an_unknown_function_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'Memory\.update'"):
        function(parse_text(SAMPLE, Path("sample.py")), "Memory.updat")
