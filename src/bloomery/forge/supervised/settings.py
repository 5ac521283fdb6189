"""What `bloomery train` reads: one model of the library, and what it learns from. Imports no model code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bloomery.core.config import build, option
from bloomery.core.errors import ConfigError, UnknownName
from bloomery.forge.settings import ExamConfig, FitConfig
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.registry import KINDS
from bloomery.tasks.registry import task as task_of
from bloomery.tasks.task import check_difficulty
from bloomery.training.augmentation import AugmentConfig
from bloomery.training.config import TrainConfig
from bloomery.training.schedules import ScheduleConfig

Kind = Literal["images", "language", "puzzles"]
MODELS: Mapping[str, Kind] = {
    "lenet5": "images",
    "cognate-tiny": "language",
    "cognate-25m": "language",
    "hope": "language",
    "titans": "language",
    "trm": "puzzles",
}


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """What takes the steps; norms and biases do not decay."""

    kind: Literal["adamw", "sgd"] = option("adamw", help="sgd has momentum")
    lr: float = option(1e-3, help="learning rate at its highest", low=0)
    weight_decay: float = option(0.0, help="decay of matrices: adamw's is decoupled, a share of lr", low=0)
    momentum: float = option(0.9, help="share of the last step that goes on (sgd)", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class ImagesConfig:
    """How a classifier learns from labelled images."""

    data: str = option("mnist", help="a data set of images")
    epochs: int = option(help="passes over the training images", low=1)
    validation: int = option(
        0, help="training images, the last ones, that are not learned from and judge instead", low=0
    )
    augment: AugmentConfig = option(AugmentConfig(), help="how images are distorted while it learns")
    optimizer: OptimizerConfig = option(OptimizerConfig(), help="what takes the steps")
    schedule: ScheduleConfig = option(ScheduleConfig(), help="how the learning rate moves")
    train: dict[str, Any] = option(factory=dict, help="the training loop's settings, but for steps and seed")

    def __post_init__(self) -> None:
        known = [name for name, source in SOURCES.items() if source.kind == "images"]
        if self.data not in known:
            raise UnknownName("data set of images", self.data, known)
        if self.learned_from() < self.batch():
            raise ConfigError(
                f"validation is {self.validation} of {self._size()} training images: a batch of "
                f"{self.batch()} cannot be drawn from the others; leave more of them"
            )
        if self.schedule.warmup_steps >= self.steps():
            raise ConfigError(
                f"schedule.warmup_steps is {self.schedule.warmup_steps} and there are {self.steps()} steps: "
                "warm up for fewer"
            )

    def learned_from(self) -> int:
        return self._size() - self.validation

    def loop(self, *, steps: int = 1, seed: int = 0) -> TrainConfig:
        """The training loop's config."""
        return build(TrainConfig, {**self.train, "steps": steps, "seed": seed}, where="images.train")

    def batch(self) -> int:
        """Images in an optimizer step."""
        loop = self.loop()
        return loop.micro_batch * loop.accumulate

    def steps(self) -> int:
        """Optimizer steps; the last images of an epoch, too few for a micro-batch, are left out."""
        loop = self.loop()
        return self.epochs * (self.learned_from() // loop.micro_batch) // loop.accumulate

    def _size(self) -> int:
        return SOURCES[self.data].splits["train"].size


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """How a language model learns generated tasks and recorded data sets."""

    vocabulary: int = option(
        259, help="tokens of the tokenizer: 256 bytes, 3 special ones, and merges", low=259
    )
    fit: FitConfig = option(help="its training, with its mixture")
    exam: ExamConfig = option(ExamConfig(), help="the held-out examples that measure it")


@dataclass(frozen=True, kw_only=True)
class PuzzlesConfig:
    """How a model of grids learns a generated task, all of one difficulty."""

    task: str = option(help="a generated task")
    difficulty: int = option(help="that of its grids, by the task's own scale")
    options: dict[str, int | str] = option(factory=dict, help="the task's own options")
    cells: int = option(help="cells of a grid: prompt, answer, and what is left empty", low=2)
    steps: int = option(help="optimizer steps, each after one supervision step", low=1)
    average: float = option(
        0.999,
        help="share of the averaged weights that each step keeps; the average is examined",
        low=0,
        high=1,
    )
    exploration: float = option(
        0.1,
        help="share of grids that would halt and may only from a drawn supervision step on",
        low=0,
        high=1,
    )
    optimizer: OptimizerConfig = option(OptimizerConfig(), help="what takes the steps")
    schedule: ScheduleConfig = option(ScheduleConfig(), help="how the learning rate moves")
    train: dict[str, Any] = option(factory=dict, help="the training loop's settings, but for steps and seed")
    exam: ExamConfig = option(ExamConfig(), help="the held-out grids that measure it")

    def __post_init__(self) -> None:
        if self.task not in KINDS:
            raise UnknownName("task", self.task, KINDS)
        check_difficulty(task_of(self.task, **self.options), self.difficulty)
        if self.schedule.warmup_steps >= self.steps:
            raise ConfigError(
                f"schedule.warmup_steps is {self.schedule.warmup_steps} and there are {self.steps} steps: "
                "warm up for fewer"
            )
        if self.loop().accumulate > 1:
            raise ConfigError(
                f"puzzles.train.accumulate is {self.loop().accumulate}: grids go on from step to step "
                "in the same batch; raise micro_batch instead"
            )

    def loop(self, *, seed: int = 0) -> TrainConfig:
        """The training loop's config."""
        return build(TrainConfig, {**self.train, "steps": self.steps, "seed": seed}, where="puzzles.train")

    def batch(self) -> int:
        """Grids in an optimizer step."""
        return self.loop().micro_batch


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """A model, and what it learns from: exactly the group of its kind is given."""

    model: str = option(help=f"one of {', '.join(MODELS)}")
    architecture: dict[str, Any] = option(factory=dict, help="changes to the model's own config")
    seed: int = option(0, help="seed of everything that is drawn at random", low=0)
    threads: int | None = option(
        None, help="threads of numerical libraries; empty: OMP_NUM_THREADS, else one for each core", low=1
    )
    images: ImagesConfig | None = option(None, help="for models of images")
    language: LanguageConfig | None = option(None, help="for models of language")
    puzzles: PuzzlesConfig | None = option(None, help="for models of grids")
    bars: dict[str, float] = option(
        factory=dict, help="least accuracy by data set or task; exit code 1 where it is missed"
    )

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise UnknownName("model", self.model, MODELS)
        wanted = MODELS[self.model]
        given = [name for name, group in self.groups().items() if group is not None]
        if given != [wanted]:
            found = " and ".join(given) or "nothing"
            raise ConfigError(
                f"{self.model} is a model of {wanted} and learns from {found} here; give '{wanted}' alone"
            )
        for name in self.bars:
            if name not in self.examined():
                raise UnknownName("examined data set or task in 'bars'", name, self.examined())

    @property
    def kind(self) -> Kind:
        return MODELS[self.model]

    def groups(self) -> dict[str, Any]:
        """What each kind of model learns from; one of them is given."""
        return {"images": self.images, "language": self.language, "puzzles": self.puzzles}

    def examined(self) -> list[str]:
        """The data set, or the tasks, whose accuracy is measured."""
        if self.images is not None:
            return [self.images.data]
        if self.puzzles is not None:
            return [self.puzzles.task]
        return [] if self.language is None else list(self.language.fit.mixture)

    def work(self) -> dict[str, int]:
        """What each step has to read, in the order of the steps; for the time left."""
        if self.images is not None:
            seen = self.images.steps() * self.images.batch()
            return {"train": seen, "examine": SOURCES[self.images.data].splits["test"].size // 3, "result": 1}
        if self.puzzles is not None:
            return {
                "train": self.puzzles.steps * self.puzzles.batch(),
                "examine": self.puzzles.exam.test,
                "result": 1,
            }
        amount = 0 if self.language is None else self.language.fit.work()
        return {"tokenizer": amount // 100 + 1, "train": amount, "examine": amount // 10 + 1, "result": 1}
