"""Life stories of objects: which methods are called, in which order, on one object or two."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from bloomery.optimize.equivalence.kinds import ANY, Classes, Kind, Parameter, parameters
from bloomery.optimize.equivalence.trials import Step, Trial
from bloomery.optimize.equivalence.values import Values, built
from bloomery.source.python import FUNCTION

STORIES, LENGTH = 40, 9
LEFT_OUT = ("__init__", "__new__", "__del__", "__getattribute__", "__post_init__", "__init_subclass__")


@dataclass(frozen=True)
class Method:
    """`attribute`: read without a call, as a property is."""

    name: str
    parameters: tuple[Parameter, ...]
    attribute: bool


def methods_of(node: ast.ClassDef, classes: Classes) -> tuple[Method, ...]:
    found = {}
    for one in node.body:
        if isinstance(one, FUNCTION) and one.name not in LEFT_OUT:
            names = [ast.unparse(decorator) for decorator in one.decorator_list]
            if any(name.endswith((".setter", ".deleter")) for name in names):
                continue
            attribute = any("property" in name for name in names)
            static = "staticmethod" in names
            found[one.name] = Method(one.name, parameters(one.args, classes, bound=not static), attribute)
    return tuple(found.values())


def stories(values: Values, name: str, methods: tuple[Method, ...], focus: frozenset[str]) -> list[Trial]:
    """Trials in which the methods of `focus` are called more often than others."""
    if not methods:
        return []
    weights = [4 if one.name in focus else 2 if not one.name.startswith("_") else 1 for one in methods]
    trials = []
    for number in range(STORIES):
        steps = [Step((("o0", built(values, name, values.classes.built.get(name, ()))),), "o0")]
        if number % 4 == 3:
            steps.append(Step((("o1", built(values, name, values.classes.built.get(name, ()))),), "o1"))
        for _ in range(LENGTH if number % 2 else 4):
            method = values.rng.choices(methods, weights)[0]
            steps += _calls(values, method, values.rng.choice(("o0", "o1")) if number % 4 == 3 else "o0")
            if values.rng.random() < 0.15:
                steps.append(Step((), f"spoil_(r{len(steps) - 1})"))
        trials.append(Trial(0, tuple(steps)))
    return trials


def _calls(values: Values, method: Method, owner: str) -> Iterator[Step]:
    if method.attribute:
        yield Step((), f"{owner}.{method.name}")
        return
    lets, names = [], []
    for at, one in enumerate(method.parameters):
        if one.way in ("many", "named") or (one.has_default and values.rng.random() < 0.4):
            continue
        kind = one.kind if one.kind != ANY else values.rng.choice((Kind("int"), Kind("str"), ANY))
        text = values.rng.choice(values.edges(kind)) if values.rng.random() < 0.25 else values.draw(kind, 1)
        lets.append((f"a{at}", text))
        names.append(f"{one.name}=a{at}" if one.way != "positional" else f"a{at}")
    yield Step(tuple(lets), f"{owner}.{method.name}({', '.join(names)})")
