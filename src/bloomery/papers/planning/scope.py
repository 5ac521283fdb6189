"""Which parts a plan has: where its intent starts, and all that this stands on."""

import re
from collections.abc import Iterable, Mapping, Sequence

from bloomery.core.errors import UnknownName, UserError
from bloomery.papers import references
from bloomery.papers.context import Context
from bloomery.papers.graph import PARTS, Graph, Node
from bloomery.papers.planning.intents import STARTS, Intent
from bloomery.papers.planning.planned import Priority


def scope(
    graph: Graph, contexts: Mapping[str, Context], intent: Intent, components: Sequence[str]
) -> dict[str, Node]:
    """The parts of the plan by id, in the graph's order.

    Raises: UserError for an intent `component` without components or another with them, UnknownName for a
        component that no context has.
    """
    if (intent.start == "chosen") != bool(components):
        told = "name at least one, such as titans:13" if not components else "leave them out, or ask for it"
        raise UserError(f"components belong to the intent component, and to no other: {told}")
    start = (
        [node for name in components for node in component(graph, contexts, name)]
        if components
        else _start(graph, contexts, intent)
    )
    kept = closure(graph, start)
    return {name: node for name, node in graph.nodes.items() if name in kept}


def _start(graph: Graph, contexts: Mapping[str, Context], intent: Intent) -> list[str]:
    found = []
    for paper in contexts:
        own = [node for node in graph.nodes.values() if node.paper == paper and node.kind in PARTS]
        chosen = [node.id for node in own if node.kind in STARTS[intent.start]]
        found += chosen or [node.id for node in own]
    return found


def closure(graph: Graph, start: Iterable[str]) -> set[str]:
    """These nodes and all that they stand on, directly or not; papers are no parts."""
    waiting, found = list(start), set(start)
    while waiting:
        for need in graph.needs(waiting.pop()):
            if need not in found and graph.nodes[need].kind in PARTS:
                found.add(need)
                waiting.append(need)
    return found


def component(graph: Graph, contexts: Mapping[str, Context], name: str) -> list[str]:
    """The parts that `titans:13`, `13-15`, `titans:algorithm 1`, `lmm` or `titans` names.

    Raises: UnknownName, and UserError for what more than one paper has.
    """
    name = " ".join(name.split())
    if name.lower() in contexts:
        return [node.id for node in graph.nodes.values() if node.paper == name.lower() and node.kind in PARTS]
    paper, _, local = name.rpartition(":")
    papers = [paper.lower()] if paper else list(contexts)
    found = {
        one: nodes for one in papers if one in contexts and (nodes := _local(graph, contexts[one], local))
    }
    if not found:
        parts = [node.id for node in graph.nodes.values() if node.kind in PARTS]
        raise UnknownName("equation, algorithm or module", name, parts)
    if len(found) > 1:
        told = ", ".join(f"{one}:{local}" for one in found)
        raise UserError(f"'{name}' is a part of more than one paper; name one of {told}")
    return next(iter(found.values()))


def _local(graph: Graph, context: Context, name: str) -> list[str]:
    """The nodes of a paper that this names, by number, range, alias or module."""
    named = re.sub(r"^(?:eq(?:uation)?s?\.?)\s+", "", name, flags=re.IGNORECASE)
    for form in (named, named.lower(), f"module {named.lower()}"):
        if f"{context.paper_id}:{form}" in graph.nodes:
            return [f"{context.paper_id}:{form}"]
    equations = [context.equation(number) for number in references.numbers(named)]
    if not equations or any(one is None for one in equations):
        return []
    return [context.global_id(one.number) for one in equations if one]


def priorities(graph: Graph, parts: Mapping[str, Node]) -> dict[str, Priority]:
    """Of each part by its position.

    P0 is what needs nothing while others stand on it, and what an algorithm, a module or another paper stands
    on, directly or not; P1 what equations of its own paper stand on, and algorithms and modules on which
    nothing stands; P2 equations on which nothing stands.
    """
    inside = {name: [one for one in graph.needed_by(name) if one in parts] for name in parts}
    carrying = [
        name
        for name, node in parts.items()
        if any(parts[one].kind != "equation" or parts[one].paper != node.paper for one in inside[name])
    ]
    carrying = [name for name in closure(graph, carrying) if name in parts]
    first = {name for name in parts if inside[name] and not any(one in parts for one in graph.needs(name))}
    core = first | set(carrying)
    return {
        name: "P0" if name in core else "P1" if inside[name] or parts[name].kind != "equation" else "P2"
        for name in parts
    }
