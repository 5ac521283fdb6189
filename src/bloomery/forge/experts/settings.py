"""The configs of the experts' parts. This module is light: a remembered run imports no model code."""

from dataclasses import dataclass
from typing import Literal

from bloomery.core.config import option
from bloomery.core.errors import ConfigError

FEWEST, MOST = 3, 10
Dispatch = Literal["classifier", "prompt", "cem"]


@dataclass(frozen=True, kw_only=True)
class TeachConfig:
    """How each expert is trained."""

    objective: Literal["reinforce", "supervised"] = option(
        "reinforce", help="learn from the reward of sampled answers, or from the right answers themselves"
    )
    dispatch: Dispatch = option(
        "classifier",
        help="who says whose a prompt is: a classifier, or the model itself that is asked for the expert's "
        "name; cem: the classifier, and what answers is the mixture that solves most examples of the kind",
    )
    steps: int = option(60, help="optimizer steps of each expert", low=1)
    prompts: int = option(16, help="prompts in an optimizer step", low=1)
    samples: int = option(4, help="answers drawn for each prompt, for reinforce", low=2)
    lr: float = option(2e-2, help="AdamW's learning rate, in units of z", low=0)
    kl: float = option(0.05, help="weight of the KL divergence from the model without experts, nats", low=0)
    clip_norm: float = option(1.0, help="largest norm of the gradient", low=0)
    checkpoint_every: int = option(20, help="optimizer steps between checkpoints", low=1)
    report_every: int = option(10, help="optimizer steps between metric reports", low=1)


@dataclass(frozen=True, kw_only=True)
class FindConfig:
    """How many experts there are, and over which layers."""

    fewest: int = option(3, help="fewest experts that may be chosen", low=FEWEST, high=MOST)
    most: int = option(10, help="most of them", low=FEWEST, high=MOST)
    layers: tuple[str, ...] = option(("*",), help="linear layers that experts turn, by pattern (*.mlp.*)")
    probe_steps: int = option(20, help="optimizer steps that try what helps a cell", low=1)
    probe_lr: float = option(0.03, help="Adam's rate in those steps, in units of z", low=0)
    rank: int = option(0, help="largest singular values that have a z, in each layer; 0: all", low=0)

    def __post_init__(self) -> None:
        if self.fewest > self.most:
            raise ConfigError(f"fewest is {self.fewest} and most {self.most}; give a range of experts")


@dataclass(frozen=True, kw_only=True)
class DesignSearchConfig:
    """The search over designs: which mixture, how strong, how deep, and how an answer is asked for."""

    generations: int = option(4, help="generations after the given designs", low=0, high=100)
    population: int = option(12, help="candidates a generation", low=2, high=50)
    examples: int = option(64, help="selection examples of each task that judge a candidate", low=1)
    strategies: tuple[str, ...] = option(
        ("act", "plan act", "act check retry", "plan act check retry"),
        help="how an answer is asked for: what designs choose from; act is always among them",
    )
    within: float = option(
        0.03, help="share of answers that the chosen design may lose to the most accurate one", low=0, high=1
    )
    bytes: float = option(1.25, help="most bytes of the chosen design, times the given model's", low=1)
    thoughts: int = option(0, help="most tokens of thought before an answer, where it can think", low=0)
