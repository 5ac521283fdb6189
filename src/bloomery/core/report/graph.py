"""Graphs as boxes in columns: what a thing was made from stands to its left.

The lineage of a run's artifacts is one; a step gives another as the fact `graph` of its artifacts:
{"title": str, "nodes": [{"id", "title", "subtitle", "parents", "strong"}]}, parents before children.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 46, 56, 16


@dataclass(frozen=True)
class Box:
    id: str
    title: str
    subtitle: str
    x: int
    y: int
    strong: bool


@dataclass(frozen=True)
class Graph:
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]  # paths as SVG writes them
    width: int
    height: int


def lineage_graph(artifacts: Sequence[Mapping[str, Any]]) -> Graph:
    """What each artifact was made from; those of this run are drawn strong."""
    return laid_out(
        [
            {
                "id": item["cid"],
                "title": item["name"],
                "subtitle": item["step"] or item["kind"],
                "parents": item["parents"],
                "strong": item["of_this_run"],
            }
            for item in artifacts
        ]
    )


def graphs_of_steps(artifacts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any], Graph]]:
    """(step, its graph, the drawing) for each step that gave one, however many artifacts it has."""
    given = {item["step"]: item["facts"]["graph"] for item in artifacts if "graph" in item["facts"]}
    for step, graph in given.items():
        yield step, graph, laid_out(graph["nodes"])


def laid_out(nodes: Sequence[Mapping[str, Any]]) -> Graph:
    """Lays out nodes that come parents first; a column holds what is equally many steps from a source."""
    depth: dict[str, int] = {}
    for node in nodes:
        depth[node["id"]] = 1 + max((depth[one] for one in node["parents"] if one in depth), default=-1)
    rows: dict[int, int] = {}
    boxes = {}
    for node in nodes:
        column = depth[node["id"]]
        row = rows[column] = rows.get(column, -1) + 1
        boxes[node["id"]] = _box(node, column, row)
    edges = [
        _edge(boxes[parent], boxes[node["id"]])
        for node in nodes
        for parent in node["parents"]
        if parent in boxes
    ]
    columns, most = len(rows), max(rows.values(), default=-1) + 1
    width = columns * (WIDTH + GAP_X) - GAP_X
    return Graph(tuple(boxes.values()), tuple(edges), width, most * (HEIGHT + GAP_Y) - GAP_Y)


def _box(node: Mapping[str, Any], column: int, row: int) -> Box:
    x, y = column * (WIDTH + GAP_X), row * (HEIGHT + GAP_Y)
    return Box(node["id"], node["title"], node["subtitle"], x, y, node["strong"])


def _edge(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    bend = (x1 + x2) // 2
    return f"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}"
