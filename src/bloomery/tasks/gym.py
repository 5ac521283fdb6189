"""Data sets of the `reasoning-gym` package as tasks, after they have shown that they can be trusted."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import metadata
from inspect import getsource
from re import search
from typing import Any

from bloomery.core.errors import CapabilityMissing, UnknownName, UserError
from bloomery.tasks.task import Example, check_difficulty

PACKAGE = "reasoning-gym"
GARBAGE = ("", " ", "xyzzy plugh", "\u2603", "[[", "-1e999x")
EVALUATES = r"\b(eval|exec|parse_expr|sympify)\("
SAMPLE = 20
CHANCE_SAMPLE = 200
# what a scorer of theirs may raise on a text that is no answer: then the text is a wrong answer
SCORER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class TaskRefused(UserError):
    """A data set of another package whose scores would mean nothing."""


@dataclass(frozen=True)
class GymExample(Example):
    """An example with what its data set's scorer needs."""

    entry: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class GymTask:
    """Difficulty: the level of the data set's curriculum, of every attribute at once; cost: the same.

    Chance: always the answer that is commonest among 200 other examples, an estimate.
    """

    data_set: str
    version: int = 1

    @property
    def name(self) -> str:
        return f"{PACKAGE} {metadata.version(PACKAGE)} {self.data_set}"

    @property
    def difficulties(self) -> range:
        attributes = _package().create_curriculum(self.data_set).attributes.values()
        return range(max(len(attribute.levels) for attribute in attributes))

    def example(self, rng: random.Random, difficulty: int) -> GymExample:
        check_difficulty(self, difficulty)
        entry = _data_set(self.data_set, difficulty, rng.getrandbits(31))[0]
        return GymExample(str(entry["question"]), str(entry["answer"]), difficulty, entry=entry)

    def score(self, example: Example, text: str) -> float:
        """1 where the data set's own scorer gives full marks; part marks and exceptions are 0."""
        if not isinstance(example, GymExample):
            raise TypeError(f"expected an example of {self.name}, not {type(example).__name__}")
        scorer = _scorer(self.data_set, example.difficulty)
        return float(_marks(scorer, text, example.entry) >= 1.0)

    def chance(self, difficulty: int) -> float:
        return _commonest(self, difficulty)

    def cost(self, difficulty: int) -> int:
        return difficulty + 1


def gym_task(data_set: str, *, vetted: Callable[[str], None] | None = None) -> GymTask:
    """The task over a data set of `reasoning-gym`, once `vetted` (by default `vet`) has let it pass.

    Raises: CapabilityMissing where the package is not installed; UnknownName; TaskRefused.
    """
    known = _package().CURRICULA
    if data_set not in known:
        raise UnknownName(f"{PACKAGE} data set", data_set, known)
    (vetted or vet)(data_set)
    return GymTask(data_set)


@cache
def vet(data_set: str) -> None:
    """Tries the easiest level of a data set, here and in two processes with other hash seeds.

    Raises: TaskRefused where its scorer evaluates answers as code, rejects stored answers or accepts
    garbage, or where the same seed does not always give the same examples.
    """
    scorer = _scorer(data_set, 0)
    if search(EVALUATES, getsource(type(scorer).score_answer)):
        raise TaskRefused(f"{PACKAGE} '{data_set}' is refused: its scorer may evaluate an answer as code")
    entries = [_data_set(data_set, 0, seed)[0] for seed in range(SAMPLE)]
    for entry in entries:
        if _marks(scorer, entry["answer"], entry) < 1.0:
            raise TaskRefused(
                f"{PACKAGE} '{data_set}' is refused: its scorer rejects its own answer {entry['answer']!r}"
            )
        for text in GARBAGE:
            if _marks(scorer, text, entry) >= 1.0 and text.strip() != str(entry["answer"]).strip():
                raise TaskRefused(
                    f"{PACKAGE} '{data_set}' is refused: its scorer accepts {text!r} as an answer"
                )
    if len({digest(data_set), digest(data_set), *(_digest_elsewhere(data_set, seed) for seed in "12")}) > 1:
        raise TaskRefused(
            f"{PACKAGE} '{data_set}' is refused: one seed gives different examples in two processes"
        )


def digest(data_set: str) -> str:
    """What the first examples of a data set hash to."""
    entries = [_data_set(data_set, 0, seed)[0] for seed in range(SAMPLE)]
    return sha256(json.dumps([(one["question"], one["answer"]) for one in entries]).encode()).hexdigest()


def _digest_elsewhere(data_set: str, hash_seed: str) -> str:
    """The same in a new process."""
    code = f"from bloomery.tasks.gym import digest; print(digest({data_set!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _package() -> Any:
    try:
        from reasoning_gym import factory
    except ImportError as error:
        raise CapabilityMissing(
            f"{PACKAGE} is not installed; install bloomery[tasks], for which a C compiler is needed"
        ) from error
    return factory


def _data_set(name: str, level: int, seed: int) -> Any:
    package = _package()
    curriculum = package.create_curriculum(name)
    curriculum.set_global_level(level)
    config = curriculum.generate_configuration({"size": 1, "seed": seed})
    kind, _ = package.DATASETS[name]
    return kind(config=config)


@cache
def _scorer(name: str, level: int) -> Any:
    return _data_set(name, level, 0)


def _marks(scorer: Any, text: Any, entry: dict[str, Any]) -> float:
    try:
        return float(scorer.score_answer(text, entry))
    except SCORER_ERRORS:
        return 0.0


@cache
def _commonest(task: GymTask, difficulty: int) -> float:
    rng = random.Random("other examples")
    answers = Counter(task.example(rng, difficulty).answer for _ in range(CHANCE_SAMPLE))
    return answers.most_common(1)[0][1] / CHANCE_SAMPLE
