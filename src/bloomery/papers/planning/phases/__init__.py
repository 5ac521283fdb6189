"""The eight phases of a plan, each with its tasks."""

from collections.abc import Callable

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.intents import PHASES_LEFT_OUT
from bloomery.papers.planning.phases.core import core
from bloomery.papers.planning.phases.finishing import documentation, quality, release
from bloomery.papers.planning.phases.models import models
from bloomery.papers.planning.phases.setup import setup
from bloomery.papers.planning.phases.tests_first import tests_first
from bloomery.papers.planning.phases.training import training
from bloomery.papers.planning.planned import Phase
from bloomery.papers.planning.tasks import Tasks

PHASES: tuple[Callable[[Design, Tasks], Phase], ...] = (
    setup,
    tests_first,
    core,
    models,
    training,
    quality,
    documentation,
    release,
)
TITLES = {4: "Model Assembly", 5: "Training Infrastructure"}


def phases_of(design: Design, tasks: Tasks) -> tuple[Phase, ...]:
    """All eight; those that the intent leaves out say so and keep their number."""
    return tuple(
        write(design, tasks) if number in design.intent.phases else _left_out(design, number)
        for number, write in enumerate(PHASES, 1)
    )


def _left_out(design: Design, number: int) -> Phase:
    why = f"For the intent {design.intent.name} {PHASES_LEFT_OUT[number]}."
    return Phase(number=number, title=TITLES[number], about="", left_out=why)
