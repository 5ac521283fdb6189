"""The climb: between optimizer steps a model is tried on a pool of problems, and learns from what it solved.

All that decides what is shown next (rung, pool, book) is saved with the training's checkpoint.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.curriculum.attempts import Attempt, Tried, dreams, solutions, tried
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.curriculum.lessons import Book, Kind, Lesson, fits
from bloomery.forge.curriculum.pool import Pool, Problem, fill, turn
from bloomery.forge.curriculum.proposing import TaskProposer
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.tasks.task import Example, Task
from bloomery.tasks.tools.conversation import ToolExample
from bloomery.tasks.tools.tool import Call
from bloomery.training.callbacks import Callback, MetricSink
from bloomery.training.config import Progress

Probe = Callable[[PreTrainedModel], Sequence[float]]
HOME = 0  # the rung of what the model knew before


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a climb goes through; nothing in it changes but the count of problems that were refused.

    No row is longer than `room` tokens. `home` are the difficulties that the model was trained on before, as
    rung 0, of all tasks, also of those in which it does not climb; `probe` gives the held-out accuracy on
    each rung, rung 0 first.
    """

    config: ClimbConfig
    tasks: Mapping[str, Task]
    home: Mapping[str, Sequence[int]]
    ladder: Ladder
    proposer: TaskProposer
    attempt: Attempt
    probe: Probe
    room: int
    seed: int
    refused: Counter[str] = field(default_factory=Counter)

    def problems(self, rung: int, count: int, rng: random.Random) -> list[tuple[str, Example]]:
        """So many problems of a rung, the tasks in turn."""
        names = list(self.home if rung == HOME else self.ladder.rungs)
        found = []
        for place, name in enumerate(names):
            share = count // len(names) + (place < count % len(names))
            found += [(name, one) for one in self.draw(name, rung, share, rng)]
        return found

    def draw(self, name: str, rung: int, count: int, rng: random.Random) -> Sequence[Example]:
        levels = self.home[name] if rung == HOME else (self.ladder.rungs[name][rung - 1],)
        task, chosen = self.tasks[name], [rng.choice(levels) for _ in range(count)]
        return [
            one
            for level in sorted(set(chosen))
            for one in self.proposer.propose(task, level, chosen.count(level), rng)
        ]


