"""What stands on what: papers, equations, algorithms and modules, as both ends of each edge say it.

An edge goes from what is needed to what needs it. Of an equation both ends can speak (`Requires` of one,
`Used by` of the other), of an algorithm its lines and pseudocode, of a module its detail, of a paper its
table of prior work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bloomery.papers.context import Context
from bloomery.papers.cycles import components, cycle_in
from bloomery.papers.edges import (
    KINDS as KINDS,
)
from bloomery.papers.edges import (
    OWN_SIDES,
    Gathering,
)
from bloomery.papers.edges import (
    PARTS as PARTS,
)
from bloomery.papers.edges import (
    Dangling as Dangling,
)
from bloomery.papers.edges import (
    Edge as Edge,
)
from bloomery.papers.edges import (
    Kind as Kind,
)
from bloomery.papers.edges import (
    Node as Node,
)
from bloomery.papers.edges import (
    OneSided as OneSided,
)


@dataclass(frozen=True)
class Graph:
    """Nodes by id, in the order of papers, kinds and numbers, and edges in the order of nodes."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    dangling: tuple[Dangling, ...]

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each node."""
        return {node: at for at, node in enumerate(self.nodes)}

    @cached_property
    def one_sided(self) -> tuple[OneSided, ...]:
        """Edges from equations to equations and algorithms that only one end states."""
        found = []
        for edge in self.edges:
            if self.nodes[edge.source].kind == "equation" and (
                theirs := OWN_SIDES.get(self.nodes[edge.target].kind)
            ):
                if "used by" not in edge.said_by:
                    found.append(OneSided(edge.source, edge.target, "used by"))
                elif not theirs & set(edge.said_by):
                    found.append(OneSided(edge.source, edge.target, "requires"))
        return tuple(found)

    def needs(self, node: str) -> list[str]:
        """What a node stands on, in order."""
        return self._before.get(node, [])

    def needed_by(self, node: str) -> list[str]:
        """What stands on a node, in order."""
        return self._after.get(node, [])

    def cycles(self, kinds: Sequence[Kind] = KINDS) -> list[list[str]]:
        """One shortest cycle of each knot, from its first node on, each node needed by the next."""
        after = self._within(kinds)
        knots = [sorted(part, key=self.order.__getitem__) for part in components(after)]
        tied = sorted(knots, key=lambda knot: self.order[knot[0]])
        return [cycle for knot in tied if (cycle := cycle_in(knot, after))]

    def levels(self, kinds: Sequence[Kind] = PARTS) -> list[list[str]]:
        """The nodes by the longest way from what needs nothing; the nodes of a cycle share a level."""
        after = self._within(kinds)
        level: dict[str, int] = {}
        parts = components(after)  # each after all that stands on it
        for part in reversed(parts):
            inside = set(part)
            height = 1 + max(
                (
                    level[need]
                    for node in part
                    for need in self.needs(node)
                    if need in after and need not in inside
                ),
                default=-1,
            )
            level.update(dict.fromkeys(part, height))
        found: list[list[str]] = [[] for _ in range(1 + max(level.values(), default=-1))]
        for node in after:
            found[level[node]].append(node)
        return found

    def mermaid(self, kinds: Sequence[Kind] = PARTS) -> str:
        """The graph as mermaid text, a subgraph a paper; a dotted edge is known to one end only."""
        names = {node: f"n{at}" for at, node in enumerate(self._within(kinds))}
        lines = ["graph TD"]
        for at, paper in enumerate(dict.fromkeys(self.nodes[node].paper for node in names)):
            lines.append(f'    subgraph p{at}["{paper}"]')
            held = (node for node in names if self.nodes[node].paper == paper)
            lines += [f'        {names[node]}["{_quoted(_title(self.nodes[node]))}"]' for node in held]
            lines.append("    end")
        weak = {(one.source, one.target) for one in self.one_sided}
        for edge in self.edges:
            if edge.source in names and edge.target in names:
                arrow = "-.->" if (edge.source, edge.target) in weak else "-->"
                lines.append(f"    {names[edge.source]} {arrow} {names[edge.target]}")
        return "\n".join(lines) + "\n"

    def _within(self, kinds: Sequence[Kind]) -> dict[str, list[str]]:
        """What stands on each node of these kinds, both in order."""
        kept = {node for node, one in self.nodes.items() if one.kind in kinds}
        return {
            node: [one for one in self.needed_by(node) if one in kept] for node in self.nodes if node in kept
        }

    @cached_property
    def _after(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge.target)
        return found

    @cached_property
    def _before(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge.source)
        return found


def _title(node: Node) -> str:
    label = node.id if node.kind == "paper" else node.id.removeprefix(f"{node.paper}:")
    label = f"Eq {label}" if node.kind == "equation" else label
    return f"{label}: {node.name}" if node.name and node.kind != "module" else label


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def graph(contexts: Iterable[Context]) -> Graph:
    """The graph of contexts; the same for any order of the same contexts.

    Raises: UserError where two contexts have one paper id.
    """
    gathering = Gathering(sorted(contexts, key=lambda context: context.paper_id))
    edges = gathering.gather()
    return Graph(gathering.nodes, edges, tuple(gathering.dangling))
