"""Calls that are known, made larger in ways that keep their form; the original says which of them it takes.

Containers get copies of what they hold under other names: numbers shifted by their span, so that sorted lists
stay sorted and permutations permutations, texts with a number behind them. Copies of a graph are joined by
one link each, as a tree or in a chain. Numbers that are the length of a container grow with it, a second node
that is named beside a graph is the last copy's. Matrices are tiled, numbers multiplied, and at last anything
is repeated as it is.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bloomery.optimize.timing.graphs import joined, nodes_of
from bloomery.optimize.timing.workload import Call, Workload

TIMES = tuple(2**at for at in range(1, 13))
SCALES = tuple(2 ** (at / 2) for at in range(1, 73))
SIDES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MOST_TEXT, LARGEST = 1_000_000, 2**40
Values = Sequence[Any]
Way = Callable[[Values, Any], "list[Any] | None"]


def grown(call: Call) -> Iterator[tuple[Workload, ...]]:
    """For each way to grow it the rungs, smallest first; nothing where nothing of it can be read."""
    values = [literal(text) for _, text in call.given]
    graphs = any(nodes_of(one) for one in values)
    ways: list[tuple[str, Way, Sequence[Any]]] = [("{} copies of its arguments", _tree, TIMES)]
    if graphs:
        ways.append(("{} copies of its arguments in a chain", _chain, TIMES))
    ways.append(("{} times its matrix each way", _tiled, SIDES))
    ways.append(("its numbers times {:.3g}", _scaled, SCALES))
    for source, way, scales in ways:
        rungs = tuple(_rungs(call, values, source, way, scales))
        if rungs:
            yield rungs


def repeated(call: Call) -> tuple[Workload, ...]:
    """Texts and lists repeated as they are."""
    values = [literal(text) for _, text in call.given]
    if not any(isinstance(one, str | list | tuple) for one in values):
        return ()
    rungs = []
    for times in TIMES:
        given = tuple(
            (key, f"{text} * {times}" if isinstance(one, str | list | tuple) else text)
            for (key, text), one in zip(call.given, values, strict=True)
        )
        rungs.append(Workload(call.function, (Call(call.function, given),), f"its arguments {times} times"))
    return tuple(rungs)


def literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _rungs(call: Call, values: Values, source: str, way: Way, scales: Sequence[Any]) -> Iterator[Workload]:
    for scale in scales:
        larger = way(values, scale)
        if larger is None:
            return
        given = tuple(
            (key, text if after == before else repr(after))
            for (key, text), before, after in zip(call.given, values, larger, strict=True)
        )
        if given == call.given:
            continue
        if sum(len(text) for _, text in given) > MOST_TEXT:
            return
        yield Workload(call.function, (Call(call.function, given),), source.format(scale))


def _tree(values: Values, times: int) -> list[Any] | None:
    return _copied(values, times, lambda at: (at - 1) // 2)


def _chain(values: Values, times: int) -> list[Any] | None:
    return _copied(values, times, lambda at: at - 1)


def _copied(values: Values, times: int, before: Callable[[int], int]) -> list[Any] | None:
    """All containers so many times; copy `at` of a graph is reached from copy `before(at)`."""
    if not any(_grows(one) for one in values):
        return None
    stride = _stride(values)
    nodes = next((found for one in values if (found := nodes_of(one))), [])
    named = [at for at, one in enumerate(values) if isinstance(one, int | str) and one in nodes]
    first = values[named[0]] if named else (nodes or [None])[0]
    last = values[named[-1]] if named[1:] else (nodes or [None])[-1]
    out: list[Any] = []
    for place, one in enumerate(values):
        if _grows(one):
            links = [(_other(last, before(at), stride), _other(first, at, stride)) for at in range(1, times)]
            out.append(joined(_several(one, times, stride), links if nodes_of(one) else ()))
        elif place in named[1:]:
            out.append(_other(one, times - 1, stride))
        else:
            out.append(one * times if _is_length(one, values) else one)
    return out


def _grows(value: object) -> bool:
    return (isinstance(value, list | set | dict) and bool(value)) or _is_row(value)


def _is_row(value: object) -> bool:
    """A tuple of equals; others have their length for a reason."""
    return isinstance(value, tuple) and len(value) > 1 and len({type(one) for one in value}) == 1


def _several(value: Any, times: int, stride: int) -> Any:
    copies = [_copy(value, at, stride) for at in range(times)]
    if isinstance(value, dict):
        return {key: held for one in copies for key, held in one.items()}
    return type(value)(item for one in copies for item in one)


def _copy(value: Any, at: int, stride: int) -> Any:
    """Values of a mapping that are none of its keys are no names: they stay what they are."""
    if isinstance(value, dict):
        return {_other(key, at, stride): _held(held, value, at, stride) for key, held in value.items()}
    return _other(value, at, stride)


def _other(value: Any, at: int, stride: int) -> Any:
    if isinstance(value, list | tuple | set):
        return type(value)(_other(one, at, stride) for one in value)
    if isinstance(value, str):
        return f"{value}{at}" if at else value
    return value + at * stride if isinstance(value, int | float) and not isinstance(value, bool) else value


def _held(value: Any, names: Any, at: int, stride: int) -> Any:
    if isinstance(value, dict):
        return {_held(key, names, at, stride): held for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return type(value)(_held(one, names, at, stride) for one in value)
    return _other(value, at, stride) if value in names else value


def _stride(values: Values) -> int:
    """One more than the numbers span; of lists of neighbours, as many as there are lists."""
    found = [one for value in values if _grows(value) for one in _numbers(value)]
    span = int(max(found, default=0) - min(found, default=0)) + 1
    return max([span, *(len(nodes_of(one)) for one in values if isinstance(one, list))])


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, list | tuple | set | dict):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
        yield value


def _is_length(value: object, values: Values) -> bool:
    """Of a container, or of the nodes of a graph."""
    held = [size for one in values if _grows(one) for size in (len(one), len(nodes_of(one)))]
    return type(value) is int and value > 1 and value in held


def _tiled(values: Values, times: int) -> list[Any] | None:
    if not any(map(_is_matrix, values)):
        return None
    sides = {len(one) for one in values if _is_matrix(one)}
    return [
        [row * times for row in one] * times
        if _is_matrix(one)
        else (one * times if type(one) is int and one in sides else one)
        for one in values
    ]


def _is_matrix(value: object) -> bool:
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(one, list) for one in value):
        return False
    return len({len(one) for one in value}) == 1 and bool(value[0])


def _scaled(values: Values, factor: float) -> list[Any] | None:
    """Numbers that are an argument by themselves, lengths aside."""
    chosen = [type(one) in (int, float) and one and not _is_length(one, values) for one in values]
    numbers = [one for one, is_ in zip(values, chosen, strict=True) if is_]
    if not numbers or max(map(abs, numbers)) * factor > LARGEST:
        return None
    return [
        (round(one * factor) if type(one) is int else one * factor) if is_ else one
        for one, is_ in zip(values, chosen, strict=True)
    ]
