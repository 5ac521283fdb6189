"""A climb in a task that needs a tool: a model that can call masters it by calls that are really made."""

import random

import pytest
import torch

from bloomery.forge.curriculum.attempts import OwnWords
from bloomery.forge.curriculum.climbing import Climb, Course, _plain, _problem
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.curriculum.lessons import Book, Lessons
from bloomery.forge.curriculum.pool import Problem
from bloomery.forge.curriculum.proposing import Generators
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.forge.curriculum.tool_attempts import WithTools
from bloomery.forge.fitting import fit
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.splitting import draw_from
from bloomery.tasks.tools.demonstration import demonstrate
from bloomery.tasks.tools.registry import tool_task
from bloomery.tasks.tools.toolbox import toolbox
from tests.forge.baking.promptable import TOKENIZER, llama
from tests.forge.curriculum.pupils import context_in, fitting

LOOKUPS, TOOLS = tool_task("lookups", others=1), toolbox("store")
CONFIG = ClimbConfig(rungs=1, pool=24, round_steps=1, replay=0.25, dreams=0.0, kept=24, temperature=0.2)


@pytest.fixture(scope="module")
def caller():
    """A model that was shown calls, and learned no answer by heart."""
    rng, model = random.Random(0), llama()
    shown = [demonstrate(draw_from(LOOKUPS, "train", rng, 1), TOOLS) for _ in range(2000)]
    rows = [row_of(one, TOKENIZER, 32) for one in shown]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.95))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=2e-4)
    for _ in range(STEPS):
        model(**collate(rng.choice(rows) for _ in range(32))).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay.step()
        optimizer.zero_grad()
    return model.eval().state_dict()


STEPS = 400


def climbed(folder, weights, attempt):
    model = llama()
    model.load_state_dict(weights)
    course = Course(
        config=CONFIG, tasks={"lookups": LOOKUPS}, home={"lookups": (1,)}, ladder=Ladder({"lookups": (1,)}),
        proposer=Generators(), attempt=attempt, probe=lambda _: [0.0, 0.0], room=48, seed=1,
    )  # fmt: skip
    book, told = Book({"solution": 0.75, "replay": 0.25}), {}

    def metric(name, value, step):
        told.setdefault(name, []).append(value)

    climb = Climb(course, book, model, TOKENIZER, metric)
    words = fitting(6, muon_grokfast={"lr": 1e-4})
    lessons = Lessons(book, TOKENIZER, seq_len=48, seed=1, length=words.examples())
    fit(context_in(folder, {}, words), model, lessons, words, callbacks=[climb])
    return climb, told["climb/solved_without_hint"]


@pytest.mark.slow  # a model learns to call: ten seconds
def test_a_model_that_can_call_masters_a_task_that_needs_a_tool_by_calling(caller, tmp_path):
    climb, solved = climbed(tmp_path / "calls", caller, WithTools(TOOLS, 0.2, 2, 12))
    assert solved[0] >= 0.75
    assert climb.matrix.keys() == {"0", "1"}  # the rung was mastered and left
    learned = [one for one in climb.book.pages["replay"] if not one.hints]
    assert len(learned) > 24
    for one in learned:
        (begin, end), *_ = one.worked
        assert one.prompt[begin:end].startswith("[s")  # the call is learned
        assert one.prompt.endswith(f"{{{one.answer}}}")  # and the store's answer is read


@pytest.mark.slow  # a model learns to call: ten seconds
def test_without_calls_the_same_model_solves_nothing_of_it(caller, tmp_path):
    climb, solved = climbed(tmp_path / "words", caller, OwnWords(0.2))
    assert max(solved) <= 0.25
    assert climb.matrix.keys() == {"0"}


def test_a_problem_with_what_its_tools_find_comes_back_from_a_checkpoint():
    one = Problem(3, "lookups", draw_from(LOOKUPS, "train", random.Random(0), 2), hints=1)
    back = _problem(_plain(one))
    assert back == one
    assert (back.example.stored, back.example.calls) == (one.example.stored, one.example.calls)
