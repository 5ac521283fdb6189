"""What is drawn, folded, refused and told."""

import math

import numpy as np
import pytest
from scipy import stats

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.buffer import drawing, quality
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer


def buffer_of(rewards, *, tasks="", seed=0, **options):
    """Entry i holds the number i."""
    config = BufferConfig(capacity=options.pop("capacity", max(len(rewards), 1)), **options)
    buffer = TrajectoryBuffer({"x": Field((1,), "float64")}, config, seed=seed)
    if len(rewards):
        buffer.add_many({"x": np.arange(len(rewards), dtype=float)[:, None]}, rewards, tasks=tasks)
    return buffer


def mixed(seed=0):
    rng = np.random.default_rng(seed)
    tasks = [("a", "b", "c")[i] for i in rng.choice(3, 60, p=[0.6, 0.3, 0.1])]
    rewards = np.where(rng.random(60) < 0.4, rng.integers(0, 3, 60), rng.normal(size=60))
    return rewards, tasks


def test_draws_pass_a_chi_square_test_against_the_probabilities():
    rewards, tasks = mixed()
    buffer = buffer_of(rewards, tasks=tasks, seed=5)
    drawn = np.concatenate([buffer.sample(500).slot for _ in range(40)])
    expected = buffer.probabilities() * len(drawn)
    assert expected.min() > 5
    assert stats.chisquare(np.bincount(drawn, minlength=60), expected).pvalue > 1e-3
    again = np.concatenate([buffer.sample(1, task="b").slot for _ in range(4000)])
    within = np.array([task == "b" for task in tasks]) * expected
    seen = np.bincount(again, minlength=60)
    assert set(np.flatnonzero(seen)) <= set(np.flatnonzero(within))
    theirs = within > 0
    assert stats.chisquare(seen[theirs], within[theirs] / within.sum() * 4000).pvalue > 1e-3


def test_a_grid_of_uniform_numbers_gives_each_entry_its_probability():
    """All of [0, 1)^3 enumerated in cells; what lies on the border of a cell is the whole error."""
    buffer = buffer_of([1.0, 5.0, 5.0, 2.0, 0.0], tasks=["a", "a", "a", "b", "a"])
    held, cells = buffer.holdings, (np.arange(60) + 0.5) / 60
    grid = np.stack(np.meshgrid(cells, cells, cells, indexing="ij"), -1).reshape(-1, 3)
    slots, relative = drawing.draw_all(grid, held.orders, held.sizes, buffer.law, None)
    shares = np.bincount(slots, minlength=5) / len(grid)
    np.testing.assert_allclose(shares, buffer.probabilities(), atol=1.5 / 60)
    np.testing.assert_allclose(relative / 5, buffer.probabilities()[slots], rtol=1e-12)


def test_a_batch_draws_what_single_draws_would():
    rewards, tasks = mixed(1)
    batch, single = (buffer_of(rewards, tasks=tasks, seed=3, beta_draws=0) for _ in range(2))
    for task in (None, "a"):
        ours, one_by_one = batch.sample(64, task=task), [single.sample(1, task=task) for _ in range(64)]
        for name in ("slot", "age", "reward", "probability", "weight"):
            expected = np.concatenate([getattr(one, name) for one in one_by_one])
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-15)  # powers of arrays
        assert ours.tasks == tuple(task for one in one_by_one for task in one.tasks)
        assert ours.content["x"][:, 0].tolist() == ours.slot.tolist()


@pytest.mark.parametrize(
    "transform",
    [lambda r: 3e6 * r + 7, lambda r: 1e-4 * r - 900, np.exp, np.arctan, lambda r: r**3],
    ids=["affine, large", "affine, small", "exponential", "bounded", "cubic"],
)
def test_no_increasing_transform_of_one_task_changes_what_is_drawn(transform):
    rewards, tasks = mixed(2)
    moved = np.where(np.array(tasks) == "a", transform(rewards), rewards)
    one, other = buffer_of(rewards, tasks=tasks), buffer_of(moved, tasks=tasks)
    np.testing.assert_array_equal(one.probabilities(), other.probabilities())
    np.testing.assert_array_equal(one.sample(200).slot, other.sample(200).slot)


def test_turning_rewards_around_does_change_what_is_drawn():
    rewards, tasks = mixed(2)
    one, other = buffer_of(rewards, tasks=tasks), buffer_of(-rewards, tasks=tasks)
    assert (one.sample(200).slot != other.sample(200).slot).mean() > 0.5


def test_equal_rewards_are_drawn_evenly_and_alpha_0_draws_all_evenly():
    for buffer in (buffer_of([4.0] * 7, alpha=1.5), buffer_of(mixed()[0], tasks=mixed()[1], alpha=0.0)):
        even = np.full(len(buffer), 1 / len(buffer))
        np.testing.assert_allclose(buffer.probabilities(), even, rtol=1e-12)
        assert buffer.statistics().effective == pytest.approx(len(buffer))


