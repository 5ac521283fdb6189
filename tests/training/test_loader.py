import itertools

import pytest
import torch

from bloomery.training.loader import Loader

NUMBERS = list(range(10))


def first(loader, count):
    return [batch.tolist() for batch in itertools.islice(loader, count)]


def test_an_epoch_shows_each_example_at_most_once_and_drops_only_the_short_batch():
    seen = list(itertools.chain(*first(Loader(NUMBERS, 3), 3)))
    assert len(set(seen)) == 9


def test_epochs_are_shuffled_differently_and_runs_with_one_seed_alike():
    assert first(Loader(NUMBERS, 10), 1) != first(Loader(NUMBERS, 10), 2)[1:]
    assert first(Loader(NUMBERS, 3, seed=4), 9) == first(Loader(NUMBERS, 3, seed=4), 9)
    assert first(Loader(NUMBERS, 3, seed=4), 9) != first(Loader(NUMBERS, 3, seed=5), 9)


def test_an_unshuffled_loader_keeps_the_order():
    assert first(Loader(NUMBERS, 5, shuffle=False), 3) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 4, 7])
def test_a_restored_loader_goes_on_where_it_was_also_at_an_epochs_end(taken):
    whole = first(Loader(NUMBERS, 3), 12)
    interrupted = Loader(NUMBERS, 3)
    first(interrupted, taken)
    restored = Loader(NUMBERS, 3)
    restored.load_state_dict(interrupted.state_dict())
    assert first(restored, 12 - taken) == whole[taken:]


def test_loading_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    first(Loader(NUMBERS, 3), 5)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.slow
def test_workers_and_pinned_memory_change_neither_the_order_nor_the_global_generator():
    plain = first(Loader(NUMBERS, 3), 7)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert first(Loader(NUMBERS, 3, workers=2), 7) == plain
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_what_workers_prefetched_but_nobody_saw_is_not_counted():
    loader = Loader(NUMBERS, 3, workers=2)
    first(loader, 2)
    restored = Loader(NUMBERS, 3, workers=1)
    restored.load_state_dict(loader.state_dict())
    assert first(restored, 5) == first(Loader(NUMBERS, 3), 7)[2:]


def test_a_smaller_batch_that_divides_the_saved_one_sees_the_rest_of_the_same_order():
    loader = Loader(range(12), 4)
    first(loader, 2)
    smaller = Loader(range(12), 2)
    smaller.load_state_dict(loader.state_dict())
    assert list(itertools.chain(*first(smaller, 2))) == first(loader, 1)[0]


def test_a_batch_that_does_not_divide_what_was_seen_is_refused():
    loader = Loader(range(12), 4)
    first(loader, 2)
    with pytest.raises(ValueError, match="8 examples were seen, no multiple of a batch of 3"):
        Loader(range(12), 3).load_state_dict(loader.state_dict())


@pytest.mark.parametrize(
    ("other", "named"), [(Loader(NUMBERS, 3, seed=1), "seed"), (Loader(range(9), 3), "examples")]
)
def test_the_position_of_another_order_is_refused(other, named):
    with pytest.raises(ValueError, match=f"the saved loader has {named} ="):
        other.load_state_dict(Loader(NUMBERS, 3).state_dict())


def test_processes_share_one_order_without_overlap():
    whole = first(Loader(NUMBERS, 2), 20)
    shards = []
    for rank in range(2):
        loader = Loader(NUMBERS, 2)
        loader.shard(rank, 2)
        shards.append(first(loader, 10))
        assert loader.state_dict() == {
            "seed": 0,
            "shuffle": True,
            "examples": 10,
            "epoch": 4,
            "examples_seen": 0,
        }
    assert [batch for pair in zip(*shards, strict=True) for batch in pair] == whole


@pytest.mark.parametrize("size", [0, 11])
def test_a_batch_that_cannot_be_drawn_is_refused(size):
    with pytest.raises(ValueError, match=f"a batch of {size} cannot be drawn from a data set of 10 examples"):
        Loader(NUMBERS, size)


def test_examples_are_put_together_by_the_collate_function():
    assert next(Loader(NUMBERS, 2, shuffle=False, collate=lambda items: sum(items))) == 1


def test_an_endless_stream_is_read_in_its_order_and_not_shuffled():
    stream = range(2**40)
    loader = Loader(stream, 3, shuffle=False)
    loader.load_state_dict(loader.state_dict() | {"examples_seen": 3 * 10**9})
    assert first(loader, 1) == [[3 * 10**9, 3 * 10**9 + 1, 3 * 10**9 + 2]]
    with pytest.raises(ValueError, match="too many to shuffle; a stream takes shuffle=False"):
        Loader(stream, 3)
