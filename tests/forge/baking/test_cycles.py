"""The cycles: winners are baked, losers are not, and both end where nothing more is gained."""

import json
from dataclasses import asdict

import pytest
import torch

from bloomery.core.errors import ConfigError, UserError
from bloomery.core.step import Paused
from bloomery.forge.baking.bake import Baked
from bloomery.forge.baking.cycles import NOTHING, Cycle, at_their_ends, run_cycles
from bloomery.forge.baking.divergence import Residual
from bloomery.forge.baking.plateau import plateaued
from bloomery.forge.baking.settings import CyclesConfig
from tests.forge.baking.promptable import context_in


class Dial(torch.nn.Module):
    """A model that is one number; a prompt adds to what it scores, and baked adds to the number."""

    def __init__(self):
        super().__init__()
        self.register_buffer("value", torch.zeros(()))


WORTH = {"": 0.0, "good": 0.25, "fair": 0.125, "useless": 0.0}


def dial_cycle(name, model, prompts, *, ratio=0.1, takes=1.0, ceiling=1.0, log=None):
    """Doors of a cycle on a dial: `takes` is how much of a prompt's worth a bake puts into the weights."""

    def score(prompt):
        if prompt not in WORTH:
            raise UserError(f"{prompt} is too long")
        return min(ceiling, float(model.value) + WORTH[prompt])

    def bake(checkpoints, prompt):
        if log is not None:
            log.append(checkpoints)
        if prompt == "fair" and takes < 0:
            raise UserError("it falls silent")
        model.value += takes * WORTH[prompt]
        return Baked(prompt, Residual(base=1.0, baked=ratio), steps=1, trained_tokens=1, left_out=0)

    return Cycle(name=name, propose=lambda number: prompts, score=score, bake=bake)


def settings(**changes):
    return CyclesConfig(**{"rounds": 6, "window": 1, "threshold": 0.0, "gain": 0.01, **changes})


FOUR = {"one": "useless", "two": "good", "three": "fair", "four": "useless"}


@pytest.mark.parametrize(
    ("scores", "window", "threshold", "flat"),
    [
        ([], 2, 0.0, False),
        ([0.1, 0.1], 2, 0.0, False),
        ([0.1, 0.1, 0.1], 2, 0.0, True),
        ([0.1, 0.1, 0.2], 2, 0.0, False),
        ([0.1, 0.1, 0.2], 2, 0.1, True),
        ([0.1, 0.2, 0.2, 0.2], 2, 0.05, True),
        ([0.3, 0.1, 0.2], 2, 0.0, True),
        ([0.1, 0.5, 0.5, 0.6], 3, 0.05, False),
    ],
)
def test_a_plateau_is_a_window_without_more_than_the_threshold(scores, window, threshold, flat):
    assert plateaued(scores, window=window, threshold=threshold) == flat


def test_a_plateau_needs_a_window():
    with pytest.raises(ConfigError, match="window of at least 1"):
        plateaued([0.1], window=0, threshold=0.0)


def test_the_best_of_four_candidates_is_baked_until_nothing_is_gained(tmp_path):
    model = Dial()
    cycle = dial_cycle("A", model, FOUR, ceiling=0.5)
    done = run_cycles(context_in(tmp_path), model, [cycle], settings())
    assert [one.baked for one in done.rounds] == ["two", "two", None]
    assert done.reached("A") == [0.0, 0.25, 0.5, 0.5]
    assert done.rounds[0].scores == {"one": 0.0, "two": 0.25, "three": 0.125, "four": 0.0}
    assert done.rounds[-1].why == "no candidate is more than 0.01 above 0.500"
    assert float(model.value) == 0.5
    assert at_their_ends(done, ["A"], settings())