def test_weighted_draws_are_an_unbiased_mean_over_entries_at_beta_1():
    """E[w f] = sum of P w f, enumerated."""
    rewards, tasks = mixed(3)
    buffer = buffer_of(rewards, tasks=tasks, beta=1.0)
    drawn = buffer.sample(2000)
    weight = np.full(60, np.nan)
    weight[drawn.slot] = drawn.weight
    assert not np.isnan(weight).any()
    assert (buffer.probabilities() * weight * rewards).sum() == pytest.approx(rewards.mean())


def test_beta_rises_evenly_to_1_with_the_draws():
    buffer = buffer_of([1.0, 2.0], beta=0.4, beta_draws=10)
    betas = []
    for _ in range(13):
        betas.append(buffer.beta)
        drawn = buffer.sample(1)
        np.testing.assert_allclose(drawn.weight, (2 * drawn.probability) ** -betas[-1], rtol=1e-12)
    np.testing.assert_allclose(betas, [*np.linspace(0.4, 1, 11), 1, 1], rtol=1e-12)


def test_the_same_content_is_one_entry_with_its_newest_reward():
    buffer = buffer_of([1.0, 2.0])
    assert buffer.add({"x": [0.0]}, 5.0) == "folded"
    entries = buffer.entries()
    assert (entries.rewards.tolist(), entries.seen.tolist()) == ([5.0, 2.0], [2, 1])
    assert buffer.best(1, task="").content["x"].tolist() == [[0.0]]
    assert buffer.statistics().duplicates == 1


def test_the_same_content_in_another_task_is_another_entry():
    buffer = buffer_of([1.0], capacity=2)
    assert buffer.add({"x": [0.0]}, 1.0, task="other") == "kept"


def test_a_task_cannot_push_out_a_smaller_one_however_large_its_rewards():
    buffer = buffer_of([0.1] * 3, tasks="small", capacity=6)
    for number in range(100):
        buffer.add({"x": [1000.0 + number]}, 1e9 + number, task="large")
    assert buffer.tasks == {"small": 3, "large": 3}
    assert buffer.best(9, task="large").rewards.tolist() == [1e9 + 99, 1e9 + 98, 1e9 + 97]


def test_the_oldest_goes_first_also_after_a_filter():
    buffer = buffer_of(range(6), eviction="oldest", capacity=6)
    buffer.add({"x": [6.0]}, 0.0)
    buffer.keep(quality.reward_at_least(2.0))
    for number in (7.0, 8.0, 9.0):
        buffer.add({"x": [number]}, 0.0)
    assert sorted(buffer.entries().content["x"][:, 0].tolist()) == [3, 4, 5, 7, 8, 9]


def test_random_eviction_lets_every_newcomer_in_and_keeps_all_ages_alike():
    """A full buffer of 50 after 1000 additions: the mean age of what is left is 50 additions."""
    buffer = buffer_of(range(50), eviction="random", capacity=50)
    ages = []
    for number in range(50, 1050):
        assert buffer.add({"x": [float(number)]}, float(-number)) == "kept"
        if number >= 550:
            ages.append(number - buffer.entries().ages.mean())
    assert np.mean(ages) == pytest.approx(49, abs=5)  # standard error about 1.5 over ten renewals


def test_statistics_are_those_of_a_count_by_hand():
    buffer = buffer_of([1.0, 2.0, 3.0, 10.0], tasks=["a", "a", "a", "b"], capacity=4)
    buffer.add({"x": [0.0]}, 1.0, task="a", origin="synthetic", round=2)  # the same
    buffer.add({"x": [9.0]}, 0.5, task="a", origin="synthetic", round=2)  # worse than all of a
    buffer.add({"x": [8.0]}, 5.0, task="a", origin="synthetic", round=2)  # pushes 1.0 out
    buffer.reject(5, round=2)
    buffer.sample(3)
    told = buffer.statistics()
    assert (told.entries, told.capacity, told.drawn, told.duplicates) == (4, 4, 3, 0)
    assert (told.origins, told.rounds) == ({"real": 3, "synthetic": 1}, {0: 3, 2: 1})
    assert told.tasks["a"].quartiles == (2.0, 2.5, 3.0, 4.0, 5.0)
    assert told.tasks["a"].mean == pytest.approx(10 / 3)
    real, made = told.tallies["real", 0], told.tallies["synthetic", 2]
    assert (real.kept, real.evicted, real.acceptance) == (4, 1, 1.0)
    assert (made.kept, made.folded, made.refused, made.rejected) == (1, 1, 1, 5)
    assert made.acceptance == 1 / 8
    assert told.effective == pytest.approx(1 / (buffer.probabilities() ** 2).sum())


