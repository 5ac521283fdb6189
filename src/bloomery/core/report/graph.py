"""The lineage of a run's artifacts as boxes in columns: what a thing was made from stands to its left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 46, 56, 16


@dataclass(frozen=True)
class Box:
    cid: str
    title: str
    subtitle: str
    x: int
    y: int
    of_this_run: bool


@dataclass(frozen=True)
class Graph:
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]  # paths as SVG writes them
    width: int
    height: int


def lineage_graph(artifacts: Sequence[Mapping[str, Any]]) -> Graph:
    """Lays out artifacts that come parents first; a column holds what is equally many steps from a source."""
    depth: dict[str, int] = {}
    for item in artifacts:
        depth[item["cid"]] = 1 + max((depth[cid] for cid in item["parents"] if cid in depth), default=-1)
    rows: dict[int, int] = {}
    boxes = {}
    for item in artifacts:
        column = depth[item["cid"]]
        row = rows[column] = rows.get(column, -1) + 1
        boxes[item["cid"]] = _box(item, column, row)
    edges = [
        _edge(boxes[parent], boxes[item["cid"]])
        for item in artifacts
        for parent in item["parents"]
        if parent in boxes
    ]
    columns, most = len(rows), max(rows.values(), default=-1) + 1
    width = columns * (WIDTH + GAP_X) - GAP_X
    return Graph(tuple(boxes.values()), tuple(edges), width, most * (HEIGHT + GAP_Y) - GAP_Y)


def _box(item: Mapping[str, Any], column: int, row: int) -> Box:
    x, y = column * (WIDTH + GAP_X), row * (HEIGHT + GAP_Y)
    return Box(item["cid"], item["name"], item["step"] or item["kind"], x, y, item["of_this_run"])


def _edge(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    bend = (x1 + x2) // 2
    return f"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}"
