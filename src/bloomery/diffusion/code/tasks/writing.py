"""The canonical program of a meaning: one statement or loop a step, the same shape in every language."""

import re
from dataclasses import dataclass
from string import Template

from bloomery.diffusion.code.judging.program import Language, Program
from bloomery.diffusion.code.tasks.interpreting import operations
from bloomery.diffusion.code.tasks.operation import Kind, Meaning

VARIABLES = "abcd"
INDENTS: dict[Language, str] = {
    "python": "    ", "javascript": "  ", "typescript": "  ", "java": "    ", "go": "\t",
}  # fmt: skip
TYPES: dict[Language, dict[Kind, str]] = {
    "typescript": {
        Kind.NUMBER: "number", Kind.NUMBERS: "number[]", Kind.TEXT: "string", Kind.STRINGS: "string[]",
    },
    "java": {Kind.NUMBER: "int", Kind.NUMBERS: "int[]", Kind.TEXT: "String", Kind.STRINGS: "String[]"},
    "go": {Kind.NUMBER: "int", Kind.NUMBERS: "[]int", Kind.TEXT: "string", Kind.STRINGS: "[]string"},
}  # fmt: skip
JAVA_IMPORTS = "import java.util.*;\nimport java.util.stream.*;\n\n"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A canonical program, cut where its steps begin; each part is whole lines."""

    head: str
    steps: tuple[str, ...]
    tail: str

    @property
    def source(self) -> str:
        return "".join((self.head, *self.steps, self.tail))


def write(meaning: Meaning, language: Language) -> Program:
    """Raises: as `operations` does."""
    return Program(language=language, source=parts(meaning, language).source)


def parts(meaning: Meaning, language: Language) -> Parts:
    """The canonical program, step by step. Raises: as `operations` does."""
    found = operations(meaning)
    steps = []
    for place, (operation, step) in enumerate(zip(found, meaning, strict=True)):
        names = {"a": VARIABLES[place], "b": VARIABLES[place + 1], "k": str(step.k)}
        steps.append(Template(operation.code[language]).substitute(names))
    kinds = (found[0].takes, found[-1].gives)
    head, depth, closing = _frame(steps, kinds, language)
    result = f"return {VARIABLES[len(found)]}" + ("" if language in ("python", "go") else ";")
    told = tuple(_indented(step, language, depth) for step in steps)
    return Parts(head=head, steps=told, tail=_indented(result, language, depth) + closing)


def _frame(steps: list[str], kinds: tuple[Kind, Kind], language: Language) -> tuple[str, int, str]:
    """What stands before the steps, their indentation, what stands after."""
    takes, gives = (TYPES.get(language, {}).get(kind, "") for kind in kinds)
    match language:
        case "python":
            return "def solve(a):\n", 1, ""
        case "javascript":
            return "function solve(a) {\n", 1, "}\n"
        case "typescript":
            return f"function solve(a: {takes}): {gives} {{\n", 1, "}\n"
        case "java":
            head = f"class Solution {{\n    static {gives} solve({takes} a) {{\n"
            return JAVA_IMPORTS + head, 2, "    }\n}\n"
        case "go":
            return f"package main\n\n{_go_imports(steps)}func solve(a {takes}) {gives} {{\n", 1, "}\n"


def _indented(text: str, language: Language, depth: int) -> str:
    """Whole lines."""
    indent = INDENTS[language]
    return "".join(indent * depth + line.replace("\t", indent) + "\n" for line in text.splitlines())


def _go_imports(lines: list[str]) -> str:
    text = "\n".join(lines)
    used = [name for name in ("slices", "strconv", "strings") if re.search(rf"\b{name}\.", text)]
    if not used:
        return ""
    if len(used) == 1:
        return f'import "{used[0]}"\n\n'
    return "import (\n" + "".join(f'\t"{name}"\n' for name in used) + ")\n\n"
