"""What is wrong in the graph and in the contexts; everything else is planned all the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from bloomery.papers.context import Context
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.graph import Graph
from bloomery.papers.planning.judged import Finding
from bloomery.papers.planning.planned import Plan
from bloomery.papers.references import paper_ids


class Place(Protocol):
    """A file that was read, as `markdown.read_file` gives it."""

    @property
    def path(self) -> str: ...

    def line(self, *names: str) -> int: ...


def findings_of(graph: Graph, contexts: Mapping[str, Context]) -> tuple[Finding, ...]:
    """Cycles, then what is dangling, one-sided, twice there or empty."""
    return (
        *_cycles(graph),
        *_dangling(graph, contexts),
        *_counted(contexts),
        *_one_sided(graph),
    )


def _cycles(graph: Graph) -> Iterator[Finding]:
    for cycle in graph.cycles():
        yield Finding(
            code="cycle",
            severity="warning",
            owner=cycle[0],
            text=f"a cycle, each needed by the next: {' -> '.join([*cycle, cycle[0]])}",
            remedy="take one edge out; until then these share a level",
        )


def _dangling(graph: Graph, contexts: Mapping[str, Context]) -> Iterator[Finding]:
    for one in graph.dangling:
        if one.known_paper:
            yield Finding(
                code="dangling",
                severity="error",
                owner=one.owner,
                text=f"{one.owner} names {one.reference} ({one.side}), which is not there",
                remedy="correct the number, or add what is missing",
            )
        else:
            yield Finding(
                code="paper-unknown",
                severity="warning",
                owner=one.owner,
                text=f"{one.owner} names {one.reference} ({one.side}), and there is no context of that paper",
                remedy=f"plan with the context of {one.reference.paper}, or say why it is not needed",
            )
    for paper, context in contexts.items():
        for need in context.prior_work.requirements:
            if not any(name in contexts for name in paper_ids(need.paper)):
                yield Finding(
                    code="prior-work",
                    severity="warning",
                    owner=paper,
                    text=f"{paper} needs {need.paper}" + (f" ({need.needed})" if need.needed else ""),
                    remedy="plan with its context, or write down what is needed of it in this one",
                )


def _counted(contexts: Mapping[str, Context]) -> Iterator[Finding]:
    for paper, context in contexts.items():
        if not context.equations:
            yield Finding(
                code="no-equations",
                severity="error",
                owner=paper,
                text=f"the context of {paper} has no equation",
                remedy="read the paper again, or add its equations",
            )
        twice = Counter(one.number for one in context.equations)
        for number, count in twice.items():
            if count > 1:
                yield Finding(
                    code="number-twice",
                    severity="error",
                    owner=f"{paper}:{number}",
                    text=f"{paper}:{number} is the number of {count} equations; the first is planned",
                    remedy="give the others their own numbers",
                )


def _one_sided(graph: Graph) -> Iterator[Finding]:
    for edge in graph.one_sided:
        owner, other = (edge.source, edge.target) if edge.silent == "used by" else (edge.target, edge.source)
        said = "is used by" if edge.silent == "used by" else "requires"
        yield Finding(
            code="one-sided",
            severity="warning",
            owner=owner,
            text=f"{other} says that {owner} {said} {'it' if said == 'is used by' else other}",
            remedy=f"say it in {owner} too, or take it out of {other}",
        )


def diagnostics(plan: Plan, places: Mapping[str, Place] | None = None) -> list[Diagnostic]:
    """The findings as lines to print; `places` holds, by paper, the files that were read.

    Without its place a finding is given the first line of the paper's context file.
    """
    files = {paper.id: paper.context_file for paper in plan.papers}
    found = []
    for one in plan.findings:
        paper, _, local = one.owner.partition(":")
        place = (places or {}).get(paper)
        name = local if local.startswith(("algorithm ", "module ")) else f"equation {local}"
        sides = (f"{name}.requires", f"{name}.used_by", name) if local else ("paper_id",)
        path, line = (place.path, place.line(*sides)) if place else (files[paper], 1)
        found.append(Diagnostic(path, line, one.severity, one.code, f"{one.text}; {one.remedy}"))
    return sorted(found, key=lambda one: (one.path, one.line, one.code, one.message))
