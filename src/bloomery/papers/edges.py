"""What each end of an edge says: requirements, uses, an algorithm's lines, prior work."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from bloomery.core.errors import UserError
from bloomery.papers import references
from bloomery.papers.context import Algorithm, Context
from bloomery.papers.references import Reference, local_id
from bloomery.papers.written import number_key

Kind = Literal["paper", "equation", "algorithm", "module"]
Side = Literal["requires", "used by", "lines", "pseudocode", "module", "prior work", "cited"]
SIDES: tuple[Side, ...] = get_args(Side)
KINDS: tuple[Kind, ...] = ("paper", "equation", "algorithm", "module")
PARTS: tuple[Kind, ...] = KINDS[1:]
OWN_SIDES: dict[Kind, set[Side]] = {"equation": {"requires"}, "algorithm": {"lines", "pseudocode"}}


@dataclass(frozen=True)
class Node:
    """Something that a context describes."""

    id: str  # "titans:13", "titans:algorithm 1", "titans:module lmm", "titans"
    kind: Kind
    paper: str
    name: str


@dataclass(frozen=True)
class Edge:
    """`target` needs `source`, as each of the sides in `said_by` says."""

    source: str
    target: str
    said_by: tuple[Side, ...]


@dataclass(frozen=True)
class Dangling:
    """A reference to what is not there."""

    owner: str  # the node that says it
    side: Side
    reference: Reference
    known_paper: bool  # whether the context of the paper that it names was given


@dataclass(frozen=True)
class OneSided:
    """An edge that one of its ends does not state."""

    source: str
    target: str
    silent: Literal["requires", "used by"]  # what is missing: the target's statement or the source's


@dataclass
class Gathering:
    """Nodes, aliases and what each end says, while they are collected."""

    contexts: list[Context]
    nodes: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    said: dict[tuple[str, str], set[Side]] = field(default_factory=dict)
    dangling: list[Dangling] = field(default_factory=list)

    def gather(self) -> tuple[Edge, ...]:
        """Collects the nodes, then the edges, which it returns in the order of nodes."""
        for context in self.contexts:
            if context.paper_id in self.nodes:
                raise UserError(f"two contexts have the paper id {context.paper_id}; give each its own")
            self._add(context)
        for context in self.contexts:
            self._equations(context)
            self._algorithms(context)
            self._modules(context)
            self._papers(context)
        order = {node: at for at, node in enumerate(self.nodes)}
        pairs = sorted(self.said, key=lambda pair: (order[pair[0]], order[pair[1]]))
        return tuple(Edge(*pair, tuple(side for side in SIDES if side in self.said[pair])) for pair in pairs)

    def _add(self, context: Context) -> None:
        paper = context.paper_id
        self._node("paper", paper, paper, context.title)
        for equation in sorted(context.equations, key=lambda one: number_key(one.number)):
            self._node("equation", f"{paper}:{equation.number}", paper, equation.name)
            for alias in equation.aliases:
                self.aliases.setdefault(f"{paper}:{alias}", f"{paper}:{equation.number}")
        for algorithm in sorted(context.algorithms, key=lambda one: number_key(one.number)):
            self._node(
                "algorithm", f"{paper}:{local_id('algorithm', algorithm.number)}", paper, algorithm.name
            )
        for module in context.architecture.modules:
            name = f"{paper}:{local_id('module', module.name)}"
            self._node("module", name, paper, module.name)

    def _node(self, kind: Kind, name: str, paper: str, title: str) -> None:
        self.nodes.setdefault(name, Node(name, kind, paper, title))

    def _found(self, paper: str, reference: Reference) -> str:
        """The node that a reference names, empty where there is none; prose may name a module."""
        if reference.kind == "prose":
            named = f"{paper}:{local_id('module', reference.target)}"
            return named if named in self.nodes else ""
        name = reference.global_id(paper)
        return name if name in self.nodes else self.aliases.get(name, "")

    def _say(self, owner: str, side: Side, reference: Reference) -> None:
        """Records what `owner` says of another."""
        paper = self.nodes[owner].paper
        other = self._found(paper, reference)
        if not other:
            if reference.kind != "prose":
                known = (reference.paper or paper) in self.nodes
                self.dangling.append(Dangling(owner, side, reference, known))
            return
        pair = (owner, other) if side == "used by" else (other, owner)
        self.said.setdefault(pair, set()).add(side)
        owners = (self.nodes[pair[0]].paper, self.nodes[pair[1]].paper)
        if owners[0] != owners[1]:
            self.said.setdefault(owners, set()).add("cited")

    def _equations(self, context: Context) -> None:
        for equation in context.equations:
            owner = f"{context.paper_id}:{equation.number}"
            for reference in equation.requires:
                self._say(owner, "requires", reference)
            for reference in equation.used_by:
                self._say(owner, "used by", reference)

    def _algorithms(self, context: Context) -> None:
        for algorithm in context.algorithms:
            owner = f"{context.paper_id}:{local_id('algorithm', algorithm.number)}"
            for side, reference in cited(algorithm):
                if self._found(context.paper_id, reference) != owner:  # pseudocode may hold its own title
                    self._say(owner, side, reference)

    def _modules(self, context: Context) -> None:
        for module in context.architecture.modules:
            owner = f"{context.paper_id}:{local_id('module', module.name)}"
            for reference in references.mentions(module.detail):
                self._say(owner, "module", reference)
        for algorithm in context.algorithms:
            for step in algorithm.lines:
                name = step.function.strip("`").split(".")[0]
                part = f"{context.paper_id}:{local_id('module', name)}"
                if part in self.nodes:
                    known = (one for one in equations_in(step.equation) if self._found(context.paper_id, one))
                    for reference in known:
                        self._say(part, "lines", reference)

    def _papers(self, context: Context) -> None:
        for requirement in context.prior_work.requirements:
            for name in references.paper_ids(requirement.paper):
                if name in self.nodes and name != context.paper_id:
                    self.said.setdefault((name, context.paper_id), set()).add("prior work")


def cited(algorithm: Algorithm) -> Iterator[tuple[Side, Reference]]:
    """The equations that an algorithm names, in its mapping and in its pseudocode."""
    for step in algorithm.lines:
        yield from (("lines", reference) for reference in equations_in(step.equation))
    yield from (("pseudocode", reference) for reference in references.mentions(algorithm.pseudocode))


def equations_in(cell: str) -> list[Reference]:
    """The equations and algorithms of a cell such as `Eq 2, Eq 3`; a bare number is an equation's."""
    return [reference for reference in references.parse(cell) if reference.kind != "prose"]
