"""Python, JavaScript and TypeScript: nothing is compiled ahead."""

import re
from collections.abc import Sequence

from bloomery.diffusion.code.judging.preparing.job import Prepared, Ready, request, text
from bloomery.diffusion.code.judging.program import Example, Program
from bloomery.diffusion.code.judging.supervising import Job
from bloomery.diffusion.code.judging.toolchains import Toolchain, node_flags

MODULE = re.compile(r"^\s*(?:import\s*[\w{*\"']|export\s)", re.MULTILINE)
HEAP_MIB = 256


def python(
    programs: Sequence[Program], examples: Sequence[Sequence[Example]], found: Toolchain
) -> list[Prepared]:
    argv = (found.path, "-I", "-S", "-c", text("call.py"))
    return [
        Ready(job=Job(argv=argv, stdin=request(given, source=program.source, function=program.function)))
        for program, given in zip(programs, examples, strict=True)
    ]


def node(
    programs: Sequence[Program], examples: Sequence[Sequence[Example]], found: Toolchain
) -> list[Prepared]:
    return [_node(program, given, found) for program, given in zip(programs, examples, strict=True)]


def _node(program: Program, examples: Sequence[Example], found: Toolchain) -> Ready:
    file, ending = _file(program)
    flags = (f"--max-old-space-size={HEAP_MIB}", "--no-warnings", *node_flags(found, program.language))
    whole = f"{program.source}\n{ending}\n"
    job = Job(
        argv=(found.path, *flags, "call.mjs"),
        files={
            "call.mjs": text("call.mjs").encode(),
            file: whole.encode(errors="replace"),
        },
        stdin=request(examples, file=file),
    )
    return Ready(job=job)


def _file(program: Program) -> tuple[str, str]:
    """The name under which node takes the text as what it is, and what hands the function over."""
    if program.language == "typescript":
        return "program.mts", f"export const bloomery_called = {program.function};"
    if MODULE.search(program.source):
        return "program.mjs", f"export const bloomery_called = {program.function};"
    return "program.cjs", f"module.exports = {{ bloomery_called: {program.function} }};"
