"""Whether a result was measured with the code, and against the claim, as they are now."""

import hashlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bloomery.core.closure import Deferred, import_closure, reread_sources
from bloomery.core.errors import Failure
from bloomery.core.parsed import read
from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.results import Result
from bloomery.source.modules import source_roots


def source_version(root: Path, function: tuple[str, str]) -> str:
    """The hash of the sources of ours that a function reaches by imports; nothing is imported for it.

    Versions of packages do not enter: they stand beside the result, in its environment.

    Raises: Failure where there is no such module.
    """
    with _importing_from(root):
        closure = import_closure(Deferred(*function))
        digest = hashlib.sha256()
        for name, path in sorted(closure.sources.items()):
            digest.update(f"{name} {read(path).bare}\n".encode())
    return digest.hexdigest()


def packages_of(root: Path, function: tuple[str, str]) -> dict[str, str]:
    """Versions of the packages that a function reaches by imports."""
    with _importing_from(root):
        return dict(import_closure(Deferred(*function)).packages)


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
    if claim.function is None:
        return ""
    try:
        now = source_version(root, claim.function)
    except Failure as error:
        return f"its code cannot be found any more: {error}"
    return "" if now == result.code else "the code that it was measured with has changed; measure again"


def said_command(claim: Claim) -> str:
    return claim.command if isinstance(claim.command, str) else " ".join(claim.command)
