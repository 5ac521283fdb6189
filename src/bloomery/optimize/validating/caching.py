"""What was found out before, kept by content: trees, tests, the check, and all that made the answer."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import bloomery
from bloomery.core.disk import write_atomically

OURS = ("optimize/validating", "optimize/equivalence", "optimize/timing", "source", "core/sandbox")

Question = Mapping[str, Any]


class Answers(Protocol):
    """Keeps answers by what they are the answer to."""

    def find(self, question: Question) -> Any | None: ...

    def keep(self, question: Question, answer: Any) -> None: ...

    def place(self, question: Question) -> Path | None:
        """Where a folder may be kept; None where there is no such place."""


@dataclass(frozen=True)
class Cache:
    """A folder of answers; each names what it is the answer to, and one that does not fit is none.

    What a clock decided (performance, tests that had to be ended) is not kept, nor what could not be run.
    """

    folder: Path

    def find(self, question: Question) -> Any | None:
        path = self._path(question)
        try:
            known = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        fits = isinstance(known, dict) and known.get("question") == _plain(question)
        return known.get("answer") if fits else None

    def keep(self, question: Question, answer: Any) -> None:
        path = self._path(question)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"question": question, "answer": answer}).encode())

    def place(self, question: Question) -> Path | None:
        return self.folder / "folders" / name_of(question)

    def _path(self, question: Question) -> Path:
        name = name_of(question)
        return self.folder / name[:2] / f"{name}.json"


class Forgetful:
    """Keeps nothing: everything is made each time."""

    def find(self, question: Question) -> Any | None:
        return None

    def keep(self, question: Question, answer: Any) -> None:
        pass

    def place(self, question: Question) -> Path | None:
        return None


@dataclass(frozen=True)
class InProcess:
    """Keeps answers as long as this process lives; of many the first are forgotten."""

    answers: dict[str, Any] = field(default_factory=dict)
    most: int = 1000

    def find(self, question: Question) -> Any | None:
        return self.answers.get(name_of(question))

    def keep(self, question: Question, answer: Any) -> None:
        while len(self.answers) >= self.most:
            del self.answers[next(iter(self.answers))]
        self.answers[name_of(question)] = answer

    def place(self, question: Question) -> Path | None:
        return None


def remembered(
    answers: Answers, question: Question, work: Callable[[], tuple[Any, bool]]
) -> tuple[Any, bool]:
    """The answer to a question, and whether it was known; `work` gives one, and whether it may be kept."""
    known = answers.find(question)
    if known is not None:
        return known, True
    answer, lasting = work()
    answer = _plain(answer)  # the same whether it was just made or read
    if lasting:
        answers.keep(question, answer)
    return answer, False


def name_of(question: Question) -> str:
    return hashlib.sha256(json.dumps(_plain(question), sort_keys=True).encode()).hexdigest()


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


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
