"""What was found out before, kept by content: trees, tests, the check, and all that made the answer."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import bloomery
from bloomery.core.disk import write_atomically

OURS = ("optimize/validating", "optimize/equivalence", "optimize/timing", "source", "core/sandbox")


@dataclass(frozen=True)
class Cache:
    """A folder of answers; each names what it is the answer to, and one that does not fit is none.

    What a clock decided (performance, tests that had to be ended) is not kept, nor what could not be run.
    """

    folder: Path

    def find(self, question: Mapping[str, Any]) -> Any | None:
        path = self._path(question)
        try:
            known = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        fits = isinstance(known, dict) and known.get("question") == _plain(question)
        return known.get("answer") if fits else None

    def keep(self, question: Mapping[str, Any], answer: Any) -> None:
        path = self._path(question)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"question": question, "answer": answer}).encode())

    def _path(self, question: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(_plain(question), sort_keys=True).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"


def remembered(
    cache: Cache | None, question: Mapping[str, Any], work: Callable[[], tuple[Any, bool]]
) -> tuple[Any, bool]:
    """The answer to a question, and whether it was known; `work` gives one, and whether it may be kept."""
    known = cache.find(question) if cache else None
    if known is not None:
        return known, True
    answer, lasting = work()
    if cache and lasting:
        cache.keep(question, answer)
    return answer, False


@cache
def circumstances() -> str:
    """A digest of all that may change an answer: the interpreter, every installed package, our own code."""
    told = hashlib.sha256(platform.python_version().encode())
    for one in sorted(f"{d.name} {d.version}" for d in importlib.metadata.distributions()):
        told.update(one.encode())
    root = Path(bloomery.__file__).parent
    for file in sorted(path for part in OURS for path in (root / part).rglob("*.py")):
        told.update(file.read_bytes())
    return told.hexdigest()


def _plain(question: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(question))
