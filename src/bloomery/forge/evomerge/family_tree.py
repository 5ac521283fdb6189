"""A champion's ancestors as a graph that the report draws."""

from typing import Any

from bloomery.forge.evolving.history import History, Individual, ancestry

MOST = 24


def family_tree(history: History, name: str) -> dict[str, Any]:
    """The nearest ancestors first, at most MOST individuals; what was left out is counted in the title."""
    everyone = ancestry(history, name)
    shown = _nearest(everyone, name)
    left_out = len(everyone) - len(shown)
    more = f", {left_out} earlier ancestors left out" if left_out else ""
    return {
        "title": f"Lineage of the champion, candidate {name}{more}",
        "nodes": [_node(one, set(shown), name) for one in everyone if one.name in shown],
    }


def _nearest(everyone: list[Individual], name: str) -> dict[str, Individual]:
    by_name = {one.name: one for one in everyone}
    shown = {name: by_name[name]}
    waiting = [name]
    while waiting and len(shown) < MOST:
        for parent in by_name[waiting.pop(0)].parents:
            if parent not in shown and len(shown) < MOST:
                shown[parent] = by_name[parent]
                waiting.append(parent)
    return shown


def _node(one: Individual, shown: set[str], champion: str) -> dict[str, Any]:
    return {
        "id": one.name,
        "title": f"{one.name} {one.operator}",
        "subtitle": f"{one.fitness:.4f} {one.genome.form}",
        "parents": [parent for parent in one.parents if parent in shown],
        "strong": one.name == champion,
    }
