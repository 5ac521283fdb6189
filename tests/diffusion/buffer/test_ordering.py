"""An ordering against a sorted list."""

import numpy as np
import pytest

from bloomery.diffusion.buffer import ordering
from bloomery.diffusion.buffer.ordering import Ordering


def brute(pairs):
    return [(score, slot) for score, _, slot in sorted(pairs)]


@pytest.fixture(params=[16, 32, 512])
def widest(request, monkeypatch):
    """Narrow blocks split and join often."""
    monkeypatch.setattr(ordering, "WIDEST", request.param)


@pytest.mark.parametrize("values", [3, 10**6], ids=["many alike", "hardly any alike"])
def test_an_ordering_is_a_sorted_list_through_comings_and_goings(widest, values):
    rng, ages = np.random.default_rng(values), np.zeros(400, np.int64)
    order, there = Ordering(ages.data), {}
    for turn in range(1500):
        slot = int(rng.integers(400))
        grows = rng.random() < (0.8 if turn % 500 < 300 else 0.15)
        if slot in there and not grows:
            order.remove(there.pop(slot)[0], slot)
        elif slot not in there and grows:
            score = float(rng.integers(values))
            ages[slot], there[slot] = turn, (score, turn)
            order.insert(score, slot)
        if turn % 25 == 0:
            expected = brute([(*key, slot) for slot, key in there.items()])
            scores, slots = order.in_order()
            assert list(zip(scores.tolist(), slots.tolist(), strict=True)) == expected
            expect_places(order, expected)
    for slot, (score, _) in list(there.items()):
        order.remove(score, slot)
    assert len(order) == 0
    assert order.bounds(1.0) == (0, 0)


def expect_places(order, expected):
    scores = [score for score, _ in expected]
    bounds = [(scores.index(s), len(scores) - scores[::-1].index(s)) for s in scores]
    places = np.arange(len(expected))
    assert [order.at(place) for place in places.tolist()] == expected
    assert [order.alike(place)[1:] for place in places.tolist()] == bounds
    if len(expected):
        assert list(zip(*(part.tolist() for part in order.alike_all(places)), strict=True)) == bounds
        assert order.at_all(places)[1].tolist() == [slot for _, slot in expected]


def test_a_tie_over_several_blocks_is_found_from_its_every_place(monkeypatch):
    """Blocks lie in memory in another order than in the list: a neighbour in memory is none."""
    monkeypatch.setattr(ordering, "WIDEST", 16)
    ages = np.arange(200)
    order = Ordering(ages.data)
    scores = [9.0] * 30 + [5.0] * 60 + [1.0] * 30 + [7.0] * 40 + [3.0] * 40
    for slot, score in enumerate(scores):
        order.insert(score, slot)
    expect_places(order, sorted((score, slot) for slot, score in enumerate(scores)))


def test_a_pair_that_two_blocks_share_is_a_pair(monkeypatch):
    """Every score twice: where a block ends within a pair, its next begins with one that seems alone."""
    monkeypatch.setattr(ordering, "WIDEST", 16)
    scores = np.random.default_rng(0).permutation(np.repeat(np.arange(150.0), 2)).tolist()
    order = Ordering(np.arange(300).data)
    for slot, score in enumerate(scores):
        order.insert(score, slot)
    expect_places(order, sorted((score, slot) for slot, score in enumerate(scores)))


def test_blocks_that_are_drained_from_below_go(monkeypatch):
    """As rewards rise and the worst leave, the number of blocks stays what a hundred entries need."""
    monkeypatch.setattr(ordering, "WIDEST", 16)
    rng, order = np.random.default_rng(0), Ordering(np.arange(3000).data)
    for slot in range(3000):
        order.insert(slot + 60 * rng.random(), slot)
        if slot >= 100:
            order.remove(*order.at(0))
    assert len(order.rows) <= 100 // 4


def test_few_entries_in_many_blocks_are_joined(monkeypatch):
    """Random goings leave no long row of nearly empty blocks behind."""
    monkeypatch.setattr(ordering, "WIDEST", 32)
    rng, ages = np.random.default_rng(0), np.arange(4000)
    order = Ordering(ages.data)
    for slot in range(4000):
        order.insert(float(slot), slot)
    for slot in rng.permutation(4000)[:3900].tolist():
        order.remove(float(slot), slot)
    assert len(order.rows) <= 30  # 100 entries; without joining about 90 blocks


@pytest.mark.parametrize("entries", [0, 1, 15, 16, 17, 400, 2000])
def test_a_refilled_ordering_is_the_one_that_grew(entries):
    rng, ages = np.random.default_rng(entries), np.arange(entries + 3)
    scores = rng.integers(40, size=entries).astype(float)
    grown, filled = Ordering(ages.data), Ordering(ages.data)
    for slot, score in enumerate(scores.tolist()):
        grown.insert(score, slot)
    slots = np.lexsort((ages[:entries], scores))
    filled.refill(scores[slots], slots)
    for order in (grown, filled):
        order.insert(7.0, entries)
    for ours, theirs in zip(grown.in_order(), filled.in_order(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
