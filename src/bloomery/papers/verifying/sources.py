"""Whether a result was measured with the code, and against the claim, as they are now."""

import hashlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bloomery.core.closure import Closure, Deferred, import_closure, reread_sources
from bloomery.core.errors import Failure
from bloomery.core.parsed import read
from bloomery.papers.verifying.claim import Claim, stays_inside
from bloomery.papers.verifying.results import Result
from bloomery.source.modules import source_roots

ONLY_TELL = frozenset({"bloomery.core.log"})  # what they say of a run changes no figure of it


def code_of(root: Path, claim: Claim) -> str:
    """The hash of what a claim's command runs: the sources that its function, or the module after `-m`,
    reaches by imports, and the files that a command line names. Nothing is imported for it.

    Versions of packages do not enter: they stand beside the result, in its environment; nor does what only
    tells what happens. Other programs on a command line are not seen; where nothing is, the hash is empty.

    Raises: Failure where there is no module of that name for a function.
    """
    closure, files = closure_of(root, claim), _named_files(root, claim)
    if closure is None and not files:
        return ""
    digest = hashlib.sha256()
    for name, path in sorted(closure.sources.items()) if closure else ():
        if name in ONLY_TELL:
            continue
        digest.update(f"{name} {read(path).bare}\n".encode())
    for path in files:
        digest.update(f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def closure_of(root: Path, claim: Claim) -> Closure | None:
    """What a claim's function or module reaches by imports; none for other programs."""
    if claim.function is not None:
        with _importing_from(root):
            return import_closure(Deferred(*claim.function))
    words = list(claim.command)
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    if not module:
        return None
    try:
        with _importing_from(root):
            return import_closure(Deferred(module, "main"))
    except Failure:
        return None  # a module of another interpreter


def _named_files(root: Path, claim: Claim) -> list[Path]:
    """Files of the repository that a command line names: scripts, configs."""
    words = [] if isinstance(claim.command, str) else [word for word in claim.command if word != claim.result]
    found = {(root / word).resolve() for word in words if word and stays_inside(word)}
    return sorted(path for path in found if path.is_file() and path.is_relative_to(root))


@contextmanager
def _importing_from(root: Path) -> Iterator[None]:
    before = list(sys.path)
    reread_sources()
    importlib.invalidate_caches()
    sys.path[:0] = [str(path) for path in source_roots(root)]
    try:
        yield
    finally:
        sys.path[:] = before
        reread_sources()


def stated(claim: Claim) -> dict[str, Any]:
    """What a result is measured against."""
    curve = [[point.at, point.value] for point in claim.curve]
    said = {"value": claim.value, "metric": claim.metric, "direction": claim.direction, "unit": claim.unit}
    return {**said, "curve": curve, "conditions": claim.conditions}


def stale(root: Path, claim: Claim, result: Result | None) -> str:
    """Why a result no longer speaks for its claim; empty where it does."""
    if result is None or result.state != "measured":
        return ""
    if result.claim != stated(claim):
        return "it was measured against another statement of the claim; measure again"
    if result.command != said_command(claim):
        return f"it was measured by '{result.command}', the claim now names another command; measure again"
    try:
        now = code_of(root, claim)
    except Failure as error:
        return f"its code cannot be found any more: {error}"
    return "" if now == result.code else "the code that it was measured with has changed; measure again"


def said_command(claim: Claim) -> str:
    return claim.command if isinstance(claim.command, str) else " ".join(claim.command)
