"""What prompts mean, taught before they are baked: calls under a prompt that tells of tools, none without."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from transformers import PreTrainedTokenizerBase

from bloomery.forge.data import training_data
from bloomery.forge.settings import FitConfig
from bloomery.tasks.batches import Row, row_of
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example
from bloomery.tasks.tools.demonstration import demonstrate
from bloomery.tasks.tools.registry import tool_task
from bloomery.tasks.tools.toolbox import toolbox

if TYPE_CHECKING:
    from bloomery.tasks.tools.conversation import ToolExample

UNKNOWN = "?"  # the answer to what needs a tool, where nothing tells of one


@dataclass(frozen=True)
class Lessons(torch.utils.data.Dataset[Row]):
    """Every other item is the recipe's, with a prompt before it or none; the rest need a tool.

    Those are shown with their calls under a prompt, and answered by "?" without one. Item i is a function of
    the seed and i.
    """

    recipe: Mixture
    prompts: tuple[str, ...]
    tasks: Mapping[str, tuple[int, ...]]
    tokenizer: PreTrainedTokenizerBase
    seq_len: int
    seed: int

    def __len__(self) -> int:
        return len(self.recipe)

    def __getitem__(self, index: int) -> Row:
        return row_of(self.example(index), self.tokenizer, self.seq_len)

    def example(self, index: int) -> Example:
        rng = random.Random(f"lessons/{self.seed}/{index}")
        prompt = rng.choice(self.prompts) if rng.random() < 0.5 else ""
        if rng.random() < 0.5:
            return under(prompt, self.recipe.example(index))
        task = tool_task(rng.choice(sorted(self.tasks)))
        level = rng.choice(self.tasks[task.name] or tuple(task.difficulties)[:1])
        asked = cast("ToolExample", draw_from(task, "train", rng, level))
        return under(prompt, demonstrate(asked, toolbox())) if prompt else replace(asked, answer=UNKNOWN)


def lessons(
    prompts: Mapping[str, str],
    tasks: Mapping[str, tuple[int, ...]],
    fitting: FitConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int,
) -> Lessons:
    """Lessons on these prompts and tasks, and on the training's own mixture."""
    recipe = training_data(fitting, tokenizer, seed=seed)
    return Lessons(recipe, tuple(prompts.values()), tasks, tokenizer, fitting.seq_len, seed)


def under(prompt: str, example: Example) -> Example:
    """The example with a prompt before it; what is worked in it moves along."""
    moved = tuple((start + len(prompt), stop + len(prompt)) for start, stop in example.worked)
    return Example(prompt + example.prompt, example.answer, example.difficulty, moved)
