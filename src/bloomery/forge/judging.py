"""What all stages are judged and trained on, and the checks that all have. Light: no model code here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.ingredient import Ingredient

CLAIMS, LATENCY, MEMORY = "claims measured again", "latency", "resident memory"


@dataclass(frozen=True, kw_only=True)
class JudgedConfig:
    """A stage's tasks, exam and thoughts: the recipe's, which all its stages share."""

    mixture: dict[str, Ingredient] = option(factory=dict, help="the recipe's tasks and data sets")
    exam: ExamConfig = option(ExamConfig(), help="the recipe's held-out examples")
    thoughts: ThoughtsConfig | None = option(
        None, help="the recipe's thoughts: quietstar teaches them, bitnet's training keeps them up"
    )

    def check_tasks(self, where: str, names: Iterable[str]) -> None:
        """Raises: ConfigError where a part of the config names a task that the mixture does not hold."""
        if unknown := sorted(set(names) - set(self.mixture)):
            raise ConfigError(f"{where} names {', '.join(unknown)}, which the mixture does not hold")

    def tasks_with_thoughts(self) -> dict[str, Ingredient]:
        """The tasks with chains of thought that the recipe's thoughts concern; none without thoughts."""
        return {
            name: given for name, given in self.mixture.items()
            if self.thoughts is not None and self.thoughts.concern(name) and given.weight > 0
        }  # fmt: skip

    def tokens(self, seq_len: int) -> tuple[int, int]:
        """About how many tokens the selection and the test examples hold; a third of training on them."""
        each = len(self.mixture) * seq_len
        return self.exam.selection * each // 3, self.exam.test * each // 3


def claims_hold() -> Check:
    return Check(
        name=CLAIMS, bar=Bar(op="<=", value=0.0), unit="accuracy",
        meaning="largest difference between what the producer claimed and what was measured from disk",
    )  # fmt: skip


def accurate(bars: Mapping[str, float]) -> tuple[Check, ...]:
    """A check for each task that has a bar."""
    return tuple(
        Check(name=f"accuracy: {task}", bar=Bar(op=">=", value=value), unit="accuracy",
              meaning="exact match on held-out examples that chose nothing")
        for task, value in bars.items()
    )  # fmt: skip


def quick(bar_ms: float) -> Check:
    return Check(
        name=LATENCY, bar=Bar(op="<", value=bar_ms), unit="ms", required=False,
        meaning="median forward pass of the longest prompt, batch of one, this machine and its load",
    )  # fmt: skip


def lean(bar_gb: float) -> Check:
    return Check(
        name=MEMORY, bar=Bar(op="<", value=bar_gb), unit="GB", required=False,
        meaning="high-water mark of the process that measures, with all that it did before",
    )  # fmt: skip
