"""Forms of Markdown: tables, fences, boxes, trees of files."""

import re
from collections.abc import Iterable, Iterator, Sequence

from bloomery.papers.planning.judged import Check, Checkpoint
from bloomery.papers.planning.planned import File
from bloomery.papers.planning.progress import Progress

NARROWEST = 61
WIDEST = 60  # columns before a tree's comments


def cell(text: str) -> str:
    """A text that cannot end its cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        f"|{'|'.join('-' * (len(name) + 2) for name in header)}|",
        *(f"| {' | '.join(cell(one) for one in row)} |" for row in rows),
        "",
    ]


def fence(lines: Iterable[str], language: str = "") -> list[str]:
    """The lines in a fence; none of ours begins with one."""
    return [f"```{language}", *lines, "```", ""]


def mark(done: bool) -> str:
    return "[x]" if done else "[ ]"


def boxes(checks: Iterable[Check], progress: Progress) -> list[str]:
    found = [f"- {mark(progress.ticked(check))} {check.text}" for check in checks]
    return [*found, ""] if found else []


def reached(checkpoint: Checkpoint, progress: Progress) -> str:
    return mark(progress.ticked(checkpoint))


def boxed(sections: Sequence[Sequence[str]]) -> list[str]:
    """Sections one above the other, in one frame."""
    width = max([NARROWEST, *(len(line) for section in sections for line in section)])
    edge = "─" * (width + 2)
    lines = [f"┌{edge}┐"]
    for at, section in enumerate(sections):
        lines += [f"├{edge}┤"] if at else []
        lines += [f"│ {line.ljust(width)} │" for line in section]
    return [*lines, f"└{edge}┘"]


def tree(files: Iterable[File]) -> list[str]:
    """Files below their folders, each with what it is for."""
    root: dict = {}
    for file in files:
        *folders, name = file.path.split("/")
        place = root
        for folder in folders:
            place = place.setdefault(f"{folder}/", {})
        place[name] = file.purpose
    branches = list(_branches(root, "", top=True))
    column = min(max(len(stem) for stem, _ in branches), WIDEST)
    return [f"{stem.ljust(column)}  # {purpose}" if purpose else stem for stem, purpose in branches]


def _branches(place: dict, indent: str, *, top: bool = False) -> Iterator[tuple[str, str]]:
    """Each line of the tree and its comment; files come before folders."""
    names = sorted(place, key=lambda name: (isinstance(place[name], dict), name))
    for at, name in enumerate(names):
        last = at == len(names) - 1
        stem = indent if top else f"{indent}{'└── ' if last else '├── '}"
        held = place[name]
        yield stem + name, "" if isinstance(held, dict) else held
        if isinstance(held, dict):
            yield from _branches(held, indent if top else f"{indent}{'    ' if last else '│   '}")
