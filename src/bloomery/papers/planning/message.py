"""The message of the first commit, made of equations and papers."""

from collections.abc import Iterable

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.planned import Part

COVERAGE = "Test coverage:"
LINK = "https://arxiv.org/abs/"


def commit_message(design: Design) -> str:
    papers = list(design.of_paper)
    named = ", ".join(papers[:3]) + (f" and {len(papers) - 3} more" if len(papers) > 3 else "")
    lines = [f"Implement {named}" if named else "Begin the project", "", "Implements:"]
    for paper, parts in design.of_paper.items():
        lines.append(f"- {paper}: {told(parts)}")
    lines += ["", "Papers:"]
    for paper, context in design.contexts.items():
        link = f", {linked(context.arxiv)}" if context.arxiv else ""
        lines.append(f"- {context.full_title or context.title or paper}{link}")
    return "\n".join(lines)


def with_coverage(message: str, percent: float | None) -> str:
    """The message with what was measured as its last line; without that line where nothing was."""
    kept = [line for line in message.split("\n") if not line.startswith(COVERAGE)]
    bare = "\n".join(kept).rstrip("\n")
    return bare if percent is None else f"{bare}\n\n{COVERAGE} {percent:.0f} %"


def linked(arxiv: str) -> str:
    """The address of an arXiv id; an address stays as it is."""
    return arxiv if arxiv.startswith("http") else f"{LINK}{arxiv}"


def told(parts: Iterable[Part]) -> str:
    """`Eq 3, 5-7, A.2; Algorithm 1; lmm`."""
    kinds: dict[str, list[str]] = {"equation": [], "algorithm": [], "module": []}
    for part in parts:
        kinds[part.kind].append(part.label.removeprefix("Eq ").removeprefix("Algorithm "))
    told = [
        f"Eq {ranges(kinds['equation'])}" if kinds["equation"] else "",
        f"Algorithm {ranges(kinds['algorithm'])}" if kinds["algorithm"] else "",
        ", ".join(kinds["module"]),
    ]
    return "; ".join(one for one in told if one)


def ranges(numbers: Iterable[str]) -> str:
    """Whole numbers in a row as `5-7`, the others one by one after them."""
    given = list(numbers)
    whole = sorted({int(one) for one in given if one.isdigit() and str(int(one)) == one})
    runs: list[list[int]] = []
    for number in whole:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    found = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ", ".join(found + sorted({one for one in given if one not in set(map(str, whole))}))
