"""Plain values over a pipe, exactly: both sides of `call` use this text, the inner one without our package.

Only the built-in types themselves pass: an object that calls itself equal to everything has no way across.
"""

import base64
import json
from typing import Any


def encode(value: Any) -> str:
    """One line of JSON. Raises: TypeError for anything that is not plain."""
    return json.dumps(_tagged(value))


def decode(text: str) -> Any:
    """The value again. Raises: ValueError for a text that `encode` would not write."""
    try:
        return _untagged(json.loads(text))
    except (TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a value: {error}") from error


def _tagged(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return ["float", value.hex()]
    if kind is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if kind is bytes:
        return ["bytes", base64.b64encode(value).decode()]
    if kind is dict:
        return ["dict", *([_tagged(key), _tagged(item)] for key, item in value.items())]
    if kind in (list, tuple, set, frozenset):
        return [kind.__name__, *(_tagged(item) for item in value)]
    raise TypeError(f"a {kind.__name__} is not a plain value")


def _untagged(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if not isinstance(value, list):
        raise TypeError(f"unexpected {type(value).__name__}")
    kind, *items = value
    if kind == "float":
        return float.fromhex(*items)
    if kind == "complex":
        return complex(float.fromhex(items[0]), float.fromhex(items[1]))
    if kind == "bytes":
        return base64.b64decode(items[0], validate=True)
    if kind == "dict":
        return {_untagged(key): _untagged(item) for key, item in items}
    return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](map(_untagged, items))
