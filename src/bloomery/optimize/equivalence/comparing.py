"""Two observations of one step: the first thing in which they differ, in words, or nothing."""

import math
from collections.abc import Mapping
from typing import Any

Observed = Mapping[str, Any]
EXHAUSTED = ("RecursionError", "MemoryError")
UNSUITABLE = ("TypeError", "AttributeError")
WHAT = {
    "value": "the returned value",
    "roots": "the arguments afterwards",
    "events": "what happened, in its order (output, calls, items taken)",
    "warnings": "the warnings",
    "contents": "what the module holds afterwards",
    "world": "what is left behind outside (files, environment, random numbers)",
}


def comparable(original: Observed, *, loose: bool) -> bool:
    """Whether the original says anything about this input that a candidate has to keep."""
    if "unbuilt" in original or "state" not in original:
        return False
    if original["state"] == "raised":
        error = original["error"]
        if error["type"] in EXHAUSTED:
            return False
        return error["said"] or not loose
    return not loose


def difference(original: Observed, candidate: Observed, *, tolerance: float = 0.0) -> str:
    """Empty where all is the same, with floats within the relative `tolerance` (0: bit for bit)."""
    if "unbuilt" in candidate:
        return f"the input cannot be built any more: {candidate['unbuilt']}"
    if original["state"] != candidate.get("state"):
        return f"the original {told(original)}; the candidate {told(candidate)}"
    if original["state"] == "raised":
        return _errors(original, candidate, tolerance)
    return _parts(original, candidate, ("value", *list(WHAT)[1:]), tolerance)


def _errors(original: Observed, candidate: Observed, tolerance: float) -> str:
    ours, theirs = original["error"], candidate["error"]
    if ours["type"] != theirs["type"]:
        return f"the original {told(original)}; the candidate {told(candidate)}"
    if ours["type"] in UNSUITABLE and not ours["said"]:
        return (
            ""  # the interpreter's own words for an unsuitable kind: no contract, nor what was done by then
        )
    if not alike(ours["args"], theirs["args"], tolerance):
        return f"the original {told(original)}; the candidate {told(candidate)}"
    if ours["cause"] != theirs["cause"]:
        return f"the error's cause was {ours['cause'] or 'none'}, is {theirs['cause'] or 'none'}"
    return _parts(original, candidate, list(WHAT)[1:], tolerance)


def _parts(original: Observed, candidate: Observed, parts: Any, tolerance: float) -> str:
    for part in parts:
        if not alike(original.get(part), candidate.get(part), tolerance):
            return f"{WHAT[part]}: {shown(original.get(part))} became {shown(candidate.get(part))}"
    return ""


def alike(one: Any, other: Any, tolerance: float) -> bool:
    if tolerance and isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if tolerance and _is_float(one) and _is_float(other):
        a, b = float.fromhex(one[1:]), float.fromhex(other[1:])
        return a == b or math.isclose(a, b, rel_tol=tolerance)
    return bool(one == other)


def _is_float(value: Any) -> bool:
    return isinstance(value, str) and value[:1] == "f" and value[1:2] in "-0123456789" and value != "f"


def told(observed: Observed) -> str:
    if observed.get("state") == "raised":
        return f"raises {shown(observed['error']['args'])}"
    if observed.get("state") == "returned":
        return f"returns {shown(observed['value'])}"
    return "gives no answer"


def shown(value: Any, most: int = 160) -> str:
    text = _plain(value).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else text[:most] + " ..."


def _plain(value: Any) -> str:
    """An encoded value, nearly as Python would print it."""
    if isinstance(value, str):
        if value[:1] == "s":
            return repr(value[1:])
        if _is_float(value):
            return repr(float.fromhex(value[1:]))
        if value == "fnan":
            return "nan"
        return value[1:] if value[:1] in "irc" else value
    if isinstance(value, list) and value and isinstance(value[0], str):
        inner = [_plain(one) for one in value[1:] if not (isinstance(one, str) and one.startswith("#"))]
        if value[0] == "list":
            return f"[{', '.join(inner)}]"
        if value[0] == "@":
            return f"<the same object as no. {value[1]}>"
        return f"{value[0]}({', '.join(inner)})"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(one) for one in value) + "]"
    return repr(value)
