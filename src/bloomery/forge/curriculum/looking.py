"""What a model that was taken through the curriculum kept of what it could, on held-out examples."""

from pathlib import Path

from bloomery.core import machine
from bloomery.forge.editing import load_editable
from bloomery.forge.exams import exams, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.accuracy import Accuracy


def before_and_after(
    base: Path, output: Path, config: CurriculumStageConfig
) -> tuple[dict[str, Accuracy], dict[str, Accuracy]]:
    """Accuracy at the difficulties from which the climb began; latent weights are read through trits."""
    set_threads(machine.threads())
    given = exams(config.mixture, config.exam, "test", fewer_ok=True)
    edited = load_editable(base)
    return sit(edited.model, edited.tokenizer, given), sit(*load_model(output), given)
