"""The benchmark's own arithmetic, its twin, its near misses; and answers of models of the Hub."""

import math

import pytest
import torch

from benchmarks.code_prompts import Judge, resampled, row, wilson
from benchmarks.code_prompts_more import near_misses
from benchmarks.code_prompts_onward import fill_onward, next_token_loss, onward, shifted
from bloomery.diffusion.code.prompting.cutting import Cutting, prepared
from bloomery.diffusion.code.prompting.drawing import Drawing
from bloomery.diffusion.code.prompting.layout import MASK_ID, OPENING, SKETCH
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.prompting.opening import of_hub
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.sampling import draw

from .conftest import TINY


@pytest.fixture
def twin():
    return onward(PromptModel.fresh(*prepared(), operations=tuple(OPERATIONS), **TINY))


def test_wilsons_interval_is_that_of_its_equation():
    low, high = wilson(0.9, 100)
    for p in (low, high):  # where the score test of p is just 1.96
        assert abs(0.9 - p) / math.sqrt(p * (1 - p) / 100) == pytest.approx(1.96)
    assert wilson(1.0, 50)[1] == pytest.approx(1.0)


def test_one_that_was_not_run_makes_the_row_not_run():
    assert row([True, None, True])["state"] == "not_run"
    assert row([True, False, True, True])["passed"] == 0.75


def test_a_gain_that_is_always_the_same_has_no_width():
    assert resampled([0.5] * 20, draws=50) == [0.5, 0.5, 0.5]
    mean, low, high = resampled([1.0, 0.0] * 50)
    assert low < mean == 0.5 < high


@torch.no_grad()
def test_the_twin_pays_for_every_token_once_and_sees_no_later_one(twin):
    batch = Drawing(twin, Cutting(twin.tokenizer), 10, 2, 3)[1]
    paid = float(next_token_loss()(twin.net, batch, torch.Generator()))
    assert paid == pytest.approx(2 * math.log(twin.net.config.vocab_size), rel=1e-5)
    torch.nn.init.normal_(twin.net.stack.head.weight, generator=torch.Generator().manual_seed(0))
    told = {name: batch[name] for name in ("lines", "indents", "seen")}
    x = batch["x"].clone()
    before = twin.net(shifted(x), **told)
    x[:, 12:] = 3
    after = twin.net(shifted(x), **told)
    assert torch.allclose(before[:, :13], after[:, :13], atol=1e-6)
    assert not torch.allclose(before[:, 13:], after[:, 13:], atol=1e-6)


def test_the_twin_fills_every_place_in_order(twin):
    filled = fill_onward(twin, ["return the sum of the numbers", "return the even numbers"], "java")
    assert not (filled.canvases == MASK_ID).any()
    assert filled.passes == filled.canvases.shape[1] - OPENING
    assert filled.canvases.shape[1] > OPENING + SKETCH


def test_near_misses_are_refused_and_none_is_guessed():
    found = near_misses(count=40)
    assert sum(one["asked"] for one in found.values()) > 120
    assert all(one["guessed"] == 0 for one in found.values())
    assert all(one["refused"] + one["are wordings"] == one["asked"] for one in found.values())
    assert found["an unknown step added"]["refused"] == found["an unknown step added"]["asked"]


def test_a_verdict_is_of_hidden_inputs_and_is_kept(tmp_path):
    samples = draw(2, seed=1, side="test", depths=(2, 3), languages=("python",))
    told = [samples[0].program.source, "def solve(a):\n    return a\n"]
    assert Judge(tmp_path).passed("python", samples, told) == [True, False]
    kept = tmp_path / "verdicts-python.json"
    kept.write_text(kept.read_text().replace("false", "true"))
    assert Judge(tmp_path).passed("python", samples, told) == [True, True]  # none was run again


def test_a_model_of_the_hub_is_asked_for_the_language_and_its_fences_are_left_out():
    asked = []

    class Fake:
        def write(self, prompt, *, length, steps, generator):
            asked.append(prompt)
            return "Sure:\n```go\npackage main\n```\nThat is it."

    told, passes = of_hub(Fake())("return the sum", "go", count=2, generator=torch.Generator())
    assert told == ["package main\n"] * 2
    assert passes == 2 * 64
    assert all("go program" in one and "return the sum" in one for one in asked)
