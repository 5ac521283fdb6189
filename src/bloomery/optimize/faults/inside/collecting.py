"""Runs one test function with the fixtures that need no pytest session: temporary folders and patches."""

import importlib
import inspect
import itertools
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any


class CannotRun(Exception):
    """The test asks for something that only a whole pytest run has."""


def run_test(test: dict, folder: Path) -> None:
    """Raises: CannotRun; what the test raises. `test`: module, name (`test_x` or `TestX.test_y`), case."""
    module = importlib.import_module(test["module"])
    owner, _, name = test["name"].rpartition(".")
    holder = getattr(module, owner)() if owner else module
    function = getattr(holder, name)
    given = cases(function)[test["case"]]
    with ExitStack() as stack:
        wanted = [one for one in inspect.signature(function).parameters if one not in given]
        made = {one: fixture(one, module, folder, stack) for one in wanted}
        function(**made, **given)


def cases(function: Any) -> list[dict[str, Any]]:
    """The arguments of each case of a parametrised test; one empty case without."""
    sets: list[list[dict[str, Any]]] = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name in ("skip", "skipif", "xfail"):
            raise CannotRun(f"it is marked {mark.name}")
        if mark.name == "parametrize":
            sets.append(list(_rows(*mark.args[:2])))
    return [dict(pair for part in parts for pair in part.items()) for parts in itertools.product(*sets)]


def _rows(names: Any, values: Any) -> Iterator[dict[str, Any]]:
    split = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    for value in values:
        row = getattr(value, "values", value) if type(value).__name__ == "ParameterSet" else value
        alone = len(split) == 1 and type(value).__name__ != "ParameterSet"
        yield dict(zip(split, (row,) if alone else row, strict=True))


def fixture(name: str, module: types.ModuleType, folder: Path, stack: ExitStack) -> Any:
    if name == "tmp_path":
        made_folder = folder / "tmp_path"
        made_folder.mkdir(exist_ok=True)
        return made_folder
    if name == "monkeypatch":
        import pytest

        return stack.enter_context(pytest.MonkeyPatch.context())
    function = _function(name, module)
    wanted = inspect.signature(function).parameters
    made = {one: fixture(one, module, folder, stack) for one in wanted}
    value = function(**made)
    if not inspect.isgenerator(value):
        return value
    stack.callback(lambda: next(value, None))
    return next(value)


def _function(name: str, module: types.ModuleType) -> Any:
    """The function behind a fixture of the test's module or of a conftest that is loaded."""
    for place in (module, sys.modules.get("conftest")):
        found = getattr(place, name, None)
        for hidden in ("_get_wrapped_function", "__wrapped__"):
            inner = getattr(found, hidden, None)
            if inner is not None:
                return inner() if hidden.startswith("_get") else inner
    raise CannotRun(f"it asks for the fixture {name}")


def listed(module: types.ModuleType) -> list[tuple[str, int]]:
    """The tests of a module with the count of their cases."""
    found = []
    for name, value in vars(module).items():
        if name.startswith("test") and isinstance(value, types.FunctionType):
            found.append((name, value))
        elif name.startswith("Test") and isinstance(value, type):
            found += [(f"{name}.{inner}", fn) for inner, fn in vars(value).items() if inner[:4] == "test"]
    counted = []
    for name, function in found:
        try:
            counted.append((name, len(cases(function))))
        except CannotRun:
            continue
    return counted
