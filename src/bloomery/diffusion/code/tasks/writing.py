"""The canonical program of a meaning: one statement or loop a step, the same shape in every language."""

import re
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
JAVA_PACKAGES = {
    "Arrays": "java.util.Arrays",
    "Collectors": "java.util.stream.Collectors",
    "IntStream": "java.util.stream.IntStream",
}


def write(meaning: Meaning, language: Language) -> Program:
    """Raises: as `operations` does."""
    found = operations(meaning)
    lines = []
    for place, (operation, step) in enumerate(zip(found, meaning, strict=True)):
        names = {"a": VARIABLES[place], "b": VARIABLES[place + 1], "k": str(step.k)}
        lines += Template(operation.code[language]).substitute(names).splitlines()
    lines.append(f"return {VARIABLES[len(found)]}" + ("" if language in ("python", "go") else ";"))
    kinds = (found[0].takes, found[-1].gives)
    return Program(language=language, source=_framed(lines, kinds, language))


def _framed(lines: list[str], kinds: tuple[Kind, Kind], language: Language) -> str:
    takes, gives = (TYPES.get(language, {}).get(kind, "") for kind in kinds)
    match language:
        case "python":
            return f"def solve(a):\n{_indented(lines, language, 1)}\n"
        case "javascript":
            return f"function solve(a) {{\n{_indented(lines, language, 1)}\n}}\n"
        case "typescript":
            return f"function solve(a: {takes}): {gives} {{\n{_indented(lines, language, 1)}\n}}\n"
        case "java":
            body = f"    static {gives} solve({takes} a) {{\n{_indented(lines, language, 2)}\n    }}"
            return f"{_java_imports(lines)}class Solution {{\n{body}\n}}\n"
        case "go":
            body = f"func solve(a {takes}) {gives} {{\n{_indented(lines, language, 1)}\n}}"
            return f"package main\n\n{_go_imports(lines)}{body}\n"


def _indented(lines: list[str], language: Language, depth: int) -> str:
    indent = INDENTS[language]
    return "\n".join(indent * depth + line.replace("\t", indent) for line in lines)


def _java_imports(lines: list[str]) -> str:
    text = "\n".join(lines)
    used = [path for name, path in JAVA_PACKAGES.items() if re.search(rf"\b{name}\.", text)]
    return "".join(f"import {path};\n" for path in used) + ("\n" if used else "")


def _go_imports(lines: list[str]) -> str:
    text = "\n".join(lines)
    used = [name for name in ("slices", "strconv", "strings") if re.search(rf"\b{name}\.", text)]
    if not used:
        return ""
    if len(used) == 1:
        return f'import "{used[0]}"\n\n'
    return "import (\n" + "".join(f'\t"{name}"\n' for name in used) + ")\n\n"
