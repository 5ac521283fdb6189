"""From contexts to IMPLEMENTATION_PLAN.md: what to write in which order, and what shows that it is done."""

from bloomery.papers.planning.building import plan, stale
from bloomery.papers.planning.environments import ENVIRONMENTS
from bloomery.papers.planning.findings import diagnostics
from bloomery.papers.planning.intents import INTENTS
from bloomery.papers.planning.planned import Plan
from bloomery.papers.planning.progress import Progress, asked, progress
from bloomery.papers.planning.rendering import render
from bloomery.papers.planning.storing import from_json, parse, read_plan, to_json
from bloomery.papers.planning.writing import run

__all__ = [
    "ENVIRONMENTS",
    "INTENTS",
    "Plan",
    "Progress",
    "asked",
    "diagnostics",
    "from_json",
    "parse",
    "plan",
    "progress",
    "read_plan",
    "render",
    "run",
    "stale",
    "to_json",
]
