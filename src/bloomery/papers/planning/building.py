"""Contexts in, plan out."""

import hashlib
import keyword
import sys
from collections.abc import Iterable, Mapping, Sequence

from bloomery.core.config import canonical_json
from bloomery.core.errors import UserError
from bloomery.papers import graph as graphs
from bloomery.papers.context import Context
from bloomery.papers.graph import Graph
from bloomery.papers.planning.checkpoints import checkpoints_of, goals_of
from bloomery.papers.planning.design import Design
from bloomery.papers.planning.environments import environment_of
from bloomery.papers.planning.findings import findings_of
from bloomery.papers.planning.intents import intent_of
from bloomery.papers.planning.judged import Claim
from bloomery.papers.planning.manifest import manifest
from bloomery.papers.planning.message import commit_message
from bloomery.papers.planning.naming import identifier
from bloomery.papers.planning.parts import in_order, parts_of
from bloomery.papers.planning.phases import phases_of
from bloomery.papers.planning.phases.training import configs_of
from bloomery.papers.planning.planned import Paper, Plan
from bloomery.papers.planning.risks import contingencies_of, risks_of
from bloomery.papers.planning.scope import scope
from bloomery.papers.planning.tasks import Tasks
from bloomery.papers.written import one_line

IMPORTED = ("torch", "numpy", "einops", "yaml", "pytest", "src", "tests")
NAMED = 3  # papers in a project's name


def plan(
    contexts: Iterable[Context],
    intent: str = "full",
    environment: str = "cpu",
    *,
    components: Sequence[str] = (),
    project: str = "",
    generated: str = "",
    files: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of these papers, the same for any order of the same contexts.

    `components` is what the intent `component` is to build (`titans:13`, `lmm`, `miras`); `project` names the
    folder; `generated` is a date, by default that of the newest context; `files` says by paper where its
    context lies, by default `<ID>.context.md`.

    Raises: UserError for no context, two of one paper, or components that do not go with the intent;
        UnknownName for an intent, environment or component.
    """
    given = [in_order(context) for context in contexts]
    if not given:
        raise UserError("a plan needs at least one context; name files such as titans.context.md")
    graph = graphs.graph(given)
    chain = tuple(tuple(level) for level in graph.levels(("paper",)))
    by_paper = {context.paper_id: context for context in given}
    ordered = {paper: by_paper[paper] for level in chain for paper in level}
    design = _design(graph, ordered, project, intent, environment, components)
    kept = design.contexts
    findings = tuple(one for one in findings_of(graph, kept) if one.owner.partition(":")[0] in kept)
    tasks = Tasks(design.environment.factor)
    phases = phases_of(design, tasks)
    inside = {part.id for part in design.parts}
    return Plan(
        project=design.project,
        package=design.package,
        generated=generated or max(context.extraction_date for context in kept.values()),
        intent=design.intent.name,
        environment=design.environment.name,
        components=tuple(sorted({one_line(one) for one in components})),
        papers=tuple(_paper(context, files or {}) for context in kept.values()),
        chain=tuple(held for level in chain if (held := tuple(one for one in level if one in kept))),
        cited=tuple(
            (edge.source, edge.target) for edge in graph.edges if edge.source in kept and edge.target in kept
        ),
        parts=design.parts,
        phases=phases,
        tasks=tuple(tasks.all),
        files=manifest(design),
        checkpoints=checkpoints_of(design),
        risks=risks_of(design, findings),
        contingencies=contingencies_of(design),
        goals=goals_of(design),
        claims=design.claims,
        configs=configs_of(design),
        findings=findings,
        left_out=tuple(
            one for one, node in graph.nodes.items() if node.kind in graphs.PARTS and one not in inside
        ),
        commit_message=commit_message(design),
    )


def _design(
    graph: Graph,
    contexts: Mapping[str, Context],
    project: str,
    intent: str,
    environment: str,
    components: Sequence[str],
) -> Design:
    aim = intent_of(intent)
    nodes = scope(graph, contexts, aim, components)
    if aim.start == "chosen":  # papers that the components do not touch are no part of the plan
        touched = {node.paper for node in nodes.values()}
        contexts = {paper: context for paper, context in contexts.items() if paper in touched}
    package = package_name(project, list(contexts))
    claims = [claim for context in contexts.values() for claim in _claims(context)]
    return Design(
        project=package.replace("_", "-"),
        package=package,
        intent=aim,
        environment=environment_of(environment),
        contexts=contexts,
        parts=parts_of(graph, nodes, contexts, package),
        claims=tuple(claims) if "claims" in aim.groups else (),
    )


def package_name(wanted: str, papers: Sequence[str]) -> str:
    """What Python imports: the name wanted, else the papers' ids, else the first and how many more there are.

    What the project itself imports is told apart by an ending.

    Raises: UserError for a name that leaves no word for a package.
    """
    named = papers if len(papers) <= NAMED else [papers[0], "and", str(len(papers) - 1), "more"]
    name = identifier(wanted or " ".join(named), "project").removesuffix("_")
    if not name:
        raise UserError(f"'{wanted}' cannot name a project; expected words such as memory-models")
    taken = name in IMPORTED or name in sys.stdlib_module_names or keyword.iskeyword(name)
    return f"{name}_project" if taken else name


def _paper(context: Context, files: Mapping[str, str]) -> Paper:
    return Paper(
        id=context.paper_id,
        title=context.title or context.full_title,
        arxiv=context.arxiv,
        context_file=files.get(context.paper_id, f"{context.paper_id.upper()}.context.md"),
        digest=digest(context),
    )


def digest(context: Context) -> str:
    """Of all that a context says; a plan holds it of each paper."""
    return hashlib.sha256(canonical_json(in_order(context)).encode()).hexdigest()[:16]


def stale(plan: Plan, contexts: Iterable[Context]) -> list[str]:
    """The papers whose context is no longer the one that was planned, or is not among these."""
    now = {context.paper_id: digest(context) for context in contexts}
    return [paper.id for paper in plan.papers if now.get(paper.id) != paper.digest]


def _claims(context: Context) -> Iterable[Claim]:
    for number, result in enumerate(context.benchmarks.results, 1):
        yield Claim(
            id=f"{context.paper_id} claim {number}",
            paper=context.paper_id,
            dataset=result.dataset,
            metric=result.metric,
            direction=result.direction,
            value=result.value,
            source=result.source,
        )
