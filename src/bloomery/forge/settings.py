"""Configs that several stages share. This module is light: a remembered run imports no model code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bloomery.core.config import build, option, to_plain
from bloomery.core.errors import ConfigError, UnknownName
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import KINDS
from bloomery.training.config import TrainConfig
from bloomery.training.multi_scale_settings import M3Config
from bloomery.training.presets import PRESETS, MuonGrokfastConfig
from bloomery.training.schedules import ScheduleConfig


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a model is trained within a stage; exactly one of `steps` and `epochs` is given."""

    steps: int | None = option(None, help="optimizer steps", low=1)
    epochs: int | None = option(None, help="passes over the data sets' training examples", low=1)
    seq_len: int = option(64, help="tokens in a row; shorter rows are padded, longer ones left out", low=2)
    mixture: dict[str, Ingredient] = option(factory=dict, help="tasks and data sets, and their weights")
    optimizer: Literal["muon_grokfast", "adamw", "m3"] = option("muon_grokfast", help="what takes the steps")
    preset: str = option("cognate", help="the stage whose optimizer numbers are the defaults")
    muon_grokfast: dict[str, Any] = field(
        default_factory=dict,
        metadata={"help": "changes to the preset's optimizer numbers", "fields": MuonGrokfastConfig},
    )
    m3: dict[str, Any] = field(
        default_factory=dict,
        metadata={"help": "changes to M3's numbers, of the optimizer m3 alone", "fields": M3Config},
    )
    schedule: ScheduleConfig = option(ScheduleConfig(), help="how the learning rate moves")
    sequence_lengths: tuple[tuple[int, int], ...] = option(
        (), help="curriculum: rows are cut to (from this step, so many tokens)"
    )
    recursion_depths: tuple[tuple[int, int], ...] = option(
        (), help="curriculum: models with recursion take (from this step, so many recursion steps)"
    )
    halting: float = option(
        0.0,
        help="share of steps in which tokens may halt, so that it learns to read tokens that halted early",
        low=0,
        high=1,
    )
    train: dict[str, Any] = option(factory=dict, help="the training loop's settings, but for steps and seed")

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ConfigError(f"give one of steps ({self.steps}) and epochs ({self.epochs})")
        check_names(self.mixture)
        if self.preset not in PRESETS:
            raise UnknownName("optimizer preset", self.preset, PRESETS)
        if self.steps is not None and self.schedule.warmup_steps >= self.steps:
            raise ConfigError(
                f"schedule.warmup_steps is {self.schedule.warmup_steps} and steps {self.steps}: "
                "warm up for fewer steps than there are"
            )
        self.loop(steps=1, seed=0)
        numbers = {**to_plain(PRESETS[self.preset]), **self.muon_grokfast}
        effective = to_plain(build(MuonGrokfastConfig, numbers, where="muon_grokfast"))
        object.__setattr__(self, "muon_grokfast", effective)  # as it takes effect, for keys and `config show`
        if self.m3 and self.optimizer != "m3":
            raise ConfigError(f"m3 is given and the optimizer is {self.optimizer}; name m3, or leave it out")
        self.m3_numbers()

    def on(self, mixture: Mapping[str, Ingredient]) -> "FitConfig":
        """The same training on a recipe's tasks. Raises: ConfigError where it names its own."""
        if self.mixture:
            raise ConfigError(
                "a training of a stage names its own mixture; the recipe's root names it, for all stages"
            )
        return replace(self, mixture=dict(mixture))

    def numbers(self) -> MuonGrokfastConfig:
        """The optimizer's config: the preset with the recipe's changes."""
        return build(MuonGrokfastConfig, self.muon_grokfast, where="muon_grokfast")

    def m3_numbers(self) -> M3Config:
        """M3's config with the recipe's changes."""
        return build(M3Config, self.m3, where="m3")

    def loop(self, *, steps: int, seed: int) -> TrainConfig:
        """The training loop's config."""
        return build(TrainConfig, {**self.train, "steps": steps, "seed": seed}, where="train")

    def batch(self) -> int:
        """Examples in an optimizer step."""
        loop = self.loop(steps=1, seed=0)
        return loop.micro_batch * loop.accumulate

    def total_steps(self) -> int:
        """Optimizer steps; an epoch is as many examples as the data sets' training splits hold."""
        return self.steps if self.steps is not None else -(-self.examples() // self.batch())

    def examples(self) -> int:
        """Examples that the whole training sees."""
        if self.steps is not None:
            return self.steps * self.batch()
        sizes = [
            SOURCES[name].splits["train"].size
            for name, given in self.mixture.items()
            if is_data_set(name) and given.weight > 0 and "train" in SOURCES[name].splits
        ]
        if not sizes:
            raise ConfigError(
                "epochs are counted over data sets and the mixture has none; give steps instead"
            )
        return sum(sizes) * (self.epochs or 0)

    def work(self) -> int:
        """Tokens that the training reads, padding included."""
        return self.total_steps() * self.batch() * self.seq_len


@dataclass(frozen=True, kw_only=True)
class ExamConfig:
    """Held-out examples: those that choose between candidates, and those that measure the chosen one."""

    selection: int = option(128, help="examples a task for choosing between candidates", low=1)
    test: int = option(256, help="examples a task for measuring the choice; none of them chose it", low=1)
    seed: int = option(7, help="which held-out examples", low=0)
    data_sets: tuple[str, ...] = option((), help="data sets that are examined beside what is trained on")
    max_new_tokens: int = option(128, help="tokens of a written answer (data sets of number problems)", low=1)


def check_names(mixture: Iterable[str]) -> None:
    """Raises: UnknownName for what is neither a task nor a data set."""
    for name in mixture:
        if name not in KINDS and not is_data_set(name):
            raise UnknownName("task or data set", name, [*KINDS, *SOURCES])


def is_data_set(name: str) -> bool:
    """Whether a mixture's entry is a data set with records, not a generated task."""
    return name in SOURCES and SOURCES[name].kind == "records"


@dataclass(frozen=True, kw_only=True)
class TernaryConfig:
    """What becomes of a model's weights: trits in its linear layers, a few bits elsewhere."""

    threshold: float = option(
        0.5, help="weights below this share of the mean |w| become 0; more is sparser, so smaller", low=0
    )
    per_row: bool = option(False, help="a scale for each row of a matrix instead of one for all of it")
    scaling: Literal["absmean", "least_squares"] = option(
        "absmean", help="the scale of the trits: the mean |w|, or that of the weights that are not 0"
    )
    embedding_bits: int = option(8, help="bits of a weight in matrices that are not trits", low=2, high=8)
    skip: tuple[str, ...] = option(
        (),
        help="linear layers that stay, by pattern (*.gate_proj), beside those the model itself keeps",
    )