def test_filters_keep_what_their_names_say():
    buffer = buffer_of([5.0, 1.0, 3.0, 2.0, 4.0, 3.0], tasks=["a"] * 5 + ["b"])
    entries = buffer.entries()
    tests = {
        quality.best_share(0.4): [5.0, 4.0, 3.0],  # two of five of a, one of one of b
        quality.reward_at_least(3.0): [5.0, 3.0, 4.0, 3.0],
        quality.of_origin("synthetic"): [],
        quality.both(quality.since_round(0), quality.reward_at_least(4.0)): [5.0, 4.0],
        quality.either(quality.since_round(1), quality.reward_at_least(4.0)): [5.0, 4.0],
    }
    for test, expected in tests.items():
        assert entries.rewards[test(entries)].tolist() == expected
    assert buffer.keep(quality.best_share(0.4)) == 3
    assert buffer.statistics().tallies["real", 0].removed == 3
    assert sorted(buffer.sample(50).reward.tolist())[0] == 3.0


def test_what_was_drawn_is_a_copy():
    buffer = buffer_of([1.0, 2.0])
    for count in (1, 2):
        drawn = buffer.sample(count)
        drawn.content["x"][:] = 77.0
    assert buffer.entries().content["x"][:, 0].tolist() == [0.0, 1.0]


def test_an_entry_that_left_is_not_rescored():
    buffer = buffer_of([1.0], capacity=1)
    drawn = buffer.sample(1)
    buffer.add({"x": [5.0]}, 2.0)
    assert buffer.rescore(drawn, [9.0]) == 0
    assert buffer.entries().scores.tolist() == [2.0]


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf, None, "good"])
def test_a_reward_that_is_no_finite_number_is_refused_and_nothing_added(reward):
    buffer = buffer_of([1.0], capacity=3)
    with pytest.raises(UserError, match="finite number"):
        buffer.add({"x": [5.0]}, reward)
    with pytest.raises(UserError, match="finite number"):
        buffer.add_many({"x": [[5.0], [6.0]]}, [1.0, reward])
    assert len(buffer) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"x": [math.nan]}, "nan or infinity"),
        ({"x": [1e200]}, None),  # its square overflows, it does not
        ({"x": [1.0, 2.0]}, r"shape \(1,\); got \(2,\)"),
        ({"y": [1.0]}, r"fields \['x'\]; got \['y'\]"),
        ({"x": ["one"]}, "holds float64; got <U3"),
    ],
)
def test_content_is_checked_before_it_comes_in(content, words):
    buffer = buffer_of([1.0], capacity=3)
    if words is None:
        assert buffer.add(content, 1.0) == "kept"
        return
    with pytest.raises(UserError, match=words):
        buffer.add(content, 1.0)
    assert len(buffer) == 1


def test_small_floats_whose_squares_overflow_are_taken():
    buffer = TrajectoryBuffer({"x": Field((2,), "float16")}, BufferConfig(capacity=2), seed=0)
    assert buffer.add({"x": np.array([60000, 1], np.float16)}, 1.0) == "kept"
    with pytest.raises(UserError, match="nan or infinity"):
        buffer.add({"x": np.array([1e6, 1], np.float32)}, 1.0)  # beyond half precision


def test_unknown_names_and_empty_draws_are_refused():
    buffer = buffer_of([1.0], tasks="umaze", capacity=2)
    with pytest.raises(UnknownName, match="did you mean 'umaze'"):
        buffer.sample(1, task="umase")
    with pytest.raises(UnknownName, match="origin 'dreamt'"):
        buffer.add({"x": [3.0]}, 1.0, origin="dreamt")
    with pytest.raises(UserError, match="0 entries were asked"):
        buffer.sample(0)
    with pytest.raises(UserError, match="the buffer, which has 0"):
        buffer_of([]).sample(1)
    with pytest.raises(UserError, match="1 rewards came with 2 tasks"):
        buffer.add_many({"x": [[1.0]]}, [1.0], tasks=["a", "b"])
    with pytest.raises(UserError, match="True or False of each of 1"):
        buffer.keep(lambda entries: entries.rewards)
    with pytest.raises(UnknownName, match="eviction 'worse'"):
        BufferConfig(eviction="worse")
    with pytest.raises(UserError, match="beta in"):
        BufferConfig(beta=1.5)
    with pytest.raises(UserError, match="at least 1"):
        BufferConfig(capacity=0)
    with pytest.raises(UserError, match="share of the best"):
        quality.best_share(0.0)
    with pytest.raises(UnknownName, match="origin"):
        quality.of_origin("dreamt")
    with pytest.raises(UserError, match="type is one of"):
        Field((2,), "complex64")
    with pytest.raises(UserError, match="at least one field"):
        TrajectoryBuffer({}, BufferConfig(capacity=1), seed=0)
    with pytest.raises(UserError, match="fields are alike"):
        buffer.merge(TrajectoryBuffer({"x": Field((2,))}, BufferConfig(capacity=1), seed=0))
