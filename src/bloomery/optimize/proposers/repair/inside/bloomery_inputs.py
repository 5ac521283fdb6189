"""Inputs for candidates that passed: the calls that tests made, calls like them, and ever larger ones."""

import base64
import copy
import hashlib
import pickle
import random
import re
import types
from collections.abc import Iterator, Sequence
from typing import Any

from bloomery_tracing import unpack

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
FACTORS = (1, 2, 4, 8)
MOST_EDGED, MOST_REACHED = 4, 200
PLAIN = (int, float, str, bytes, bool, type(None))
MOST_DRAINED = 1000


def inputs_of(job: dict, known: dict) -> list[tuple[str, str, str]]:
    """(kind, function, packed arguments).

    Kinds: passed, failed: of tests; drawn, and near: like those of passing tests alone; edge: with an
    argument that is empty, short, or about zero; grown:FUNCTION:FACTOR.
    """
    rng = random.Random(job["seed"])
    calls: list[tuple[str, str, str]] = [tuple(call) for call in job["calls"] if call[1] in known]
    found = list(dict.fromkeys(calls))[:60]
    by_name: dict[str, list[Any]] = {}
    safe: dict[str, list[Any]] = {}
    for kind, name, packed in found:
        by_name.setdefault(name, []).append(unpack(packed))
        if kind == "passed":
            safe.setdefault(name, []).append(unpack(packed))
    drawn: list[tuple[str, str, str]] = []
    for name, all_given in by_name.items():
        for at in range(job["drawn"] // len(by_name)):
            near = at % 2 == 0 and name in safe
            given = like(rng, safe[name] if near else all_given, name)
            drawn += packed_as("near" if near else "drawn", name, given)
        for given in all_given[:MOST_EDGED]:
            for edged in edges(given, name):
                drawn += packed_as("edge", name, edged)
        largest = max(all_given, key=lambda given: len(pickle.dumps(given)))
        for factor in FACTORS:
            drawn += packed_as(f"grown:{name}:{factor}", name, grown(largest, factor, name))
    return found + drawn


def edges(given: Any, name: str) -> Iterator[Any]:
    """The call with one argument empty, short, or about zero."""
    values, keywords = given
    for place in range(first_of(name), len(values)):
        for small in smallest(values[place]):
            yield [*values[:place], small, *values[place + 1 :]], keywords


def smallest(value: Any) -> list[Any]:
    if type(value) in (list, tuple, str):
        return [part for part in (value[:0], value[:1], value[:2]) if part != value]
    if type(value) in (dict, set):
        return [type(value)()] if value else []
    return [one for one in (0, 1, -1) if one != value] if type(value) is int else []


def packed_as(kind: str, name: str, given: Any) -> list[tuple[str, str, str]]:
    try:
        packed = pickle.dumps(given)
    except Exception:  # edge: inside the sandbox; what cannot be pickled is no input
        return []
    return [(kind, name, base64.b64encode(packed).decode())]


def first_of(name: str) -> int:
    return 1 if "." in name else 0  # a method's self stays as it was recorded


def like(rng: random.Random, all_given: Sequence[Any], name: str) -> Any:
    """A call with parts of several recorded ones, some of them changed a little."""
    base = copy.deepcopy(rng.choice(all_given))
    values, keywords = list(base[0]), dict(base[1])
    for place in range(first_of(name), len(values)):
        if rng.random() < 0.35:
            other = rng.choice(all_given)[0]
            values[place] = other[place] if place < len(other) else values[place]
        if rng.random() < 0.6:
            values[place] = changed(rng, values[place], base)
    return values, keywords


def changed(rng: random.Random, value: Any, around: Any = ()) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([value + 1, value - 1, value + 2, 0, 1, 2 * value, rng.randint(0, abs(value) + 3)])
    if isinstance(value, float):
        return rng.choice([value + 1, value - 0.5, 0.0, 2 * value])
    if isinstance(value, str):
        return "".join(changed_parts(rng, list(value), one_letter))
    if type(value) in (list, tuple):
        return type(value)(changed_parts(rng, list(value), changed))
    if type(value) is dict and value:
        key = rng.choice(list(value))
        kept = dict(value)
        if rng.random() < 0.4:
            del kept[key]
        else:
            kept[key] = changed(rng, value[key])
        return kept
    if type(value) is set and value and rng.random() < 0.7:
        return value - {rng.choice(sorted(value, key=repr))}
    if hasattr(value, "__dict__"):
        objects = alike(value, around)
        if rng.random() < 0.3:
            link(rng, objects)
        return rng.choice(objects)
    return value


def link(rng: random.Random, objects: list[Any]) -> None:
    """One of them refers to another one than before."""
    one, other = rng.choice(objects), rng.choice(objects)
    places = [name for name, held in vars(one).items() if held is None or type(held) is type(one)]
    known = {name for each in objects for name, held in vars(each).items() if type(held) is type(one)}
    if places := [name for name in places if name in known]:
        setattr(one, rng.choice(places), other)


def alike(value: Any, around: Any) -> list[Any]:
    """Objects of the same class that can be reached from the arguments of the same call."""
    seen: dict[int, Any] = {}
    waiting = [around]
    while waiting and len(seen) < MOST_REACHED:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen[id(one)] = one
        waiting += [part for part in held_by(one) if not isinstance(part, PLAIN)]
    return [one for one in seen.values() if type(one) is type(value)] or [value]


def held_by(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(value.values())
    if type(value) in (list, tuple, set):
        return list(value)
    has_parts = hasattr(value, "__dict__") and not isinstance(value, type)
    return list(vars(value).values()) if has_parts else []


def one_letter(rng: random.Random, letter: str) -> str:
    return rng.choice([letter, letter.swapcase(), "a", "b", " ", "1"])


def changed_parts(rng: random.Random, parts: list, change: Any) -> list:
    if not parts:
        return parts
    place = rng.randrange(len(parts))
    how = rng.randrange(7)
    if how == 0:
        del parts[place]
    elif how == 1:
        parts.insert(place, parts[rng.randrange(len(parts))])
    elif how == 2:
        rng.shuffle(parts)
    elif how == 3:
        parts.reverse()
    elif how == 4:
        parts = parts[: place + 1]
    else:
        parts[place] = change(rng, parts[place])
    return parts


def grown(given: Any, factor: int, name: str) -> Any:
    values, keywords = given
    kept = first_of(name)
    return [*values[:kept], *(larger(value, factor) for value in values[kept:])], keywords


def larger(value: Any, factor: int) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 10**6:
        return value * factor
    return value * factor if type(value) in (list, tuple, str) else value


def answer(function: Any, packed: str, out_of_steps: type[BaseException]) -> tuple[str, str]:
    """How the call ended (returned, steps, or the exception's name), and a digest of what came of it."""
    values, keywords = unpack(packed)
    try:
        result = function(*values, **keywords)
        result = drained(result)
    except out_of_steps:
        return "steps", ""
    except BaseException as error:  # edge: a forked child; whatever the candidate raises is its answer
        return type(error).__name__, digest((type(error).__name__, values))
    return "returned", digest((result, values, keywords))


def drained(value: Any) -> Any:
    if isinstance(value, types.GeneratorType | map | filter | zip | enumerate | reversed):
        return ["drained", *(one for one, _ in zip(value, range(MOST_DRAINED), strict=False))]
    return value


def digest(value: Any) -> str:
    text = ADDRESS.sub("", plain(value, 0))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def plain(value: Any, depth: int) -> str:
    if depth > 8:
        return "..."
    if type(value) in (list, tuple):
        return f"{type(value).__name__}({','.join(plain(one, depth + 1) for one in value)})"
    if type(value) is dict:
        pairs = (f"{plain(key, depth)}:{plain(one, depth + 1)}" for key, one in value.items())
        return f"dict({','.join(pairs)})"
    if type(value) in (set, frozenset):
        return f"set({','.join(sorted(plain(one, depth + 1) for one in value))})"
    if type(value).__repr__ is object.__repr__ and hasattr(value, "__dict__"):
        return f"{type(value).__name__}{plain(vars(value), depth + 1)}"
    return repr(value)
