"""Functions that users keep in files of their own, named FILE:FUNCTION."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor

from bloomery.core.errors import MissingFile, UnknownName, UserError
from bloomery.diffusion.guiding.rewards import asked


@dataclass(frozen=True)
class Asked:
    """A function of a file. What it says is checked each time."""

    path: Path
    name: str

    @property
    def place(self) -> str:
        return f"{self.path.name}:{self.name}"

    @property
    def version(self) -> str:
        """The hash of the file; what it imports does not count."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def function(self) -> Callable[[Tensor], Any]:
        found = getattr(_module(self.path), self.name, None)
        if not callable(found):
            known = [name for name, value in vars(_module(self.path)).items() if callable(value)]
            raise UnknownName(f"function of {self.path}", self.name, known)
        return _returning(found)

    def of(self, states: Tensor, timeout_s: float | None) -> Tensor:
        """One number for each row. Shapes: (B, T, 4) -> (B,) in double precision

        Raises: UserError where the function raises, takes too long, or says anything else.
        """
        function = self.function  # loaded outside the time limit
        try:
            return asked(function, states, timeout_s)
        except UserError as error:
            raise UserError(f"{self.place}: {error}") from error


def named(text: str, what: str, beside: Path | None = None) -> Asked:
    """The function that FILE:FUNCTION names, loaded, so that what is wrong with it is said at once.

    Raises: UserError, MissingFile, UnknownName.
    """
    file, _, name = text.rpartition(":")
    if not file or not name.isidentifier():
        raise UserError(f"a {what} is named FILE:FUNCTION, such as coins.py:reward; got '{text}'")
    path = (beside or Path()) / Path(file).expanduser()
    if not path.is_file():
        raise MissingFile(f"there is no file {path} with the {what} '{name}'")
    found = Asked(path.resolve(), name)
    _ = found.function
    return found


_loaded: dict[tuple[Path, bytes], ModuleType] = {}


def _module(path: Path) -> ModuleType:
    """The file as a module, run once for each text of it."""
    key = (path, path.read_bytes())
    if key not in _loaded:
        spec = spec_from_file_location(f"bloomery_asked_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise UserError(f"{path} is no Python file; a reward is a function in a .py file")
        module = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # edge: a file of the user's
            raise UserError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
        _loaded[key] = module
    return _loaded[key]


def _returning(function: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """Leaving the program is no answer either."""

    def call(states: Tensor) -> Any:
        try:
            return function(states)
        except SystemExit as error:
            raise UserError(f"it left the program (SystemExit: {error.code})") from error

    return call
