"""What \\ref and its like point to, once every number is known."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAMES = {
    "equation": "Eq.", "section": "Section", "table": "Table", "figure": "Figure", "algorithm": "Algorithm",
    "appendix": "Appendix",
}  # fmt: skip
_PRINTING = ("ref", "eqref", "refeq", "cref", "Cref", "autoref", "labelcref", "vref")
COMMANDS = frozenset(f"\\{name}" for name in _PRINTING)
_REFERENCE = re.compile(
    r"\\(ref|eqref|refeq|cref|Cref|autoref|labelcref|vref|nameref|pageref|hyperref)\*?\s*"
    r"(?:\{([^{}]*)\}|\[([^\]]*)\])"
)


@dataclass(frozen=True)
class Target:
    kind: str  # "equation", "section", "table", ... or an environment's name
    number: str  # as printed


Labels = dict[str, Target]


def labels_in(latex: str) -> Iterator[str]:
    """The labels that a text refers to, in its order."""
    for match in _REFERENCE.finditer(latex):
        yield from (label.strip() for label in (match[2] or match[3] or "").split(","))


def resolved(latex: str, labels: Labels) -> str:
    """The text with printed numbers in the place of references; ?? where LaTeX prints that."""
    return _REFERENCE.sub(lambda match: _written(match, labels), latex)


def _written(match: re.Match[str], labels: Labels) -> str:
    command = match[1]
    if command in ("pageref", "hyperref", "nameref"):
        return ""
    targets = [
        labels.get(label.strip(), Target("", "??")) for label in (match[2] or match[3] or "").split(",")
    ]
    shown = ", ".join(_number(target, command) for target in targets)
    if command in ("cref", "Cref", "autoref"):
        kind = targets[0].kind
        return f"{NAMES.get(kind, kind.capitalize())} {shown}".strip()
    return shown


def _number(target: Target, command: str) -> str:
    by_kind = command in ("cref", "Cref", "autoref", "vref") and target.kind == "equation"
    in_brackets = by_kind or command in ("eqref", "refeq", "labelcref")
    return f"({target.number})" if in_brackets else target.number
