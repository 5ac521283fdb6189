"""Attempts counted: how many answers were right, and what came of the calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from bloomery.core.errors import ConfigError
from bloomery.tasks.accuracy import Accuracy, Answered, summarize
from bloomery.tasks.task import Example, Task, benchmark
from bloomery.tasks.tools.conversation import Attempt


@dataclass(frozen=True, kw_only=True)
class ToolUse:
    """Calls of some attempts by what came of them, and attempts by how they ended."""

    returned: int
    failed: int
    refused: int
    unanswered: int


def grade(task: Task, example: Example, attempt: Attempt) -> float:
    """The task's score of the answer; 0 where there is none."""
    return 0.0 if attempt.answer is None else task.score(example, attempt.answer)


def graded(task: Task, examples: Sequence[Example], attempts: Sequence[Attempt]) -> Accuracy:
    """The share of attempts with full marks. Raises: ConfigError without examples."""
    if not examples:
        raise ConfigError("no examples to measure accuracy on")
    levels = [one.difficulty for one in examples]
    right = [grade(task, one, attempt) >= 1.0 for one, attempt in zip(examples, attempts, strict=True)]
    answered = [Answered(level, task.chance(level), hit) for level, hit in zip(levels, right, strict=True)]
    return summarize(answered, f"{benchmark(task)}, with tools")


def tool_use(attempts: Sequence[Attempt]) -> ToolUse:
    states = [called.state for attempt in attempts for called in attempt.called]
    return ToolUse(
        returned=states.count("returned"),
        failed=states.count("failed"),
        refused=states.count("refused"),
        unanswered=sum(attempt.answer is None for attempt in attempts),
    )
