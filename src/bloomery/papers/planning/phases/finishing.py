"""Phases 6 to 8: quality, documentation, and a history to publish."""

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check
from bloomery.papers.planning.planned import Group, Phase
from bloomery.papers.planning.tasks import Tasks

COVERAGE = 80  # per cent
BENCHMARKS = "docs/benchmarks.md"
EQUATIONS = "docs/equations.md"
QUALITY = (
    ("ruff format", "uv run ruff format --check src/ tests/", "no changes needed"),
    ("ruff check", "uv run ruff check src/ tests/", "0 errors"),
    ("ty check", "uv run ty check src/", "0 type errors"),
    ("pytest", "uv run pytest tests/ -v", "100% pass rate"),
    (
        "coverage",
        f"uv run pytest tests/ --cov=src --cov-report=term-missing --cov-fail-under={COVERAGE}",
        f"at least {COVERAGE}% of lines",
    ),
)


def quality(design: Design, tasks: Tasks) -> Phase:
    for name, command, bar in QUALITY:
        tasks.add("6", "quality", f"`{name}`", passes=f"gate {name}", detail=f"{bar}: `{command}`")
    return Phase(
        number=6,
        title="Code Quality",
        about="No gate is lowered: what fails is mended.",
        groups=(Group(number="6", title="Gates"),),
        commands=(
            "uv run ruff format src/ tests/",
            "uv run ruff check src/ tests/ --fix",
            *(command for name, command, _ in QUALITY[2:]),
        ),
        checks=tuple(Check(text=f"`{name}` - {bar}", of=(f"gate {name}",)) for name, _, bar in QUALITY),
    )


def documentation(design: Design, tasks: Tasks) -> Phase:
    pages = [
        ("README.md", "quick start, usage, what was and was not reproduced"),
        ("ARCHITECTURE.md", "the parts, how they stand on each other, and why"),
        (EQUATIONS, "each equation with its code, its test and what the test shows"),
    ]
    if design.has("training"):
        pages.append((BENCHMARKS, "how each number is measured, and what came out"))
    for file, content in pages:
        tasks.add("7", "document", content, file=file, priority="P2" if file == BENCHMARKS else "P1")
    return Phase(
        number=7,
        title="Documentation",
        about="Pages that a stranger can follow; numbers come from the checker.",
        groups=(Group(number="7", title="Pages"),),
        checks=(Check(text="All pages written", of=("7",)),),
    )


def release(design: Design, tasks: Tasks) -> Phase:
    after = [task.id for task in tasks.of("6")]
    tasks.add("8", "release", "History with the message below", after=after, passes="gate git")
    tasks.add(
        "8",
        "release",
        "Repository on GitHub",
        passes="gate published",
        priority="P2",
        detail="by hand",
    )
    return Phase(
        number=8,
        title="Git & Release Prep",
        about="The message is made of the equations and papers of this plan.",
        groups=(Group(number="8", title="Release"),),
        checks=(Check(text="The working tree is committed", of=("gate git",)),),
    )
