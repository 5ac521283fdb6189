"""What all stages are judged and trained on, and the checks that all have. Light: no model code here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.core.evidence import Bar, Check
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.settings import ExamConfig
from bloomery.forge.stage import Metric
from bloomery.tasks.ingredient import Ingredient

CLAIMS, LATENCY, MEMORY = "claims measured again", "latency", "resident memory"
THINKING = "thinking kept"
THOUGHTS = Metric(
    name="thinking/<model>", over="nothing", meaning="mean accuracy after own thoughts, on test examples"
)


@dataclass(frozen=True, kw_only=True)
class JudgedConfig:
    """A stage's tasks, exam and thoughts: the recipe's, which all its stages share."""

    mixture: dict[str, Ingredient] = option(factory=dict, help="the recipe's tasks and data sets")
    exam: ExamConfig = option(ExamConfig(), help="the recipe's held-out examples")
    thoughts: ThoughtsConfig | None = option(
        None, help="the recipe's thoughts: quietstar teaches them, later stages keep them up"
    )

    def check_tasks(self, where: str, names: Iterable[str]) -> None:
        """Raises: ConfigError where a part of the config names a task that the mixture does not hold."""
        if unknown := sorted(set(names) - set(self.mixture)):
            raise ConfigError(f"{where} names {', '.join(unknown)}, which the mixture does not hold")

    def check_judged(self, names: Iterable[str]) -> None:
        """Raises: ConfigError where `bars.accuracy` names a task that the mixture does not judge at once."""
        self.check_tasks("bars.accuracy", names)
        if unasked := sorted(name for name in names if not self.mixture[name].at_once):
            raise ConfigError(
                f"bars.accuracy names {', '.join(unasked)}, which the mixture judges after thoughts alone "
                "(at_once: false); bars.thinking holds for that"
            )

    def tasks_with_thoughts(self) -> dict[str, Ingredient]:
        """The tasks with chains of thought that the recipe's thoughts concern; none without thoughts."""
        return thought_about(self.mixture, self.thoughts)

    def tokens(self, seq_len: int) -> tuple[int, int]:
        """About how many tokens the selection and the test examples hold; a third of training on them."""
        each = len(self.mixture) * seq_len
        return self.exam.selection * each // 3, self.exam.test * each // 3

    def thinking(self, seq_len: int) -> int:
        """About how many tokens two models read and write that think about the test examples, so counted."""
        tasks = len(self.tasks_with_thoughts())
        return 2 * self.exam.test * tasks * (seq_len + (self.thoughts.tokens if self.thoughts else 0)) // 3


def thought_about(
    mixture: Mapping[str, Ingredient], thoughts: ThoughtsConfig | None
) -> dict[str, Ingredient]:
    """The part of a mixture that is thought about, as it is judged after thoughts."""
    if thoughts is None:
        return {}
    concerned = {name: one for name, one in mixture.items() if thoughts.concern(name) and one.weight > 0}
    return {name: replace(one, at_once=True) for name, one in concerned.items()}


def check_asked(mixture: Mapping[str, Ingredient], thoughts: ThoughtsConfig | None) -> None:
    """Raises: ConfigError where a task is never judged, or none is judged at once."""
    asked = {name: one for name, one in mixture.items() if one.weight > 0}
    later = {name for name, one in asked.items() if not one.at_once}
    if never := sorted(later - set(thought_about(mixture, thoughts))):
        raise ConfigError(
            f"{', '.join(never)}: judged after thoughts alone (at_once: false), and nothing thinks of them; "
            "name them in thoughts.tasks, or judge them at once"
        )
    if later and later == set(asked):
        raise ConfigError(
            f"the mixture judges all its tasks ({', '.join(sorted(later))}) after thoughts alone; the stages "
            "compare answers given at once: leave one without at_once: false"
        )


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


def thinks(config: JudgedConfig, bar: float | None) -> tuple[Check, ...]:
    """The check on thoughts, where the recipe has some; without a bar it is reported."""
    if not config.tasks_with_thoughts():
        return ()
    return (
        Check(name=THINKING, bar=Bar(op=">=", value=bar or 0.0), unit="of the accuracy",
              required=bar is not None,
              meaning="mean accuracy after own thoughts over the given model's, on the tasks that are "
              "thought about; baseline: the given model's"),
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
