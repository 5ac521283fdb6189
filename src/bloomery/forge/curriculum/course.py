"""A climb's course from a stage's config: tasks, ladder, held-out rungs; and where the ladder begins."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.completions import check_window
from bloomery.forge.curriculum.attempts import Attempt, OwnWords
from bloomery.forge.curriculum.climbing import Course
from bloomery.forge.curriculum.ladder import Ladder, ladder
from bloomery.forge.curriculum.lessons import fits
from bloomery.forge.curriculum.proposing import Checked, Generators, TaskProposer, graded_tasks
from bloomery.forge.curriculum.rungs import climbed_rates, levels_of, rung_problems
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.forge.curriculum.staircase import Assessment, assess
from bloomery.forge.curriculum.tool_attempts import WithTools
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.accuracy import accuracy
from bloomery.tasks.batches import length_of, pieces
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Task, check_difficulty
from bloomery.tasks.tokenizer import encode
from bloomery.tasks.tools.toolbox import toolbox

GENERATORS = Generators()
LOOKED_AT = 32  # examples of the hardest rung, to see whether they fit a row


def course_of(
    config: CurriculumStageConfig,
    tokenizer: PreTrainedTokenizerBase,
    rungs: Ladder,
    *,
    seed: int,
    proposer: TaskProposer = GENERATORS,
) -> Course:
    """What the climb goes through; forgetting is probed on held-out problems of the selection part."""
    tasks = graded_tasks(config.mixture)
    home = home_of(config, tasks)
    held_out = rung_problems(
        tasks, levels_of(rungs, home), config.mixture, config.exam, "selection", config.climb.probes
    )
    room = config.fit.seq_len
    fitting, refused = partial(fits, tokenizer=tokenizer, room=room), Counter[str]()
    return Course(
        config=config.climb, tasks=tasks, home=home, ladder=rungs, seed=seed,
        refused=refused,
        proposer=proposer if proposer is GENERATORS else Checked(proposer, fitting, refused),
        attempt=attempt_of(config.climb), room=room,
        probe=partial(climbed_rates, tokenizer=tokenizer, tasks=tasks, rungs=held_out),
    )  # fmt: skip


def attempt_of(config: ClimbConfig) -> Attempt:
    """In its own words, or with tools. Raises: UnknownName for a tool that there is not."""
    if not config.tools:
        return OwnWords(config.temperature)
    return WithTools(toolbox(*config.tools), config.temperature, config.tool_calls, config.tool_tokens)


def home_of(config: CurriculumStageConfig, tasks: Mapping[str, Task]) -> dict[str, Sequence[int]]:
    """The difficulties that the recipe's mixture trains on."""
    return {
        name: config.mixture[name].difficulties or tuple(task.difficulties) for name, task in tasks.items()
    }


def reach_of(config: CurriculumStageConfig, name: str, task: Task) -> range:
    """The difficulties that the ladder may use, from the easiest by which the recipe judges on.

    Raises: ConfigError for an end that the task has not.
    """
    hardest = config.climb.hardest.get(name, task.difficulties[-1])
    check_difficulty(task, hardest)
    easiest = min(config.mixture[name].judged or home_of(config, {name: task})[name])
    return range(easiest, hardest + 1)


def assessed(
    config: CurriculumStageConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
) -> dict[str, Assessment]:
    """Where each task is solved at the target, on fresh problems that are not held out.

    Raises: ConfigError where guessing alone reaches the target.
    """
    rng, found = random.Random(f"staircase/{seed}"), {}
    for name, task in graded_tasks(config.climbed()).items():

        def ask(level: int, count: int, task: Task = task) -> int:
            given = [draw_from(task, "train", rng, level) for _ in range(count)]
            return accuracy(model, tokenizer, given, task).correct

        stairs = config.staircase
        found[name] = assess(
            ask, reach_of(config, name, task), chance=task.chance, target=stairs.target,
            at_once=stairs.at_once, most=stairs.most, width=stairs.width,
        )  # fmt: skip
    return found


def ladder_of(config: CurriculumStageConfig, found: Mapping[str, Assessment]) -> Ladder:
    """Each task's rungs from its threshold to its end."""
    tasks = graded_tasks(config.climbed())
    return Ladder(
        {
            name: ladder(one.threshold, reach_of(config, name, tasks[name])[-1], config.climb.rungs)
            for name, one in found.items()
        }
    )


def check_fits(
    config: CurriculumStageConfig,
    rungs: Ladder,
    tokenizer: PreTrainedTokenizerBase,
    window: int | None = None,
) -> None:
    """Raises: ConfigError where a problem, with all that is written after it, is longer than a row, or than
    the model's window."""
    rng, room = random.Random("fits"), config.fit.seq_len
    spare = config.self_model.new_tokens + 1 if config.self_model.steps else 1
    for name, task in graded_tasks(config.climbed()).items():
        level = rungs.rungs[name][-1]
        given = [pieces(draw_from(task, "train", rng, level), tokenizer) for _ in range(LOOKED_AT)]
        needed = max(map(length_of, given)) + spare
        told = f"'{name}' at difficulty {level} needs {needed} tokens"
        ends = f"end the ladder earlier by climb.hardest.{name}"
        if needed > room:
            raise ConfigError(f"{told} and fit.seq_len is {room}: raise it, or {ends}")
        if window is not None and needed > window:
            raise ConfigError(f"{told} and the model's window is {window}: {ends}")


def check_prompts(
    config: CurriculumStageConfig, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Raises: UserError where a prompt with its questions is longer than the model's window."""
    wanted = config.principles
    for one in wanted.prompts.values():
        ids = encode(tokenizer, one.prompt)
        asked = [(ids, encode(tokenizer, question)) for question in (*one.questions, *one.probes)]
        check_window(model, one.prompt, asked, wanted.bake.max_new_tokens)


def save_ladder(path: Path, rungs: Ladder, found: Mapping[str, Assessment]) -> None:
    plain = {
        "rungs": {name: list(levels) for name, levels in rungs.rungs.items()},
        "assessed": {name: asdict(one) for name, one in found.items()},
    }
    path.write_text(json.dumps(plain, indent=1, sort_keys=True))


def load_ladder(path: Path) -> Ladder:
    """Raises: ConfigError for a file that holds no ladder."""
    plain: Any = json.loads(path.read_text())
    if not plain.get("rungs"):
        raise ConfigError(f"{path} holds no rungs; give the ladder that the stage's assessment wrote")
    return Ladder({name: tuple(levels) for name, levels in plain["rungs"].items()})
