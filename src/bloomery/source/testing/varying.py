"""Cases a little different from ones that already get somewhere, and simpler ones."""

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from bloomery.source.testing.cases import Case, Origin
from bloomery.source.testing.mining import Mined


def varied(case: Case, others: Sequence[Case], mined: Mined, rng: Random) -> Case | None:
    """One change in what a case says; None where the draw came to nothing."""
    texts = [*case.setup, case.call]
    if case.setup and rng.random() < 0.25:
        changed = _other_setup(case, others, rng)
        return changed if changed and changed.key != case.key else None
    for _ in range(1 + (rng.random() < 0.3)):
        at = rng.randrange(len(texts))
        texts[at] = _changed(texts[at], mined, rng)
    made = replace(case, setup=tuple(texts[:-1]), call=texts[-1], origin=_origin(case))
    return made if made.key != case.key else None


def simpler(case: Case) -> Iterator[Case]:
    """Cases that say less: fewer statements, shorter collections and texts, smaller numbers."""
    for at, statement in enumerate(case.setup):
        if " = " not in statement:
            yield replace(case, setup=case.setup[:at] + case.setup[at + 1 :], origin=_origin(case))
    texts = [*case.setup, case.call]
    for at, text in enumerate(texts):
        for shorter in _simpler_texts(text):
            changed = [*texts[:at], shorter, *texts[at + 1 :]]
            yield replace(case, setup=tuple(changed[:-1]), call=changed[-1], origin=_origin(case))


def _origin(case: Case) -> Origin:
    """A variation of a guess is a guess."""
    return "guess" if case.origin == "guess" else "varied"


def _other_setup(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A statement less, one twice, or one of another case with the same names."""
    steps = [at for at, text in enumerate(case.setup) if " = " not in text]
    setup = list(case.setup)
    draw = rng.random()
    if draw < 0.3 and steps:
        del setup[rng.choice(steps)]
    elif draw < 0.5 and steps:
        at = rng.choice(steps)
        setup.insert(at, setup[at])
    else:
        names = {text.partition(" = ")[0] for text in setup if " = " in text}
        known = [
            text
            for other in others
            for text in other.setup
            if " = " not in text and text.partition(".")[0] in names
        ]
        if not known:
            return None
        setup.append(rng.choice(known))
    return replace(case, setup=tuple(setup), origin=_origin(case))


def _changed(text: str, mined: Mined, rng: Random) -> str:
    tree = ast.parse(text)
    places = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict)
        and not (isinstance(node, ast.Constant) and node.value is None)
    ]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > 1]
    if calls and rng.random() < 0.1:
        call = rng.choice(calls)
        a, b = rng.sample(range(len(call.args)), 2)
        call.args[a], call.args[b] = call.args[b], call.args[a]
    elif len(places) > 1 and rng.random() < 0.15:
        _made_equal(places, rng)
    elif places:
        _change(rng.choice(places), mined, rng)
    return ast.unparse(tree)


def _change(node: ast.expr, mined: Mined, rng: Random) -> None:
    if isinstance(node, ast.Constant):
        node.value = _another(node.value, mined, rng)  # type: ignore[assignment]
    elif isinstance(node, ast.Dict):
        _change_pairs(node, rng)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        _change_items(node.elts, rng)


def _made_equal(places: Sequence[ast.expr], rng: Random) -> None:
    """One constant becomes what another one of its type is."""
    one, other = rng.sample(places, 2)
    both = isinstance(one, ast.Constant) and isinstance(other, ast.Constant)
    if both and type(one.value) is type(other.value):  # type: ignore[attr-defined]
        one.value = other.value  # type: ignore[attr-defined]


def _another(value: object, mined: Mined, rng: Random) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        near = [value + 1, value - 1, -value, value * 2, value // 2, 0, 1, value + 10, value * 10, value % 10]
        return rng.choice([*near, *map(ast.literal_eval, mined.ints[:20])])
    if isinstance(value, float):
        near_floats = [
            value + 1,
            value - 1,
            -value,
            value * 2,
            value / 2,
            0.0,
            float(round(value)),
            value + 0.5,
        ]
        return rng.choice([*near_floats, *map(ast.literal_eval, mined.floats[:12])])
    if isinstance(value, str):
        return _another_text(value, mined, rng)
    return value


def _another_text(value: str, mined: Mined, rng: Random) -> str:
    at = rng.randrange(len(value) + 1)
    known = [ast.literal_eval(text) for text in mined.strings[:24]]
    pieces = [*known, *"aA1 -_.,:;=()[]", "\n", "ab", "12"]
    piece = rng.choice(pieces)
    options = [
        value[:at] + piece + value[at:],
        value[:at] + value[at + 1 :],
        value[:at] + piece + value[at + 1 :],
    ]
    options += [piece + value, f"{value} {value}", f"{piece}{value} {piece}{value}"]
    options += [value.upper(), value.lower(), value[::-1], value * 2, value + piece, piece, value.strip()]
    return rng.choice(options)[:60]


def _change_items(items: list[ast.expr], rng: Random) -> None:
    draw = rng.random()
    if not items:
        items.append(ast.Constant(rng.randrange(-2, 5)))
    elif draw < 0.3:
        del items[rng.randrange(len(items))]
    elif draw < 0.6:
        items.insert(rng.randrange(len(items) + 1), copy.deepcopy(rng.choice(items)))
    elif draw < 0.8:
        rng.shuffle(items)
    else:
        items.reverse()


def _change_pairs(node: ast.Dict, rng: Random) -> None:
    if not node.keys:
        node.keys.append(ast.Constant("a"))
        node.values.append(ast.Constant(1))
    elif rng.random() < 0.5:
        at = rng.randrange(len(node.keys))
        del node.keys[at], node.values[at]
    else:
        order = list(range(len(node.values)))
        rng.shuffle(order)
        node.values = [node.values[at] for at in order]


def _simpler_texts(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            value = node.value
            for smaller in _smaller(value):
                node.value = smaller  # type: ignore[assignment]
                yield ast.unparse(tree)
            node.value = value
        elif isinstance(node, ast.List | ast.Set | ast.Tuple) and len(node.elts) > 1:
            whole = node.elts
            for at in range(len(whole)):
                node.elts = whole[:at] + whole[at + 1 :]
                yield ast.unparse(tree)
            node.elts = whole
        elif isinstance(node, ast.Dict) and node.keys:
            keys, values = node.keys, node.values
            for at in range(len(keys)):
                node.keys, node.values = keys[:at] + keys[at + 1 :], values[:at] + values[at + 1 :]
                yield ast.unparse(tree)
            node.keys, node.values = keys, values
        elif isinstance(node, ast.Call) and node.keywords:
            keywords = node.keywords
            for at in range(len(keywords)):
                node.keywords = keywords[:at] + keywords[at + 1 :]
                yield ast.unparse(tree)
            node.keywords = keywords


def _smaller(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield from (
            one for one in (0, 1, 2, 3, abs(value), value // 10) if abs(one) < abs(value) or one == -value > 0
        )
    elif isinstance(value, float):
        yield from (one for one in (0.0, 1.0, 0.5, float(round(value))) if len(repr(one)) < len(repr(value)))
    elif isinstance(value, str) and value:
        yield from {"", "a", value[: len(value) // 2], value[1:], value[:-1], value.strip()} - {value}
