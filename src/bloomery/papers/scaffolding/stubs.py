"""Algorithms and modules as they are before anybody wrote them, and their tests."""

from collections.abc import Callable, Iterator, Mapping

from bloomery.papers import shape as shapes
from bloomery.papers.context import Algorithm, Context, Module
from bloomery.papers.planning import Plan
from bloomery.papers.planning.planned import Part
from bloomery.papers.scaffolding.functions import sentence
from bloomery.papers.scaffolding.printing import imported
from bloomery.papers.scaffolding.sizes import plain, sizes

Render = Callable[..., str]


def stubs(plan: Plan, contexts: Mapping[str, Context], render: Render) -> Iterator[tuple[str, str]]:
    """Path and text of each source and test."""
    for part in plan.of_kind("algorithm", "module"):
        context = contexts[part.paper]
        if part.kind == "algorithm":
            yield from _algorithm(part, context, render)
        else:
            yield from _module(part, context, render)


def _stem(part: Part) -> str:
    return part.source.rpartition("/")[2].removesuffix(".py")


def _values(part: Part) -> dict[str, object]:
    shown = f"{part.paper.upper()} {part.label if part.kind == 'module' else part.label.lower()}"
    return {
        "paper": part.paper,
        "label": part.label,
        "shown": shown,
        "heading": f"{part.label} of {part.paper.upper()}"
        + (f": {part.name}" if part.name else "").rstrip("."),
        "test_name": part.test.rpartition("/")[2].removesuffix(".py").removeprefix("test_"),
    }


def _imports(part: Part, name: str, *, fails: bool) -> str:
    module = part.source.removeprefix("src/").removesuffix(".py").replace("/", ".")
    third = ["import pytest"] if fails else []
    return "\n".join([*third, "import torch", "", imported(module, [name])])


def _algorithm(part: Part, context: Context, render: Render) -> Iterator[tuple[str, str]]:
    number = part.label.removeprefix("Algorithm ")
    found = next(
        (one for one in context.algorithms if one.number.lower() == number.lower()), Algorithm(number)
    )
    name, values = _stem(part), _values(part)
    told = sentence(found.purpose or found.name or part.label)
    yield part.source, render("src/algorithm.py", name=name, told=told, body=found.pseudocode, **values)
    missing = "; ".join(found.criteria) or "its context states no test criteria"
    asked = f"{values['shown']} has no oracle yet; write a test of: {missing}"
    values |= {"imports": _imports(part, name, fails=True), "call": name, "sizes": (), "asked": asked}
    yield part.test, render("tests/test_part.py", **values)


def _module(part: Part, context: Context, render: Render) -> Iterator[tuple[str, str]]:
    found = next((one for one in context.architecture.modules if one.name == part.label), Module(part.label))
    values = _values(part)
    name = "".join(word.capitalize() for word in _stem(part).split("_")) or "Part"
    declared = (
        f"{found.input_shape} -> {found.output_shape}" if found.input_shape and found.output_shape else ""
    )
    told = sentence(found.detail or found.name)
    yield part.source, render("src/module.py", class_name=name, told=told, shapes=declared, **values)
    sized = _sized(found)
    asked = f"{values['shown']} declares no shapes that can be read; write what it takes and gives"
    values |= {"imports": _imports(part, name, fails=not sized), "call": f"{name}()"}
    yield part.test, render("tests/test_part.py", sizes=sized, asked=asked, **values)


def _sized(module: Module) -> tuple[str, ...]:
    """The sizes of a module's input, and its output's shape, as code."""
    read = [shapes.parse(text) for text in (module.input_shape, module.output_shape)]
    if not module.input_shape or not module.output_shape or any(one.kind != "dimensions" for one in read):
        return ()
    named = [tuple(plain(one) for one in declared.dimensions if one != "...") for declared in read]
    known = sizes(one for dimensions in named for one in dimensions)
    given, gives = (tuple(known[one] for one in dimensions) for dimensions in named)
    return (", ".join(map(str, given)), str(gives)) if given else ()
