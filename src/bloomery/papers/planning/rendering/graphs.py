"""Section 1: what stands on what, as a drawing, a table and boxes."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from bloomery.papers.planning.planned import Part, Plan
from bloomery.papers.planning.rendering.forms import boxed, fence, table

SHOWN = 3  # requirements named in a box


def section(plan: Plan) -> list[str]:
    cross = list(_cross(plan))
    relations = (
        ["### Critical Cross-Paper Relationships", "", *table(("Part", "Stands On", "Priority"), cross)]
        if cross
        else []
    )
    return [
        "## 1. DEPENDENCY GRAPH",
        "",
        "### Paper Dependencies",
        "",
        *fence(_mermaid(plan), "mermaid"),
        "### Equation Dependencies",
        "",
        *_table(plan),
        *relations,
        "### Module Dependencies",
        "",
        *fence(boxed(list(_levels(plan)))),
        "---",
        "",
    ]


def _mermaid(plan: Plan) -> Iterator[str]:
    names = {paper.id: f"p{at}" for at, paper in enumerate(plan.papers)}
    yield "graph TD"
    for paper in plan.papers:
        title = f"{paper.id}: {paper.title}" if paper.title else paper.id
        yield f'    {names[paper.id]}["{quoted(title)}"]'
    for source, target in plan.cited:
        yield f"    {names[source]} --> {names[target]}"
    groups = [group for phase in plan.phases if phase.number == 3 for group in phase.groups]
    yield '    subgraph order["Implementation Order"]'
    for at, group in enumerate(groups):
        yield f'        l{at}["{at + 1}. {quoted(group.title)}"]'
    for at in range(1, len(groups)):
        yield f"        l{at - 1} --> l{at}"
    yield "    end"


def quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def _table(plan: Plan) -> list[str]:
    """As both ends of each edge say it."""
    equations = plan.of_kind("equation")
    if not equations:
        return ["This plan has no equation.", ""]
    order = {paper.id: at for at, paper in enumerate(plan.papers)}
    rows = (
        (
            titled(part),
            part.paper,
            listed(plan, part.paper, part.needs),
            listed(plan, part.paper, part.used_by),
        )
        for part in sorted(equations, key=lambda one: order[one.paper])
    )
    return table(("Equation", "Paper", "Depends On", "Used By"), rows)


def titled(part: Part) -> str:
    return f"{part.label} ({part.name})" if part.name else part.label


def listed(plan: Plan, paper: str, nodes: Iterable[str]) -> str:
    return ", ".join(named(plan, paper, node) for node in nodes) or "None"


def named(plan: Plan, paper: str, node: str) -> str:
    """`Eq 3`, of another paper `titans Eq 3`; a part that the intent leaves out is in parentheses."""
    owner, _, local = node.partition(":")
    part = plan.by_id.get(node)
    label = part.label if part else local if local.startswith(("algorithm ", "module ")) else f"Eq {local}"
    told = label if owner == paper else f"{owner} {label}"
    return told if part else f"({told})"


def _cross(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for part in plan.parts:
        others = [need for need in part.needs if not need.startswith(f"{part.paper}:")]
        if others:
            yield f"{part.paper} {titled(part)}", listed(plan, part.paper, others), part.priority


def _levels(plan: Plan) -> Iterator[list[str]]:
    for group in (group for phase in plan.phases if phase.number == 3 for group in phase.groups[:1]):
        files = [
            (task.file.removeprefix(f"src/{plan.package}/"), "nothing")
            for task in plan.by_group[group.number]
        ]
        yield ["Level 0: Foundation (no dependencies)", *_branches(files)]
    for level, held in groupby(plan.parts, key=lambda part: part.level):
        parts = list(held)
        papers = ", ".join(dict.fromkeys(part.paper for part in parts))
        files = [(f"{part.source.rpartition('/')[2]} ({part.label})", _needs(plan, part)) for part in parts]
        yield [f"Level {level}: {papers}", *_branches(files)]


def _needs(plan: Plan, part: Part) -> str:
    names = [named(plan, part.paper, need) for need in part.needs]
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join(names[:SHOWN] + more) or "nothing"


def _branches(files: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in files), default=0)
    for at, (name, needs) in enumerate(files):
        joint = "└──" if at == len(files) - 1 else "├──"
        yield f"{joint} {name} {'─' * (width - len(name) + 3)} requires: {needs}"
