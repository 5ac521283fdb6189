"""Memories: what each remembers, who makes room, which tasks are alike, and how much comes from them."""

import numpy as np
import pytest
import torch

from bloomery.diffusion.adapting.adapted import Adapted, Drawing, drawn
from bloomery.diffusion.adapting.budget import Metered
from bloomery.diffusion.adapting.memory import Memories, MemoryConfig, embedded, similarity
from bloomery.diffusion.adapting.setting import AdaptConfig, Setting
from bloomery.diffusion.adapting.strategies import Strategy
from bloomery.diffusion.buffer.contents import Field
from tests.diffusion.adapting.planted import PROCESS, UPPER, at, bits, config, equal, left, near, upper

FIELDS = {"x": Field((2,)), "condition": Field((2,))}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def memories(**changes):
    return Memories(MemoryConfig(**changes), FIELDS)


def points(first, count):
    return np.stack([np.arange(first, first + count), np.zeros(count)], 1).astype("float32")


@pytest.mark.parametrize(("eviction", "left_over"), [("worst", {3, 4, 5}), ("oldest", {2, 1, 0})])
def test_a_full_memory_lets_go_of_the_worst_or_the_oldest(eviction, left_over):
    held = memories(capacity=3, eviction=eviction)
    held.remember("a", points(0, 6)[::-1].copy(), np.arange(6)[::-1].astype(float), None, 0)  # 5, 4, ... 0
    kept = held.held["a"].entries().content["x"][:, 0]
    assert set(kept.tolist()) == left_over


def test_the_task_that_was_longest_not_added_to_makes_room():
    held = memories(tasks=2)
    for task in ("a", "b", "a", "c"):
        held.remember(task, points(0, 2), [0.0, 1.0], torch.ones(3), 0)
    assert list(held.held) == ["a", "c"]
    assert set(held.embeddings) == {"a", "c"}


def test_what_is_better_is_recalled_more_often_by_rank_alone():
    # ranks 1, 2, 3 weigh 1, 1/2, 1/3, whatever the rewards are
    for rewards in ([1.0, 2.0, 3.0], [-1e9, 0.0, 1e-9]):
        held = memories(alpha=1.0)
        held.remember("a", points(0, 3), rewards, None, 0)
        x = held.recall("a", None, 6000, generator())[:, 0]
        shares = torch.bincount(x.long(), minlength=3) / 6000
        assert torch.allclose(shares, torch.tensor([2.0, 3.0, 6.0]) / 11, atol=0.02)  # 3 deviations


def test_recalling_changes_nothing_and_is_the_same_by_seed():
    held = memories()
    held.remember("a", points(0, 5), np.arange(5.0), None, 0)
    state = held.held["a"].random.bit_generator.state
    first, again = (held.recall("a", None, 20, generator(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert held.held["a"].random.bit_generator.state == state
    assert held.recall("b", None, 5, generator()) is None


def test_a_share_comes_from_similar_tasks_the_rest_from_the_own():
    held = memories(own=0.8, alike=2, least=0.3)
    own, near_by, far = torch.tensor([1.0, 0, 0]), torch.tensor([1.0, 0.5, 0]), torch.tensor([0, 0, 1.0])
    held.remember("own", points(0, 2), [0.0, 1.0], own, 0)
    held.remember("near", points(10, 2), [0.0, 1.0], near_by, 0)
    held.remember("far", points(20, 2), [0.0, 1.0], far, 0)
    assert held.similar("own", own) == ["near"]
    x = held.recall("own", own, 10, generator())[:, 0]
    assert ((x < 10).sum(), ((x >= 10) & (x < 20)).sum()) == (8, 2)
    new = held.recall("new", near_by, 10, generator())[:, 0]  # nothing of its own
    assert ((new < 20) & (new >= 0)).all()
    assert (new >= 10).sum() == 5
    assert held.recall("new", -own, 10, generator()) is None


def test_tasks_are_alike_as_their_rewards_rank_the_same_samples():
    probe = torch.randn(60, 2, generator=generator())
    reward = near(UPPER)
    one = embedded(reward, probe, None)
    assert similarity(
        one, embedded(lambda x: reward(x).double().exp() * 100 - 7, probe, None)
    ) == pytest.approx(1)
    assert similarity(one, embedded(lambda x: -reward(x), probe, None)) == pytest.approx(-1)
    other = embedded(lambda x: x[:, 0] - x[:, 1], probe, None)
    ranks = [
        torch.as_tensor(r(probe)).argsort().argsort().double() for r in (reward, lambda x: x[:, 0] - x[:, 1])
    ]
    spearman = torch.corrcoef(torch.stack(ranks))[0, 1]
    assert similarity(one, other) == pytest.approx(float(spearman))
    assert similarity(one, embedded(lambda x: torch.ones(len(x)), probe, None)) == 0
    assert similarity(one, one[:5]) == 0


def test_a_copy_is_apart():
    held = memories()
    held.remember("a", points(0, 3), np.arange(3.0), torch.ones(2), 0)
    other = held.copy()
    other.remember("a", points(5, 3), np.arange(3.0), torch.zeros(2), 1)
    other.remember("b", points(0, 1), [0.0], None, 1)
    assert (len(held), len(other), list(held.held)) == (3, 7, ["a"])
    assert held.embeddings["a"].sum() == 2


def test_samples_grow_out_of_what_is_remembered_in_as_many_passes(net):
    held = memories()
    held.remember("upper", np.tile(UPPER.numpy(), (4, 1)) + points(0, 4) * 0.02, np.arange(4.0), None, 0)
    before, counted = bits(net), Metered(net)
    drawing = Drawing(steps=6, explore=0.25, depth=0.4)
    with torch.no_grad():
        x = drawn(counted, PROCESS, [upper(), left()], 80, drawing, held, None, generator())
    assert counted.examples == 2 * 80 * 6
    assert at(UPPER)(x[0]).mean() > 0.6  # three quarters of them began there
    alone, plain = (
        Adapted(net, PROCESS, drawing, one).draw([left()], 20, generator()) for one in (held, None)
    )
    assert torch.equal(alone, plain)  # nothing is remembered of it: drawn as if there were no memory
    assert equal(bits(net), before)


def test_exploration_gives_way_to_exploitation_over_rounds():
    told: AdaptConfig = config(explore_least=0.1, explore_rounds=3)
    run = Setting(
        tasks=(), held_out=(), old=(), strategies=(), process=PROCESS, loss=None, budget=None, config=told,
        seed=0,
    )  # fmt: skip
    shares = [run.generating(Strategy(), round).explore for round in range(5)]
    assert shares == pytest.approx([1, 0.7, 0.4, 0.1, 0.1])
