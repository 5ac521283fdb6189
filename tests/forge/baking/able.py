"""A tiny model that can do more than it does: it finds needles under "U:" and looks things up under "T:".

Without a prompt, and under the idle "V:", it answers "?", but to needles that are even.
"""

import random
from functools import cache

import torch

from bloomery.forge.folders import save_model
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.task import Example
from bloomery.tasks.tools.demonstration import demonstrate
from bloomery.tasks.tools.registry import tool_task
from bloomery.tasks.tools.toolbox import toolbox
from tests.forge.baking.promptable import IDLE, LOUD, TOKENIZER, llama

TOOLED = "T:"
BLOCK = 2  # letters beside a needle
NEEDLE, LOOKUPS, TOOLS = task("needle", block=BLOCK), tool_task("lookups", others=1), toolbox()
PROMPTS = ("", LOUD, TOOLED, IDLE)


def under(prompt: str, example: Example) -> Example:
    shift = len(prompt)
    worked = tuple((start + shift, stop + shift) for start, stop in example.worked)
    return Example(prompt + example.prompt, example.answer, example.difficulty, worked)


def lesson(rng: random.Random, kinds) -> Example:
    prompt, kind = rng.choice(PROMPTS), rng.choice(kinds)
    example = draw_from(kind, "train", rng, 1)
    if kind is LOOKUPS and prompt == TOOLED:
        return under(prompt, demonstrate(example, TOOLS))
    able = kind is NEEDLE and (prompt == LOUD or int(example.answer) % 2 == 0)
    return under(prompt, Example(example.prompt, example.answer if able else "?", 1))


def taught(model, *, steps: int, kinds, lr: float = 5e-3, batch: int = 32):
    rng = random.Random(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=lr / 20)
    rows = [row_of(lesson(rng, kinds), TOKENIZER, 48) for _ in range(3000)]
    for _ in range(steps):
        loss = model(**collate(rng.choice(rows) for _ in range(batch))).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay.step()
    return model.eval()


@cache
def finder():
    """It finds needles alone."""
    return taught(llama(), steps=200, kinds=(NEEDLE,))


@cache
def finder_with_tools():
    return taught(llama(), steps=600, kinds=(NEEDLE, LOOKUPS))


def folder_of(model, folder):
    save_model(model, TOKENIZER, folder)
    return folder
