"""Sections 3 to 8 and the metadata."""

from collections.abc import Sequence

from bloomery.papers.planning.judged import Checkpoint
from bloomery.papers.planning.message import told as told_parts
from bloomery.papers.planning.planned import File, FileKind, Plan, Priority
from bloomery.papers.planning.progress import Progress
from bloomery.papers.planning.rendering.forms import boxes, fence, reached, table, tree
from bloomery.papers.planning.storing import HEADING, metadata

MANIFEST: tuple[tuple[str, tuple[FileKind, ...]], ...] = (
    ("Source Files", ("source",)),
    ("Test Files", ("fixtures", "equation test", "layer test", "integration test")),
    ("Config Files", ("config",)),
    ("Other Files", ("project", "document")),
)
PRIORITIES: tuple[tuple[Priority, str], ...] = (
    ("P0", "Others stand on it: foundations, and what algorithms, modules and other papers need"),
    ("P1", "Equations of its own paper stand on it; algorithms and modules at the top"),
    ("P2", "Nothing stands on it"),
)


def manifest(plan: Plan) -> list[str]:
    lines = ["## 3. FILE MANIFEST", ""]
    for title, kinds in MANIFEST:
        files: Sequence[File] = [file for file in plan.files if file.kind in kinds]
        held = fence(tree(files)) if files else ["None: the intent needs none.", ""]
        lines += [f"### {title}", "", *held]
    return [*lines, "---", ""]


def checkpoints(plan: Plan, progress: Progress) -> list[str]:
    lines = ["## 4. VERIFICATION CHECKPOINTS", ""]
    for one in plan.checkpoints:
        lines += _checkpoint(one, progress)
    return [*lines, "---", ""]


def _checkpoint(one: Checkpoint, progress: Progress) -> list[str]:
    heading = f"### Checkpoint {one.number}: {one.title}"
    if one.left_out:
        return [heading, "", one.left_out, ""]
    block = fence([*one.commands, f"# Expected: {one.expected}"], one.language)
    return [heading, *block, f"- {reached(one, progress)} Reached", ""]


def risks(plan: Plan) -> list[str]:
    rows = [(risk.risk, risk.impact, risk.mitigation) for risk in plan.risks]
    found = (
        table(("Risk", "Impact", "Mitigation"), rows) if rows else ["The contexts leave nothing open.", ""]
    )
    lines = ["## 5. RISK MITIGATION", "", "### Identified Risks", "", *found, "### Contingency Plans", ""]
    for one in plan.contingencies:
        lines += [f"**{one.when}:**", *(f"{at}. {step}" for at, step in enumerate(one.steps, 1)), ""]
    return [*lines, "---", ""]


def goals(plan: Plan, progress: Progress) -> list[str]:
    lines = ["## 6. SUCCESS CRITERIA", ""]
    for goal in plan.goals:
        lines += [f"### {goal.title}", *boxes(goal.checks, progress)]
    return [*lines, "---", ""]


def priorities(plan: Plan) -> list[str]:
    rows = []
    for priority, meaning in PRIORITIES:
        parts = [part for part in plan.parts if part.priority == priority]
        papers = dict.fromkeys(part.paper for part in parts)
        named = "; ".join(f"{paper}: {told_parts(p for p in parts if p.paper == paper)}" for paper in papers)
        rows.append((priority, meaning, str(len(parts)), named or "None"))
    header = ("Priority", "Position in the Graph", "Parts", "Which")
    return ["## 7. IMPLEMENTATION PRIORITY", "", *table(header, rows), "---", ""]


def findings(plan: Plan) -> list[str]:
    lines = ["## 8. FINDINGS IN THE CONTEXTS", ""]
    if not plan.findings:
        return [
            *lines,
            "None: every reference leads somewhere, both ends agree, nothing is circular.",
            "",
            "---",
            "",
        ]
    rows = [(one.severity, one.code, one.text, one.remedy) for one in plan.findings]
    told = "What follows did not keep the rest from being planned."
    return [*lines, told, "", *table(("Severity", "Kind", "Finding", "What to Do"), rows), "---", ""]


def closing(plan: Plan) -> list[str]:
    return [HEADING, "", *fence(metadata(plan).split("\n"), "yaml")]
