"""The file under repair: loaded with its steps counted, and its functions exchanged for a candidate's."""

import base64
import gc
import marshal
import os
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

from bloomery_job import JOB, TARGET

Known = dict[str, list[FunctionType]]
CODE = marshal.loads(base64.b64decode(JOB["code"]))
_load = SourceFileLoader.get_code
_names: list[str] = []


def _get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
    if os.path.realpath(loader.path) != TARGET:
        return _load(loader, name)
    _names.append(name)
    return CODE


SourceFileLoader.get_code = _get_code  # type: ignore[method-assign, assignment]


def is_loaded() -> bool:
    return bool(_names)


def functions() -> Known:
    """Every function object of the target, by qualified name."""
    found: Known = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and os.path.realpath(one.__code__.co_filename) == TARGET:
            found.setdefault(one.__code__.co_qualname, []).append(one)
    return found


def swap(trial: dict[str, Any], known: Known) -> bool:
    """Whether the candidate is in place."""
    for text, kind in trial["codes"]:
        code = marshal.loads(base64.b64decode(text))
        done = swap_data(code) if kind == "data" else swap_functions(code, known, defaults=kind == "defaults")
        if not done:
            return False
    return True


def swap_functions(code: CodeType, known: Known, *, defaults: bool) -> bool:
    swapped = False
    waiting = [code]
    while waiting:
        one = waiting.pop()
        for function in known.get(one.co_qualname, ()):
            if one.co_freevars != function.__code__.co_freevars:
                continue
            function.__code__ = one
            swapped = True
            if defaults:
                swap_defaults(code, function)
        waiting += [constant for constant in one.co_consts if isinstance(constant, CodeType)]
    return swapped


def swap_defaults(code: CodeType, function: FunctionType) -> None:
    space = dict(function.__globals__)
    exec(code, space)
    made: Any = space
    for part in function.__code__.co_qualname.split("."):
        made = made[part] if isinstance(made, dict) else getattr(made, part)
    function.__defaults__, function.__kwdefaults__ = made.__defaults__, made.__kwdefaults__


def swap_data(code: CodeType) -> bool:
    """Assigns at the top of the module again; whoever imported the old value by its name gets the new one."""
    modules = [sys.modules[name] for name in _names if name in sys.modules]
    for module in modules:
        space = vars(module)
        before = dict(space)
        exec(code, space)
        for name, value in space.items():
            if name in before and before[name] is not value and not name.startswith("__"):
                for other in list(sys.modules.values()):
                    if getattr(other, "__dict__", {}).get(name) is before[name]:
                        setattr(other, name, value)
    return bool(modules)
