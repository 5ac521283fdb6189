"""The training of a verb, outside a recipe: a few numbers, the rest as the stage's preset has it."""

from collections.abc import Mapping

from bloomery.forge.settings import FitConfig
from bloomery.tasks.ingredient import Ingredient
from bloomery.training.schedules import ScheduleConfig

WARM_STEPS, WARM_SHARE = 10, 0.1  # the learning rate rises over the fewer of the two
FINAL = 0.05  # of the learning rate, at the end


def fine_tuning(
    mixture: Mapping[str, Ingredient],
    *,
    steps: int,
    preset: str,
    seq_len: int = FitConfig.seq_len,
    lr: float | None = None,
    batch: int | None = None,
    checkpoint_every: int | None = None,
    evaluate_every: int | None = None,
) -> FitConfig:
    """A training on these tasks with a stage's optimizer numbers and a cosine; what is None is their default.

    Raises: ConfigError.
    """
    train = {"micro_batch": batch, "checkpoint_every": checkpoint_every, "evaluate_every": evaluate_every}
    warm = min(WARM_STEPS, int(WARM_SHARE * steps))
    return FitConfig(
        steps=steps,
        seq_len=seq_len,
        mixture=dict(mixture),
        preset=preset,
        muon_grokfast={} if lr is None else {"lr": lr},
        schedule=ScheduleConfig(kind="cosine", warmup_steps=warm, final=FINAL),
        train={name: value for name, value in train.items() if value is not None},
    )
