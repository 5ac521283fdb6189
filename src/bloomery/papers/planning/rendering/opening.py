"""The header of a plan and its summary."""

from collections.abc import Iterator

from bloomery.papers.planning.durations import days, told
from bloomery.papers.planning.environments import ENVIRONMENTS
from bloomery.papers.planning.intents import INTENTS
from bloomery.papers.planning.planned import Plan
from bloomery.papers.planning.progress import Progress
from bloomery.papers.planning.rendering.forms import fence

ARROW = " ──► "
ROLES = ("Foundation", "Extension", "Application")


def header(plan: Plan) -> list[str]:
    asked = f" ({', '.join(plan.components)})" if plan.components else ""
    return [
        f"# Implementation Plan: {plan.project}",
        "",
        f"**Generated:** {plan.generated or 'no date stated'}",
        f"**Papers:** {', '.join(paper.id for paper in plan.papers)}",
        f"**Intent:** {INTENTS[plan.intent].title}{asked}",
        f"**Target Environment:** {ENVIRONMENTS[plan.environment].title}",
        "",
        "---",
        "",
    ]


def summary(plan: Plan, progress: Progress) -> list[str]:
    total = plan.minutes()
    tests = sum(file.kind.endswith("test") for file in plan.files)
    left = [f"- Left out by the intent: {len(plan.left_out)} parts"] if plan.left_out else []
    claims = [f"- Claims to compare: {len(plan.claims)}"] if plan.claims else []
    return [
        "## Executive Summary",
        "",
        "**What we're building:**",
        *_built(plan),
        "",
        "**Paper dependency chain:**",
        *fence(_chain(plan)),
        "**Estimated effort:**",
        f"- Equations to implement: {len(plan.of_kind('equation'))}",
        f"- Algorithms to implement: {len(plan.of_kind('algorithm'))}",
        f"- Modules to implement: {len(plan.of_kind('module'))}",
        f"- Total test files: {tests}",
        *claims,
        *left,
        f"- Estimated time: {told(total)} ({days(total)})",
        "",
        *_progress(plan, progress),
        "---",
        "",
    ]


def _built(plan: Plan) -> Iterator[str]:
    named = [f"{paper.title} ({paper.id})" if paper.title else paper.id for paper in plan.papers]
    more = f", and {len(named) - 3} more" if len(named) > 3 else ""
    yield f"A project from {', '.join(named[:3])}{more}: {INTENTS[plan.intent].aim}."


def _chain(plan: Plan) -> Iterator[str]:
    """Papers by level with an arrow between levels, and under each level its part in the whole."""
    levels = [", ".join(level) for level in plan.chain]
    last = len(levels) - 1
    roles = [f"({ROLES[0 if at == 0 else 2 if at == last else 1]})" for at in range(len(levels))]
    widths = [max(len(one), len(role)) for one, role in zip(levels, roles, strict=True)]
    yield ARROW.join(one.ljust(width) for one, width in zip(levels, widths, strict=True)).rstrip()
    gap = " " * len(ARROW)
    yield gap.join(role.ljust(width) for role, width in zip(roles, widths, strict=True)).rstrip()


def _progress(plan: Plan, progress: Progress) -> list[str]:
    if not progress.states:
        return ["**Progress:** not measured yet; the checker derives it, and every box below is open.", ""]
    done = len(progress.done)
    lines = [f"**Progress:** {done} of {len(plan.tasks)} tasks done, as the checker found"]
    for phase in plan.phases:
        ready, all_of_them = progress.of_phase(phase.number)
        lines += [f"- Phase {phase.number}: {ready} of {all_of_them}"] if all_of_them else []
    return [*lines, ""]
