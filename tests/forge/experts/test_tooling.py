"""Designs that act with tools: scored by what their calls really return, and chosen where that helps."""

import pytest
import torch

from bloomery.forge.evolving.nsga import Nsga, evolve_front
from bloomery.forge.experts import answering, tooling
from bloomery.forge.experts.cells import Cell
from bloomery.forge.experts.designs import DesignSpace
from bloomery.forge.experts.examining import Ready, tried
from bloomery.forge.experts.searching import choose
from bloomery.forge.experts.writing import Written
from bloomery.models.packed.experts import Experts, ExpertSet, stored
from bloomery.tasks.splitting import examples
from bloomery.tasks.tools.registry import tool_task
from bloomery.tasks.tools.toolbox import Toolbox
from tests.forge.baking.promptable import TOKENIZER, llama

LOOKUPS = tool_task("lookups", others=1)
CELL = Cell(LOOKUPS, 1, tuple(examples(LOOKUPS, "test", count=6, seed=1, difficulties=(1,))))


def caller(_model, tokenizer, prompts, *, max_new_tokens, **_):
    """Writes a call to the store, and then what it was given in return: `@1kfq=` is answered by `[skfq]`."""
    found = []
    for ids in prompts:
        question, _, result = tokenizer.decode(list(ids), skip_special_tokens=True).partition("=")
        text = f"[s{question[2:]}]" if not result else result.partition("{")[2].rstrip("}")
        found.append(
            Written([*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id], 0.9)
        )
    return found


@pytest.fixture
def ready(monkeypatch):
    """A model that calls, with an expert that does nothing."""
    monkeypatch.setattr(answering, "written", caller)
    monkeypatch.setattr(tooling, "written", caller)
    model = llama().eval()
    held = ExpertSet(
        names=("1-lookups",), ranks={"model.layers.0.mlp.up_proj": 2}, deltas=stored(torch.full((1, 2), 0.5)),
        mixture=torch.ones(1), strengths=torch.ones(1),
    )  # fmt: skip
    return Ready(model, TOKENIZER, Experts(model, held), held, {}, [CELL], 1000)


def searched(ready):
    space = DesignSpace(strategies=("act", "act with tools"), experts=1, layers=1)

    def evaluate(named):
        results = {name: tried(space.design(genome), ready) for name, genome in named.items()}
        return {name: (1 - one.accuracy, one.flops, float(one.size)) for name, one in results.items()}

    search = Nsga(space=space.space, seed=1, size=3, essence=space.essence)
    found = evolve_front(search, evaluate, space.first(), 1)
    best = choose(found, within=0.03)
    return space.design(best.genome), best.objectives[0]


def test_the_search_prefers_a_strategy_that_acts_with_tools_where_they_answer(ready):
    design, error = searched(ready)
    assert (design.strategy, error) == ("act with tools", 0.0)


def test_broken_tools_are_preferred_by_nobody(ready, monkeypatch):
    monkeypatch.setattr(tooling, "toolbox", lambda: Toolbox(()))
    design, error = searched(ready)
    assert (design.strategy, error) == ("act", 1.0)


def test_every_turn_of_a_conversation_costs_what_it_reads_and_writes(ready):
    """A call and an answer, each with its end, the second turn after all that stood before it."""
    (one,) = CELL.examples[:1]
    ids = TOKENIZER.encode(one.prompt)
    (answer,), tokens = tooling.written_with_tools(ready.model, TOKENIZER, [ids], [one], max_new_tokens=3)
    call, result = "[skfq]", "{" + one.answer + "}"
    first = len(ids) + len(call) + 1
    second = len(ids) + len(call) + len(result) + len(one.answer) + 1
    assert tokens == first + second
    assert TOKENIZER.decode(answer.ids, skip_special_tokens=True) == one.answer
