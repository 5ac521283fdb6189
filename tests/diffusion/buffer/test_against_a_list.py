"""The buffer and a plain list go through the same adventures, drawn at random."""

import numpy as np
import pytest

from bloomery.core.store import Store
from bloomery.diffusion.buffer import ordering, quality
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.ledger import ORIGINS
from bloomery.diffusion.buffer.saving import load, save
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer
from tests.diffusion.buffer.naive import Naive

FIELDS = {"states": Field((2,)), "mark": Field((), "int64")}
TASKS = ("umaze", "medium", "large")


def entry(number):
    return {"states": np.full(2, number / 4, np.float32), "mark": number}


class Adventures:
    def __init__(self, rng, capacity, eviction, alpha, folder):
        config = BufferConfig(capacity=capacity, eviction=eviction, alpha=alpha)
        self.rng, self.store = rng, Store(folder)
        self.buffer, self.naive = (
            TrajectoryBuffer(FIELDS, config, seed=capacity),
            Naive(capacity, eviction, alpha),
        )

    def reward(self):
        return float(self.rng.integers(-3, 6)) if self.rng.random() < 0.6 else float(self.rng.normal())

    def task(self):
        return TASKS[self.rng.choice(3, p=[0.6, 0.3, 0.1])]

    def add(self):
        number, reward, task = int(self.rng.integers(60)), self.reward(), self.task()
        origin, round_ = ORIGINS[self.rng.integers(2)], int(self.rng.integers(3))
        ours = self.buffer.add(entry(number), reward, task=task, origin=origin, round=round_)
        assert ours == self.naive.add(number, reward, task, origin, round_)

    def add_many(self):
        numbers = self.rng.integers(60, size=self.rng.integers(1, 20)).tolist()
        rewards, tasks = [self.reward() for _ in numbers], [self.task() for _ in numbers]
        rows = [entry(n) for n in numbers]
        contents = {name: np.stack([row[name] for row in rows]) for name in FIELDS}
        ours = self.buffer.add_many(contents, rewards, tasks=tasks)
        assert ours == [self.naive.add(*one) for one in zip(numbers, rewards, tasks, strict=True)]

    def rescore(self):
        if len(self.buffer):
            drawn, score = self.buffer.sample(1), self.reward()
            assert self.buffer.rescore(drawn, [score]) == 1
            next(one for one in self.naive.entries if one.age == drawn.age[0]).score = score

    def keep(self):
        share = self.rng.choice([0.5, 0.9])
        kept = [one for one in self.naive.entries if self.naive.better(one) < share]
        assert self.buffer.keep(quality.best_share(share)) == len(self.naive.entries) - len(kept)
        self.naive.keep(kept)

    def merge(self):
        other, task = TrajectoryBuffer(FIELDS, BufferConfig(capacity=9), seed=1), self.task()
        numbers = self.rng.permutation(60)[:5].tolist()
        for number in numbers * 2:
            other.add(entry(number), float(number), task=task, origin="synthetic", round=1)
        expected = [self.naive.add(n, float(n), task, "synthetic", 1, seen=2) for n in numbers]
        assert self.buffer.merge(other) == expected

    def save_and_load(self):
        self.buffer = load(self.store, save(self.buffer, self.store))

    def expect_the_same(self):
        ours, theirs = self.buffer.entries(), sorted(self.naive.entries, key=lambda one: one.age)
        order, probability = np.argsort(ours.ages), self.buffer.probabilities()
        columns = (
            ours.content["mark"],
            ours.scores,
            ours.rewards,
            ours.origins,
            ours.rounds,
            ours.seen,
            ours.ages,
        )
        assert list(zip(*(column[order].tolist() for column in columns), strict=True)) == [
            (o.content, o.score, o.reward, ORIGINS.index(o.origin), o.round, o.seen, o.age) for o in theirs
        ]
        assert [ours.tasks[i] for i in order] == [one.task for one in theirs]
        assert self.buffer.tasks == {task: sum(o.task == task for o in theirs) for task in self.naive.tasks}
        expected = [self.naive.probability(one) for one in theirs]
        np.testing.assert_allclose(probability[order], expected, rtol=1e-12)  # sums in another order
        better = [self.naive.better(one) for one in theirs]
        np.testing.assert_allclose(ours.better[order], better, atol=1e-12)


@pytest.mark.parametrize("eviction", ["worst", "oldest"])
@pytest.mark.parametrize(("capacity", "alpha"), [(1, 0.6), (7, 0.0), (30, 2.0), (100, 0.6)])
def test_the_buffer_is_a_list_through_all_adventures(tmp_path, monkeypatch, eviction, capacity, alpha):
    monkeypatch.setattr(ordering, "WIDEST", 16)  # many blocks
    rng = np.random.default_rng(capacity)
    told = Adventures(rng, capacity, eviction, alpha, tmp_path)
    does = [told.add, told.add_many, told.rescore, told.keep, told.merge, told.save_and_load]
    for _ in range(150):
        does[rng.choice(6, p=[0.5, 0.2, 0.15, 0.05, 0.08, 0.02])]()
        told.expect_the_same()
