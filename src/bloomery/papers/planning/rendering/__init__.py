"""A plan as the document that people read."""

from collections.abc import Mapping

from bloomery.papers.planning.planned import Plan
from bloomery.papers.planning.progress import progress
from bloomery.papers.planning.rendering import closing, graphs, opening, phases


def render(plan: Plan, statuses: Mapping[str, str] | None = None) -> str:
    """The Markdown of a plan, byte for byte the same for the same plan and states.

    `statuses` says how far each equation, file and gate is (see `Progress`); without it all boxes are open.

    Raises: UnknownName for a state that is none.
    """
    found = progress(plan, statuses or {})
    lines = [
        *opening.header(plan),
        *opening.summary(plan, found),
        *graphs.section(plan),
        *phases.section(plan, found),
        *closing.manifest(plan),
        *closing.checkpoints(plan, found),
        *closing.risks(plan),
        *closing.goals(plan, found),
        *closing.priorities(plan),
        *closing.findings(plan),
        *closing.closing(plan),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"