class Climb(Callback):
    """Attempts at the pool between optimizer steps; a rung that is mastered gives way to the next."""

    def __init__(
        self, course: Course, book: Book, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase,
        metric: MetricSink,
    ) -> None:  # fmt: skip
        self.course, self.book, self.model, self.tokenizer = course, book, model, tokenizer
        self.metric = metric
        self.rung, self.rounds, self.pool, self.climbing = HOME, 0, Pool(()), True
        self.matrix: dict[str, list[float]] = {}
        self.before: list[float] = []  # consolidation

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        if self.rung == HOME:
            self._look(HOME)
            self._remember_home()
            self._step_up(progress)

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        if self.climbing and progress.step >= (1 - self.course.config.consolidate) * progress.steps:
            self._consolidate()
        if self.climbing and progress.step % self.course.config.round_steps == 0:
            self._round(progress)

    def _round(self, progress: Progress) -> None:
        """An attempt at every open problem; up, where enough of them are mastered."""
        attempts = self._attempt(self.pool.open)
        self.pool = turn(
            self.pool, {one.problem.number: one.right for one in attempts}, self._variant,
            streak=self.course.config.streak,
        )  # fmt: skip
        self._learn("solution", solutions(attempts))
        self._report(attempts, progress.step)
        if len(self.pool.open) <= self.course.config.left * self.pool.size:
            self._step_up(progress)

    def _step_up(self, progress: Progress) -> None:
        """What was learned is left behind and dreamt of, and the next rung's pool is filled."""
        config = self.course.config
        if self.rung:
            self._look(self.rung)
        if self.rung == len(self.course.ladder):
            self._consolidate()
            return
        self.book.leave_behind(self._rng("left behind"), config.kept)
        self._dream()
        self.rung += 1
        self.pool = fill(self.course.problems(self.rung, config.pool, self._rng("pool")))
        rung = self.rung
        # hints make sure that something is solved in the end
        while self.climbing and self.rung == rung and not self.book.pages["solution"]:
            self._round(progress)

    def _consolidate(self) -> None:
        """No more attempts; with replay, what was solved on every rung is learned evenly until the end."""
        self.climbing = False
        left = self.matrix.get(str(self.rung))  # looked at just now, where the last rung was left
        self.before = list(self.course.probe(self.model)) if left is None else left
        if not self.course.config.replay:
            return
        self.book.leave_behind(self._rng("left behind"), self.course.config.kept)
        self.book.shares = {**self.book.shares, "solution": 0.0, "replay": 1 - self.course.config.dreams}

    def _remember_home(self) -> None:
        """What the model solves of what it knew before is replayed as the rungs will be."""
        known = fill(self.course.problems(HOME, self.course.config.pool, self._rng("pool")))
        self._learn("solution", solutions(self._attempt(known.open)))

    def _dream(self) -> None:
        config = self.course.config
        if config.dreams:
            dreamt = dreams(
                self.model, self.tokenizer, self.book.pages["replay"], count=config.kept,
                temperature=config.dream_temperature, seed=self._number("dream"),
            )  # fmt: skip
            self._learn("dream", dreamt)

    def _learn(self, kind: Kind, lessons: Sequence[Lesson]) -> None:
        """What fits a row."""
        room = self.course.room
        self.book.add(kind, [one for one in lessons if fits(one.example(), self.tokenizer, room)])

    def _attempt(self, problems: Sequence[Problem]) -> list[Tried]:
        self.rounds += 1
        return tried(
            self.course.attempt, self.model, self.tokenizer, problems, self.course.tasks, self._number("try")
        )

    def _variant(self, problem: Problem) -> Example:
        rng = self._rng(f"variant/{problem.number}/{problem.tries}")
        return self.course.draw(problem.task, self.rung, 1, rng)[0]

    def _look(self, rung: int) -> None:
        """A row of the forgetting matrix: held-out accuracy on every rung after this one."""
        rates = list(self.course.probe(self.model))
        self.matrix[str(rung)] = rates
        for place, rate in enumerate(rates):
            self.metric(f"accuracy after rung {rung}", rate, place)

    def _report(self, attempts: Sequence[Tried], step: int) -> None:
        right = sum(one.right for one in attempts if not one.problem.hints)
        unaided = sum(not one.problem.hints for one in attempts)
        self.metric("climb/rung", self.rung, step)
        self.metric("climb/open_problems", len(self.pool.open), step)
        if unaided:
            self.metric("climb/solved_without_hint", right / unaided, step)

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"climb/{self.course.seed}/{self.rung}/{self.rounds}/{what}")

    def _number(self, what: str) -> int:
        return self._rng(what).randrange(2**31)

    def state_dict(self) -> dict[str, Any]:
        return {
            "rung": self.rung, "rounds": self.rounds, "climbing": self.climbing,
            "matrix": self.matrix, "before": self.before, "book": self.book.state_dict(),
            "refused": dict(self.course.refused),
            "mastered": self.pool.mastered, "open": [_plain(one) for one in self.pool.open],
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rung, self.rounds, self.climbing = state["rung"], state["rounds"], state["climbing"]
        self.matrix, self.before = state["matrix"], state["before"]
        self.course.refused.clear()
        self.course.refused.update(state["refused"])
        self.book.load_state_dict(state["book"])
        self.pool = Pool(tuple(_problem(one) for one in state["open"]), state["mastered"])


def _plain(problem: Problem) -> dict[str, Any]:
    plain = asdict(problem)
    plain["example"]["worked"] = [list(part) for part in problem.example.worked]
    return plain


def _problem(values: dict[str, Any]) -> Problem:
    given = values["example"]
    given = given | {"worked": tuple((start, stop) for start, stop in given["worked"])}
    if "calls" not in given:
        return Problem(**{**values, "example": Example(**given)})
    calls = tuple(Call(**one) for one in given["calls"])
    return Problem(**{**values, "example": ToolExample(**{**given, "calls": calls})})
