"""What a model is taught to think, and how long. Light: a remembered run imports no model code."""

from dataclasses import dataclass

from bloomery.core.config import option
from bloomery.core.errors import ConfigError, UnknownName
from bloomery.tasks.chains.chain import STRATEGIES
from bloomery.tasks.chains.working import WORKINGS


@dataclass(frozen=True, kw_only=True)
class ThoughtsConfig:
    """Thoughts to learn from; what is left after `direct` and `filler` shows a chain before its answer."""

    strategies: dict[str, float] = option(
        factory=lambda: dict.fromkeys(STRATEGIES, 1.0), help="how often each is drawn, relative to the others"
    )
    direct: float = option(0.3, help="share of examples answered without a thought", low=0, high=1)
    filler: float = option(
        0.1, help="share of examples answered after a thought that says nothing", low=0, high=1
    )
    tokens: int = option(64, help="most tokens of a thought", low=1)
    share: float | None = option(
        None,
        help="share of rows from tasks that are thought about; empty: by the mixture's weights",
        low=0.01,
        high=1,
    )
    tasks: tuple[str, ...] = option(
        (), help="tasks to think about, in which thoughts are examined; empty: all with chains of thought"
    )

    def __post_init__(self) -> None:
        for name in self.strategies:
            if name not in STRATEGIES:
                raise UnknownName("strategy", name, STRATEGIES)
        for name in self.tasks:
            if name not in WORKINGS:
                raise UnknownName("task with chains of thought", name, WORKINGS)
        if min(self.strategies.values(), default=0) < 0 or not any(self.strategies.values()):
            raise ConfigError(f"strategies are {self.strategies}; give weights from 0, one of them above it")
        if self.direct + self.filler >= 1:
            raise ConfigError(
                f"direct {self.direct} and filler {self.filler} leave no example for thoughts; lower one"
            )

    def concern(self, task: str) -> bool:
        """Whether examples of this task are taught with thoughts."""
        return task in (self.tasks or WORKINGS)
