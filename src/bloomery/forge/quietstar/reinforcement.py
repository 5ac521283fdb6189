"""How thoughts are reinforced, and where they are had. This module is light: it imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.forge.settings import FitConfig
from bloomery.tasks.ingredient import Ingredient


@dataclass(frozen=True, kw_only=True)
class InjectionConfig:
    """Which tokens are hard enough to think after; a weight counts relative to the others."""

    entropy: float = option(0.4, help="weight of the entropy of the next token", low=0)
    dispersion: float = option(0.3, help="weight of how evenly attention spreads", low=0)
    loss: float = option(0.3, help="weight of how unexpected the token itself was", low=0)
    threshold: float = option(0.6, help="least difficulty, from 0 to 1", low=0, high=1)
    gap: int = option(3, help="least tokens from one thought to the next", low=1)

    def __post_init__(self) -> None:
        if not self.entropy and not self.loss:
            raise ConfigError(
                f"injection has entropy {self.entropy} and loss {self.loss}; one must be above 0, as some "
                "models show no attention"
            )


@dataclass(frozen=True, kw_only=True)
class ReinforceConfig:
    """Reinforcement of thoughts by how likely they make what follows (Quiet-STaR)."""

    fit: FitConfig = option(help="steps, batches and optimizer; on the recipe's mixture")
    thoughts: int = option(4, help="thoughts at each place, compared with one another", low=2)
    length: int = option(16, help="most tokens of a thought", low=1)
    ahead: int = option(8, help="next tokens that a thought is judged by", low=1)
    temperature: float = option(1.0, help="of the policy that writes thoughts", low=0.01)
    clamp: bool = option(True, help="leave out thoughts that are worse than the mean, as the paper does")
    opening: float = option(0.5, help="mixing weight of thoughts at the beginning", low=0.001, high=0.999)
    where: Literal["answer", "difficult"] = option(
        "answer", help="think before each answer, or after what is difficult"
    )
    injection: InjectionConfig = option(InjectionConfig(), help="what is difficult")
    policy: float = option(1.0, help="weight of REINFORCE on the thoughts' tokens", low=0)
    mixing: float = option(1.0, help="weight of the loss after thoughts, on the mixing head", low=0)
    talk: float = option(0.0, help="weight of the loss after thoughts, on the model", low=0)
    base: float = option(0.1, help="weight of the loss without thoughts", low=0)
    kl: float = option(0.1, help="weight of the divergence of thoughts from those of the frozen copy", low=0)
    hold: float = option(
        1.0,
        help="weight of the divergence of what thoughts are read as from the frozen copy's reading",
        low=0,
    )

    def __post_init__(self) -> None:
        if self.fit.halting or self.fit.recursion_depths:
            raise ConfigError(
                f"reinforcement runs the model as it answers; leave out fit.halting ({self.fit.halting}) and "
                f"fit.recursion_depths ({list(self.fit.recursion_depths)})"
            )

    def on(self, mixture: Mapping[str, Ingredient]) -> "ReinforceConfig":
        """The same on a recipe's tasks. Raises: ConfigError where `fit` names its own."""
        return replace(self, fit=self.fit.on(mixture))

    def work(self) -> int:
        """Tokens that the training reads at most, with one place to think in each row, padding included.

        By rows: the text, its copy to write thoughts behind, then each thought twice with its text (by the
        model and by the frozen copy, which reads the text as well).
        """
        row, thought = self.fit.seq_len, self.length + self.ahead + 1
        readers = 2 if self.kl or self.hold else 1
        written = row + self.thoughts * self.length
        read = readers * (row + self.thoughts * (row + thought))
        return self.fit.total_steps() * self.fit.batch() * (written + read)
