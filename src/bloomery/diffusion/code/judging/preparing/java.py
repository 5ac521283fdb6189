"""Java: one process compiles all programs of a batch, each by itself; each runs in a machine of its own."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bloomery.core.errors import Failure
from bloomery.core.evidence import State
from bloomery.core.sandbox import Limits, read_result, run
from bloomery.diffusion.code.judging.preparing.job import Prepared, Ready, request, text, unparsed, untyped
from bloomery.diffusion.code.judging.program import Example, Program
from bloomery.diffusion.code.judging.supervising import Job
from bloomery.diffusion.code.judging.toolchains import Toolchain

SMALL = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:CompressedClassSpaceSize=64m",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:-UsePerfData",
    "-Dfile.encoding=UTF-8",
)
COMPILING = Limits(
    time_s=600, cpu_s=300, memory_bytes=4 * 2**30, processes=128, file_bytes=64 * 2**20, output_bytes=2**22
)
OURS = "ours"


def java(
    programs: Sequence[Program], examples: Sequence[Sequence[Example]], found: Toolchain
) -> list[Prepared]:
    with tempfile.TemporaryDirectory(prefix="bloomery-javac-") as name:
        folder = Path(name)
        names = [f"p{place}" for place in range(len(programs))]
        _lay(folder, [*zip(names, (program.source for program in programs), strict=True)])
        told = _compile(folder, [OURS, *names], found)
        if told[OURS][0] != "compiled":
            raise Failure(f"our own Java text does not compile: {told[OURS][1]}")
        ours = _classes(folder / OURS)
        return [
            _prepared(told[name], ours, _classes(folder / name), program, given, found)
            for name, program, given in zip(names, programs, examples, strict=True)
        ]


def _lay(folder: Path, sources: Sequence[tuple[str, str]]) -> None:
    (folder / "Compile.java").write_text(text("Compile.java"), encoding="utf-8")
    for name, source in [(OURS, text("Call.java")), *sources]:
        (folder / name).mkdir()
        (folder / name / "Program.java").write_text(source, encoding="utf-8", errors="replace")


def _compile(folder: Path, names: Sequence[str], found: Toolchain) -> dict[str, tuple[str, str]]:
    """Name to how far it came and why no further; one that ends the compiler does not parse."""
    told: dict[str, tuple[str, str]] = {}
    while left := [name for name in names if name not in told]:
        argv = [found.path, *SMALL, "-Xmx1g", "-Xss64m", "Compile.java", *left]
        ended = run(argv, folder=folder, limits=COMPILING)
        lines = (line.split("\t", 2) for line in ended.stdout.splitlines())
        told |= {line[0]: (line[1], line[2]) for line in lines if len(line) == 3}
        if OURS not in told:
            raise Failure(f"javac did not start: {ended.stderr.strip()[-500:] or ended.killed_by}")
        silent = [name for name in left if name not in told]
        told |= dict.fromkeys(silent[:1], ("unparsed", "the compiler ended"))
    return told


def _classes(folder: Path) -> dict[str, bytes]:
    """Class files by their path below where the compiler put them."""
    out = folder / "out"
    paths = sorted(out.rglob("*.class")) if out.is_dir() else []
    return {str(path.relative_to(out)): read_result(folder, str(path.relative_to(folder))) for path in paths}


def _prepared(
    told: tuple[str, str],
    ours: dict[str, bytes],
    classes: dict[str, bytes],
    program: Program,
    examples: Sequence[Example],
    found: Toolchain,
) -> Prepared:
    state, reason = told
    if state != "compiled":
        return unparsed(reason) if state == "unparsed" else untyped(reason)
    names = [path.removesuffix(".class").replace("/", ".") for path in classes]
    job = Job(
        argv=(found.path, *SMALL, "-Xmx256m", "-cp", "ours:theirs", "BloomeryCall", *names),
        files={f"ours/{name}": data for name, data in ours.items()}
        | {f"theirs/{name}": data for name, data in classes.items()},
        stdin=request(examples, function=program.function),
    )
    return Ready(job=job, type_checks=State.PASSED)
