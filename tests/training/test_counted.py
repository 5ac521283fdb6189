"""Numbers by coordinates against SplitMix64's published sequence and against what uniform numbers are."""

import numpy as np

from bloomery.training.counted import STEP, mixed, uniform


def test_the_mixing_is_splitmix64s():
    """The first outputs of the published generator for the seed 1234567, as its test vectors have them."""
    states = [(1234567 + (i + 1) * STEP) % 2**64 for i in range(5)]
    assert mixed(np.array(states, dtype=np.uint64)).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip


def test_numbers_are_even_over_zero_to_one_in_each_coordinate():
    drawn = uniform(3, 0, range(4000), 5)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.stack([np.histogram(column, bins=10, range=(0, 1))[0] for column in drawn.T])
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400 * 0.9)  # five standard deviations of a binomial count


def test_neighbouring_seeds_epochs_examples_and_places_are_not_alike():
    base = uniform(1, 1, range(1000), 4)
    others = [uniform(2, 1, range(1000), 4), uniform(1, 2, range(1000), 4), uniform(1, 1, range(1, 1001), 4)]
    for other in [*others, np.roll(base, 1, axis=1)]:
        assert abs(np.corrcoef(base.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(base.size)


def test_seed_and_epoch_do_not_stand_for_each_other():
    assert not np.array_equal(uniform(1, 2, [0], 3), uniform(2, 1, [0], 3))
    assert not np.array_equal(uniform(0, 0, [1], 3), uniform(0, 1, [0], 3))


def test_an_examples_numbers_do_not_depend_on_who_stands_beside_it_or_on_how_many_are_drawn():
    together = uniform(5, 9, [4, 8, 15], 6)
    assert np.array_equal(uniform(5, 9, [8], 6)[0], together[1])
    assert np.array_equal(uniform(5, 9, [8], 2)[0], together[1, :2])


def test_zeros_are_no_special_seed_and_negative_ones_are_seeds_too():
    assert 0.01 < uniform(0, 0, [0], 3).min() < uniform(0, 0, [0], 3).max() < 0.99
    assert not np.array_equal(uniform(-1, 0, [0], 3), uniform(1, 0, [0], 3))


def test_no_examples_have_no_numbers():
    assert uniform(0, 0, [], 3).shape == (0, 3)


def test_the_numbers_of_yesterday_are_those_of_tomorrow():
    """Recorded: were they others, no training with distortions could be repeated."""
    assert uniform(7, 2, [0, 5], 2).tolist() == [
        [0.6166775677757208, 0.4353856574783045],
        [0.8024110451383614, 0.30570776009815614],
    ]
