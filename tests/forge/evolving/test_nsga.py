"""NSGA-II against brute force, pymoo and a front that is known."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.indicators.hv import HV
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from bloomery.core.errors import Failure
from bloomery.forge.evolving.genome import Genome, Space
from bloomery.forge.evolving.nsga import (
    Drawn,
    Judged,
    Nsga,
    best_front,
    coverage,
    crowding,
    evolve_front,
    from_plain,
    fronts,
    knee,
    population,
    to_plain,
)

SPACE = Space(("only",), 6)


def judged(*points):
    genome = Genome("only", (0.5,))
    return [
        Judged(name=f"0.{i}", generation=0, genome=genome, parents=(), objectives=tuple(map(float, point)))
        for i, point in enumerate(points)
    ]


def zdt1(named):
    """Zitzler, Deb and Thiele's first problem, of six variables."""
    found = {}
    for name, genome in named.items():
        x = genome.genes
        g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
        found[name] = (x[0], g * (1 - math.sqrt(x[0] / g)))
    return found


def first(count, space=SPACE):
    from random import Random

    rng = Random("first")
    return [space.draw(rng) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_fronts_are_those_of_pymoo(seed):
    """Rounded, so that there are equal points and equal coordinates."""
    points = np.random.default_rng(seed).random((60, 3)).round(1)
    theirs = [sorted(map(int, front)) for front in NonDominatedSorting().do(points)]
    assert fronts(points) == theirs


@pytest.mark.parametrize("seed", range(5))
def test_crowding_is_pymoos_but_for_the_mean_over_objectives(seed):
    points = np.random.default_rng(seed).random((20, 3))
    np.testing.assert_allclose(crowding(points), 3 * calc_crowding_distance(points))


def test_crowding_of_points_on_a_line_is_what_stands_on_either_side():
    points = np.array([(0.0, 4.0), (1.0, 3.0), (3.0, 1.0), (4.0, 0.0)])
    np.testing.assert_allclose(crowding(points), [math.inf, 1.5, 1.5, math.inf])


def test_an_objective_in_which_all_are_equal_crowds_nobody():
    assert crowding(np.array([(0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]))[1] == 1.0


def test_it_finds_the_front_of_zdt1_as_well_as_pymoo_does():
    """Hypervolume up to (1.1, 1.1); the true front's is 0.871. One per cent: what pymoo's seeds vary by."""
    found = evolve_front(Nsga(space=SPACE, seed=1, size=40), zdt1, first(40), 60)
    peer = minimize(get_problem("zdt1", n_var=6), NSGA2(pop_size=40), ("n_gen", 61), seed=1)
    volume = HV(ref_point=np.array([1.1, 1.1]))
    ours = volume(np.array([one.objectives for one, _, _ in population(found, 40)]))
    assert ours > 0.99 * volume(peer.F)
    assert ours > 0.85
    drawn = evolve_front(Drawn(space=SPACE, seed=1, size=40), zdt1, first(40), 60)
    assert ours > volume(np.array([one.objectives for one in drawn])) + 0.05


def test_a_search_that_was_cut_off_goes_on_to_the_same_table():
    search = Nsga(space=SPACE, seed=3, size=8)
    whole = evolve_front(search, zdt1, first(8), 6)
    half = evolve_front(search, zdt1, first(8), 3)
    kept = from_plain(json.loads(json.dumps(to_plain(half))))
    assert kept == half
    assert evolve_front(search, zdt1, first(8), 6, history=kept) == whole


def test_the_best_of_every_generation_live_on():
    found = evolve_front(Nsga(space=SPACE, seed=2, size=10), zdt1, first(10), 12)
    ends = [
        min(one.objectives[0] for one, _, _ in population([x for x in found if x.generation <= n], 10))
        for n in range(13)
    ]
    assert all(later <= earlier for earlier, later in pairwise(ends))


def test_forms_are_searched_too():
    """The second form is better in everything."""
    space = Space(("worse", "better"), 2)

    def judge(named):
        return {name: [one.genes[0] + (one.form == "worse")] * 2 for name, one in named.items()}

    start = [Genome("worse", (0.5, 0.5))] * 4
    found = evolve_front(Nsga(space=space, seed=1, size=8), judge, start, 15)
    assert {one.genome.form for one, _, _ in population(found, 8)} == {"better"}


def test_the_front_holds_each_point_once_and_nobody_who_is_dominated():
    front = best_front(judged((0, 2), (1, 1), (1, 1), (2, 0), (2, 2), (1, 3)))
    assert [one.name for one in front] == ["0.0", "0.1", "0.3"]


def test_the_knee_is_the_point_furthest_below_the_line_through_the_ends():
    points = [(0.0, 1.0), (0.1, 0.5), (0.2, 0.3), (0.6, 0.2), (1.0, 0.0)]
    below = [1 - a - b for a, b in points]  # distance from a + b = 1, times sqrt(2)
    assert knee(judged(*points)).objectives == points[int(np.argmax(below))] == (0.2, 0.3)
    assert knee(judged(*[(10 * a, 1e6 * b) for a, b in points])).objectives[0] == 2.0
    assert knee(judged((3, 4))).objectives == (3.0, 4.0)


def test_coverage_counts_what_one_front_equals_or_betters():
    ours, theirs = judged((0, 2), (2, 0)), judged((0, 2), (1, 1), (3, 0), (1, 3))
    assert coverage(ours, theirs) == 0.75
    assert coverage(theirs, ours) == 0.5


@pytest.mark.parametrize("bad", [None, (1.0, math.nan)])
def test_objectives_that_are_no_numbers_are_refused(bad):
    with pytest.raises(Failure, match=r"candidate 0\.1"):
        evolve_front(Nsga(space=SPACE, seed=1, size=2), lambda named: dict.fromkeys(named, bad), first(2), 1)
