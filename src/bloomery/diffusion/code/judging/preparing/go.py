"""Go: the programs of a batch become packages of one module, built in one go and linked into one binary."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bloomery.core.evidence import State
from bloomery.core.sandbox import Limits, SandboxResult, read_result, run
from bloomery.diffusion.code.judging.preparing.job import Prepared, Ready, request, text, unparsed, untyped
from bloomery.diffusion.code.judging.program import Example, Program
from bloomery.diffusion.code.judging.supervising import Job
from bloomery.diffusion.code.judging.toolchains import Toolchain

BUILDING = Limits(
    time_s=900, cpu_s=300, memory_bytes=8 * 2**30, processes=512, file_bytes=2**28, output_bytes=2**22
)
PACKAGE = re.compile(r"^[ \t]*package[ \t]+\w+", re.MULTILINE)
RUNS_BEFORE_MAIN = re.compile(r"^(?:func[ \t]+init[ \t]*\(|var\b)", re.MULTILINE)
OBJECTION = re.compile(r"^(?:\./)?(p\d+)/(?:program|door)\.go:(\d+)(?::\d+)?: (.*)$", re.MULTILINE)
SYNTAX = re.compile(r"syntax error|expected |illegal|not terminated|invalid character|unknown escape")
MOST_BINARY_BYTES = 64 * 2**20


def go(
    programs: Sequence[Program], examples: Sequence[Sequence[Example]], found: Toolchain
) -> list[Prepared]:
    """Those that do something before `main`, when all of a binary would, are linked apart."""
    named = {f"p{place}": program for place, program in enumerate(programs)}
    apart = [name for name, program in named.items() if RUNS_BEFORE_MAIN.search(program.source)]
    together = [name for name in named if name not in apart]
    built: dict[str, bytes | Prepared] = {}
    for names in [together, *([name] for name in apart)]:
        if names:
            built |= _build({name: named[name] for name in names}, found)
    return [_prepared(name, built[name], given) for name, given in zip(named, examples, strict=True)]


def _prepared(name: str, built: "bytes | Prepared", examples: Sequence[Example]) -> Prepared:
    if not isinstance(built, bytes):
        return built
    job = Job(argv=("./program",), files={"program": built}, stdin=request(examples, package=name))
    return Ready(job=job, type_checks=State.PASSED)


def _build(programs: Mapping[str, Program], found: Toolchain) -> dict[str, "bytes | Prepared"]:
    """The binary for each program that compiles; what the compiler says of each of the others.

    The folder, with the compiler's cache of the standard library, is kept between calls: nothing but the
    compiler ever runs there.
    """
    home = _home(found)
    module = Path(tempfile.mkdtemp(prefix="batch-", dir=home))
    built: dict[str, bytes | Prepared] = {}
    try:
        left = dict(programs)
        while left:
            _lay(module, left)
            ended = _compile(home, module, found)
            if ended.returncode == 0:
                binary = read_result(home, f"{module.name}/program", most_bytes=MOST_BINARY_BYTES)
                return built | dict.fromkeys(left, binary)
            refused = _refused(ended, left)
            if not refused:
                return built | _one_by_one(left, found)
            built |= refused
            left = {name: program for name, program in left.items() if name not in refused}
    finally:
        shutil.rmtree(module)
    return built


def _lay(module: Path, programs: Mapping[str, Program]) -> None:
    shutil.rmtree(module)
    module.mkdir()
    (module / "go.mod").write_text("module judged\n\ngo 1.21\n")
    (module / "main.go").write_text(text("main.go.txt"))
    imports = "\n".join(f'\t{name} "judged/{name}"' for name in programs)
    doors = "\n".join(f'\t"{name}": {name}.BloomeryDoor,' for name in programs)
    (module / "doors.go").write_text(
        f"package main\n\nimport (\n{imports}\n)\n\nvar doors = map[string]any{{\n{doors}\n}}\n"
    )
    for name, program in programs.items():
        (module / name).mkdir()
        source = _in_package(program.source, name)
        (module / name / "program.go").write_text(source, encoding="utf-8", errors="replace")
        (module / name / "door.go").write_text(
            f"package {name}\n\nvar BloomeryDoor any = {program.function}\n"
        )


def _in_package(source: str, name: str) -> str:
    """Lines keep their numbers."""
    if PACKAGE.search(source):
        return PACKAGE.sub(f"package {name}", source, count=1)
    return f"package {name}; {source}"


def _compile(home: Path, module: Path, found: Toolchain) -> SandboxResult:
    variables = {
        "GOCACHE": home / "cache",
        "GOPATH": home / "path",
        "GOENV": "off",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
        "GOFLAGS": "-mod=mod",
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
    }
    given = [f"{name}={value}" for name, value in variables.items()]
    build = ["build", "-C", str(module), "-gcflags=-e", "-ldflags=-s -w", "-trimpath", "-o", "program", "."]
    return run(["/usr/bin/env", *given, found.path, *build], folder=home, limits=BUILDING)


def _refused(ended: SandboxResult, programs: Mapping[str, Program]) -> dict[str, "bytes | Prepared"]:
    """By the compiler's words; none where these name none of several programs."""
    words: dict[str, list[str]] = {}
    for name, line, said in OBJECTION.findall(ended.stderr):
        words.setdefault(name, []).append(f"{line}: {said}")
    refused: dict[str, bytes | Prepared] = {}
    for name, said in words.items():
        reason = "; ".join(said[:3])
        if name in programs:
            refused[name] = unparsed(reason) if SYNTAX.search(reason) else untyped(reason)
    if not refused and len(programs) == 1:  # what brings the compiler down, alone, is refused
        return dict.fromkeys(programs, untyped(ended.killed_by or ended.stderr.strip()[-300:]))
    return refused


def _one_by_one(programs: Mapping[str, Program], found: Toolchain) -> dict[str, "bytes | Prepared"]:
    """A program may be at fault in words that do not name it: the others are built without it."""
    return {
        name: outcome
        for one, program in programs.items()
        for name, outcome in _build({one: program}, found).items()
    }


def _home(found: Toolchain) -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    version = ".".join(map(str, found.version))
    home = (Path(base) if base else Path.home() / ".cache") / "bloomery" / f"go-{version}"
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()
