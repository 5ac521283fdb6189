"""The step in which a model learns of itself: its own activations, and at which temperature it wrote."""

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from transformers import PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.step import StepContext
from bloomery.forge.curriculum.climbing import Course
from bloomery.forge.curriculum.course import course_of, load_ladder
from bloomery.forge.curriculum.lessons import Book, Lesson, Lessons, fits, lesson
from bloomery.forge.curriculum.rehearsing import rehearsal_of
from bloomery.forge.curriculum.rungs import climbed_rates, levels_of, rung_problems
from bloomery.forge.curriculum.self_model import SelfModelling, explained, fit_head, weight_spread
from bloomery.forge.curriculum.settings import SelfModelConfig
from bloomery.forge.curriculum.temperature import Written, best_possible, written_at
from bloomery.forge.curriculum.tutoring import solved_before, write_both, write_log
from bloomery.forge.editing import Editable, load_editable
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.generation import write
from bloomery.tasks.task import Example

FRESH = 32  # problems a task and rung by which one of two trainings is chosen
PREDICTED = 512  # solved problems on which the prediction of activations is fitted, before and after


def introspect(context: StepContext) -> None:
    """Self-modelling and, from the same start, the same training without: the more accurate one goes on."""
    set_threads(machine.threads())
    config: CurriculumStageConfig = context.config
    own = config.self_model
    edited = load_editable(context.inputs["edited"])
    course = course_of(config, edited.tokenizer, load_ladder(context.inputs["ladder"]), seed=context.seed)
    solved = solved_before(context)
    problems = [one for rung in _held_out(config, course) for given in rung.values() for one in given]
    texts = _written(edited, own, solved, context.seed)
    unseen = _written(edited, own, problems, context.seed + 100)
    best = best_possible(edited.model, edited.tokenizer, unseen, own.temperatures)
    fresh = _fresh(course)
    known = [one.example() for one in solved[-PREDICTED:]]
    arms = {}
    for name, weight in {"self-model": own.weight, "control": 0.0}.items():
        pupil = load_editable(context.inputs["edited"])
        wrapped = SelfModelling(pupil.model, layer=own.layer, weight=weight)
        fit_head(wrapped, pupil.tokenizer, known)
        at = replace(context, checkpoint=context.checkpoint / name)
        _study(at, wrapped, pupil.tokenizer, solved, texts, name)
        fit_head(wrapped, pupil.tokenizer, known)
        arms[name] = pupil, {
            "accuracy": fmean(climbed_rates(pupil.model, pupil.tokenizer, course.tasks, fresh)),
            "explained": explained(wrapped, pupil.tokenizer, problems),
            "weight spread": weight_spread(pupil.model),
            "temperature": _told(pupil, unseen),
        }  # fmt: skip
    kept = max(arms, key=lambda name: (arms[name][1]["accuracy"], name == "self-model"))
    write_both(context, arms[kept][0])
    figures = {name: found for name, (_, found) in arms.items()}
    write_log(context, {**figures, "kept": kept, "best temperature": best, "texts": len(unseen)})


def _study(
    context: StepContext, pupil: SelfModelling, tokenizer: PreTrainedTokenizerBase,
    solved: Sequence[Lesson], texts: Sequence[Written], name: str,
) -> None:  # fmt: skip
    config: CurriculumStageConfig = context.config
    fitting = config.self_modelling()
    share = config.self_model.share
    book = Book({"replay": 1 - share, "self": share})
    book.add("replay", solved)
    asked = [
        one.example() for one in texts
    ]  # a byte that is no text by itself is three of them when read again
    fitting_asked = [one for one in asked if fits(one, tokenizer, fitting.seq_len)]
    book.add("self", [lesson(one, one.answer) for one in fitting_asked])
    rows = Lessons(book, tokenizer, seq_len=fitting.seq_len, seed=context.seed, length=fitting.examples())
    rehearsed = rehearsal_of(config, tokenizer, seed=context.seed).among(rows)
    fit(context, pupil, rehearsed, fitting, prefix=f"{name}/")  # type: ignore[arg-type]  # a module around a model


def _written(
    edited: Editable, own: SelfModelConfig, given: Sequence[Lesson | Example], seed: int
) -> list[Written]:
    """Texts after prompts of these, drawn with repeats."""
    rng = random.Random(f"written/{seed}")
    prompts = [rng.choice(given).prompt for _ in range(own.written)]
    return written_at(
        edited.model, edited.tokenizer, prompts, own.temperatures, max_new_tokens=own.new_tokens, seed=seed
    )


def _told(pupil: Editable, unseen: Sequence[Written]) -> float:
    asked = [one.example() for one in unseen]
    answers = write(pupil.model, pupil.tokenizer, [one.prompt for one in asked], max_new_tokens=2)
    return fmean(answer == one.answer for answer, one in zip(answers, asked, strict=True))


def _held_out(config: CurriculumStageConfig, course: Course) -> list[dict[str, list[Example]]]:
    return rung_problems(
        course.tasks, levels_of(course.ladder), config.mixture, config.exam, "selection", course.config.probes
    )


def _fresh(course: Course) -> list[dict[str, list[Example]]]:
    """Problems of the training side on each rung, by a stream of their own."""
    rng = random.Random(f"fresh/{course.seed}")
    return [
        {name: list(course.draw(name, rung, FRESH, rng)) for name in course.ladder.rungs}
        for rung in range(1, len(course.ladder) + 1)
    ]