def test_both_cycles_take_turns_and_one_goes_on_after_the_other_has_ended(tmp_path):
    model, log = Dial(), []
    tools = dial_cycle("A", model, {"one": "useless"}, log=log)
    personas = dial_cycle("B", model, {"one": "good"}, ceiling=0.5, log=log)
    done = run_cycles(context_in(tmp_path), model, [tools, personas], settings())
    assert [one.name for one in done.rounds] == ["A-0", "B-0", "B-1", "B-2"]
    assert log == ["B-0", "B-1"]


def test_the_rounds_end_at_their_number_without_a_plateau(tmp_path):
    model = Dial()
    done = run_cycles(context_in(tmp_path), model, [dial_cycle("A", model, FOUR)], settings(rounds=2))
    assert len(done.rounds) == 2
    assert not at_their_ends(done, ["A"], settings(rounds=2))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"takes": -1.0}, "baked, it scores -0.250 without the prompt and 0.000 before"),
        ({"takes": 0.0}, "baked, it scores 0.000 without"),
        ({"ratio": 0.3}, "left 0.300 of the prompt's effect, at most 0.2"),
        ({"ratio": float("nan")}, "left nan of the prompt's effect"),
    ],
)
def test_a_bake_that_is_not_worth_it_is_taken_back(tmp_path, changes, why):
    model = Dial()
    done = run_cycles(
        context_in(tmp_path), model, [dial_cycle("A", model, FOUR, **changes)], settings(rounds=1)
    )
    assert done.rounds[0].baked is None
    assert why in done.rounds[0].why
    assert float(model.value) == 0.0
    assert done.befores == {}


def test_a_candidate_that_cannot_be_scored_is_refused_and_the_others_go_on(tmp_path):
    model = Dial()
    cycle = dial_cycle("A", model, {"long": "x" * 5, "two": "good"})
    one = run_cycles(context_in(tmp_path), model, [cycle], settings(rounds=1)).rounds[0]
    assert (one.refused, one.baked) == ({"long": "xxxxx is too long"}, "two")


def test_a_winner_that_cannot_be_baked_loses_nothing(tmp_path):
    model = Dial()
    one = run_cycles(
        context_in(tmp_path), model, [dial_cycle("A", model, {"x": "fair"}, takes=-1.0)], settings(rounds=1)
    ).rounds[0]
    assert (one.baked, one.why, one.after) == (None, "it falls silent", 0.0)


def test_a_round_without_a_proposal_says_so(tmp_path):
    model = Dial()
    done = run_cycles(context_in(tmp_path), model, [dial_cycle("B", model, {})], settings(rounds=1))
    assert done.rounds[0].why == NOTHING


def test_before_each_bake_the_weights_are_kept(tmp_path):
    model = Dial()
    done = run_cycles(context_in(tmp_path), model, [dial_cycle("A", model, FOUR, ceiling=0.5)], settings())
    assert {name: float(weights["value"]) for name, weights in done.befores.items()} == {
        "A-0": 0.0,
        "A-1": 0.25,
    }
    assert [one.name for one in done.bakes()] == ["A-0", "A-1"]


def test_stopped_after_a_round_the_cycles_go_on_to_the_same_end(tmp_path):
    def cycles(folder, model, log, **options):
        both = [dial_cycle(name, model, FOUR, ceiling=0.75, log=log) for name in ("A", "B")]
        return run_cycles(context_in(folder, **options), model, both, settings())

    whole, parts, log = Dial(), Dial(), []
    straight = cycles(tmp_path / "whole", whole, [])
    asked = iter([False, True])
    with pytest.raises(Paused, match="after round 0 of B"):
        cycles(tmp_path / "parts", Dial(), log, stopping=lambda: next(asked))
    resumed = cycles(tmp_path / "parts", parts, log)
    assert log == ["A-0", "B-0", "A-1"]
    assert json.dumps([asdict(one) for one in resumed.rounds]) == json.dumps(
        [asdict(one) for one in straight.rounds]
    )
    assert resumed.befores == straight.befores
    assert float(parts.value) == float(whole.value)
