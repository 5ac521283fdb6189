"""A run that was killed goes on from its last round, and ends with the bits of one that was not."""

import dataclasses
import json

import pytest
import torch

from bloomery.core.errors import DamagedArtifact, UserError
from bloomery.core.store import Store
from bloomery.diffusion.adapting.adapt import adapt, copied
from bloomery.diffusion.adapting.budget import Budget
from bloomery.diffusion.adapting.hooks import Hook
from bloomery.diffusion.adapting.saving import Keeping
from bloomery.diffusion.adapting.strategies import Strategy
from bloomery.diffusion.buffer import saving as buffers
from tests.diffusion.adapting.planted import PROCESS, bits, config, equal, fitting, left, upper

BOTH = (Strategy(arm="hybrid", n=32, steps=6), Strategy(arm="memory", n=32, steps=6))
BUDGET = Budget(passes=300_000, rounds=3, patience=3)
CONFIG = config(fitting=fitting(10), pairs=32, steps=6, margin=1.0, best=0.2)


class Killed(BaseException):
    """Nothing in the room may catch it."""


class Kill(Hook):
    """Ends the process in a round, once its candidates are made."""

    def __init__(self, number):
        self.number = number

    def on_candidates(self, number, made):
        if number == self.number:
            raise Killed


def run(net, buffer, *, budget=BUDGET, seed=0, **more):
    return adapt(
        net, buffer, upper(), budget, process=PROCESS, config=CONFIG, old=[left()], strategies=BOTH,
        seed=seed, **more,
    )  # fmt: skip


def kept_in(folder):
    return Keeping(Store(folder / "store"), folder / "head.json")


def contents(buffer, folder):
    folder.mkdir()
    buffers.write(buffer, folder / "b")
    return [(folder / "b" / name).read_bytes() for name in ("entries.safetensors", "manifest.json")]


def test_a_killed_run_ends_as_one_that_was_not(net, buffer, tmp_path):
    model, report = run(net, buffer)
    for number in (1, 2):  # the process dies in the second round, and again in the third
        with pytest.raises(Killed):
            run(net, buffer, keep=kept_in(tmp_path), hooks=[Kill(number)])
    again, told = run(net, buffer, keep=kept_in(tmp_path))
    assert told == report
    assert report.kept >= 1
    assert equal(bits(again.net), bits(model.net))
    assert contents(again.buffer, tmp_path / "one") == contents(model.buffer, tmp_path / "other")
    draws = [one.draw([upper()], 20, torch.Generator().manual_seed(0)) for one in (model, again)]
    assert torch.equal(*draws)
    assert len(list(Store(tmp_path / "store"))) == 1  # states that were followed by others are gone
    once_more, told = run(net, buffer, keep=kept_in(tmp_path))  # a run that ended ends the same again
    assert told == report
    assert equal(bits(once_more.net), bits(model.net))


def test_a_seed_says_it_all_and_what_was_given_stays_as_it_was(net, buffer, tmp_path):
    before, weights = contents(copied(buffer), tmp_path / "before"), bits(net)
    random = torch.get_rng_state()
    short = dataclasses.replace(BUDGET, rounds=1)
    one, report = run(net, buffer, budget=short)
    same, other = run(net, buffer, budget=short)[1], run(net, buffer, budget=short, seed=1)[1]
    assert same == report
    assert other.rounds[0].rewards != report.rounds[0].rewards
    assert contents(buffer, tmp_path / "after") == before
    assert len(one.buffer) > len(buffer)
    assert equal(bits(net), weights)
    assert torch.equal(torch.get_rng_state(), random)


def test_the_state_of_another_run_is_refused_and_stays(net, buffer, tmp_path):
    keep, short = kept_in(tmp_path), dataclasses.replace(BUDGET, rounds=1)
    run(net, buffer, budget=short, keep=keep)
    head = keep.head.read_bytes()
    with pytest.raises(UserError, match="another run"):
        run(net, buffer, budget=short, keep=keep, seed=1)
    with torch.no_grad():
        net.odds[0, 0] += 1
    with pytest.raises(UserError, match="another run"):
        run(net, buffer, budget=short, keep=keep)
    assert keep.head.read_bytes() == head


def test_a_damaged_state_is_told(net, buffer, tmp_path):
    keep, short = kept_in(tmp_path), dataclasses.replace(BUDGET, rounds=1)
    run(net, buffer, budget=short, keep=keep)
    state = tmp_path / "store" / "objects" / json.loads(keep.head.read_text())["state"]
    weights = next(state.glob("step-*/tensors.safetensors"))
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedArtifact):
        run(net, buffer, budget=short, keep=kept_in(tmp_path))
    keep.head.write_text("{")
    with pytest.raises(DamagedArtifact, match="begin anew"):
        run(net, buffer, budget=short, keep=keep)


def test_a_time_ends_a_run_between_rounds_and_another_call_goes_on(net, buffer, tmp_path):
    ticks = iter(range(1000))
    timed = dataclasses.replace(BUDGET, seconds=2.0)  # the clock says 0 at first, then 1 and 2
    _, report = run(net, buffer, budget=timed, keep=kept_in(tmp_path), clock=lambda: float(next(ticks)))
    assert report.stopped == "2 s are over"
    assert len(report.rounds) == 1
    assert report.control.keys() == report.base.keys()  # what every report has
    _, whole = run(net, buffer, keep=kept_in(tmp_path))
    assert whole == run(net, buffer)[1]
    _, none = run(net, buffer, should_stop=lambda: True)
    assert (none.stopped, none.rounds) == ("requested", ())
