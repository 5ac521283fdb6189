"""What every search keeps to, on landscapes whose best point is known."""

import json
from math import cos, pi
from typing import get_args, get_type_hints

import pytest

from bloomery.core.errors import ConfigError, Failure
from bloomery.forge.evolving.genome import Genome, Space
from bloomery.forge.evolving.history import (
    ELITES,
    Child,
    best,
    history_from_plain,
    history_to_plain,
    population,
)
from bloomery.forge.evolving.search import Limits, ended, evolve
from bloomery.forge.evolving.searches import SEARCHES, search_of
from bloomery.forge.evolving.settings import SearchConfig

SPACE = Space(("plain", "good", "odd"), 4)
FIRST = [Child(genome=SPACE.neutral(form), operator="given") for form in ("plain", "good", "odd")] + [
    Child(genome=Genome(form, (0.1, 0.9, 0.4, 0.6)), operator="given")
    for form in ("plain", "good", "odd", "odd", "plain")
]
PEAK = (0.2, 0.7, 0.45, 0.9)
EVERY = pytest.mark.parametrize("kind", SEARCHES)


def height(genome):
    """0 at the peak in the form `good`, and below everywhere else."""
    return -sum((x - y) ** 2 for x, y in zip(genome.genes, PEAK, strict=True)) - (genome.form != "good")


def bumpy(genome):
    return height(genome) + 0.05 * sum(
        cos(12 * pi * (x - y)) - 1 for x, y in zip(genome.genes, PEAK, strict=True)
    )


class Landscape:
    """Counts what it is asked."""

    def __init__(self, fitness=height):
        self.fitness, self.asked = fitness, []

    def __call__(self, named):
        self.asked += list(named.items())
        return {name: self.fitness(genome) for name, genome in named.items()}


def search(kind, seed=1, **settings):
    return search_of(SearchConfig(kind=kind, **settings), SPACE, seed)


def run(kind, *, seed=1, evaluations=64, landscape=None, **options):
    return evolve(
        search(kind, seed), landscape or Landscape(), FIRST, Limits(evaluations=evaluations), **options
    )


@EVERY
@pytest.mark.parametrize("evaluations", [5, 8, 37, 64])
def test_it_evaluates_exactly_as_many_candidates_as_it_may(kind, evaluations):
    landscape = Landscape()
    history = run(kind, evaluations=evaluations, landscape=landscape)
    assert len(history) == evaluations
    assert [(one.name, one.genome) for one in history] == landscape.asked


@EVERY
def test_it_begins_with_what_it_was_given(kind):
    assert [one.genome for one in run(kind, evaluations=20) if one.generation == 0] == [
        c.genome for c in FIRST
    ]


@EVERY
def test_its_seed_decides_all_of_it(kind):
    assert run(kind) == run(kind)
    assert run(kind)[len(FIRST) :] != run(kind, seed=2)[len(FIRST) :]


@EVERY
def test_it_goes_on_from_any_generation_as_if_it_had_not_been_stopped(kind):
    """Through JSON, as a checkpoint on disk would be."""
    snapshots = []
    whole = run(
        kind,
        landscape=Landscape(bumpy),
        after=lambda history: snapshots.append(json.dumps(history_to_plain(history))),
    )
    assert len(snapshots) > 3
    for snapshot in snapshots:
        again = run(kind, landscape=Landscape(bumpy), history=history_from_plain(json.loads(snapshot)))
        assert again == whole


@EVERY
def test_names_are_its_own_and_parents_come_before_their_children(kind):
    known = set()
    for one in run(kind):
        assert one.name not in known
        assert set(one.parents) <= known
        known.add(one.name)


@EVERY
def test_genomes_stay_inside_the_space(kind):
    for one in run(kind, evaluations=150):
        assert one.genome.form in SPACE.forms
        assert len(one.genome.genes) == SPACE.genes
        assert all(0.0 <= gene <= 1.0 for gene in one.genome.genes)


@EVERY
def test_the_best_is_never_lost(kind):
    """Each generation's population holds the best so far, with the fitness that was measured then."""
    history = run(kind, landscape=Landscape(bumpy), evaluations=120)
    for number in range(1, history[-1].generation + 1):
        before = [one for one in history if one.generation < number]
        assert best(before) in population(history, number)[:ELITES]


@EVERY
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_candidate_without_a_finite_fitness_is_named(kind, bad):
    def evaluate(named):
        return {name: (bad if name == "1.2" else 0.0) for name in named}

    with pytest.raises(Failure, match=r"candidate 1\.2 has fitness"):
        run(kind, landscape=evaluate)


@EVERY
def test_what_after_raises_ends_the_search_with_the_generation_kept(kind):
    kept = []

    def after(history):
        kept[:] = history
        if history[-1].generation == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(kind, after=after)
    assert kept[-1].generation == 2


@pytest.mark.parametrize("kind", ["genetic", "cma"])
@pytest.mark.parametrize("fitness", [height, bumpy])
def test_it_finds_what_random_search_at_equal_evaluations_does_not(kind, fitness):
    """The peak is at 0. Three seeds, the medians: a search that did no better would be luck."""

    def reached(name):
        found = [
            best(run(name, seed=seed, evaluations=160, landscape=Landscape(fitness))) for seed in (1, 2, 3)
        ]
        return sorted(one.fitness for one in found)[1]

    assert reached(kind) > reached("random") / 3  # heights are negative: within a third of the distance


def test_cma_reaches_the_peak():
    """A convex quadratic in 4 dimensions: the error falls by orders of magnitude in a few hundred."""
    found = best(run("cma", evaluations=500))
    assert found.genome.form == "good"
    assert found.genome.genes == pytest.approx(PEAK, abs=1e-3)


def test_it_stops_when_nothing_was_gained_for_its_patience():
    flat = Landscape(lambda _genome: 1.0)
    limits = Limits(generations=50, patience=3, gain=0.001)
    history = evolve(search("random"), flat, FIRST, limits)
    assert history[-1].generation == 3
    assert ended(history, limits) == "less than 0.001 gained in 3 generations"


def test_a_gain_just_large_enough_keeps_it_going_to_the_last_generation():
    """Half a point a candidate, eight candidates a generation: 8 in two generations, exactly."""
    rising = Landscape()
    rising.fitness = lambda _genome: len(rising.asked) * 0.5

    def evaluate(named):
        return {name: rising({name: genome})[name] for name, genome in named.items()}

    limits = Limits(generations=6, patience=2, gain=8.0)
    history = evolve(search("random"), evaluate, FIRST, limits)
    assert history[-1].generation == 6
    assert ended(history, limits) == "6 generations"


def test_a_finished_history_is_not_continued():
    history = run("genetic", evaluations=24)
    landscape = Landscape()
    assert run("genetic", evaluations=24, landscape=landscape, history=history) == history
    assert landscape.asked == []


def test_every_search_that_a_config_may_name_is_there():
    assert set(get_args(get_type_hints(SearchConfig)["kind"])) == set(SEARCHES)


def test_a_search_that_would_not_end_is_refused():
    with pytest.raises(Failure, match="would not end"):
        Limits(patience=3)


def test_a_population_of_none_is_only_for_cma():
    assert SearchConfig(kind="cma", population=0).population == 0
    with pytest.raises(ConfigError, match="population is 0 and kind genetic"):
        SearchConfig(kind="genetic", population=0)


def test_cma_takes_the_papers_population_where_none_is_given():
    """4 + floor(3 ln 4) = 8, and 4 + floor(3 ln 20) = 12."""
    for genes, size in ((4, 8), (20, 12)):
        space = Space(("good",), genes)
        first = [Child(genome=space.neutral("good"), operator="given")]
        history = evolve(
            search_of(SearchConfig(kind="cma", population=0), space, 1),
            lambda named: {name: -one.genes[0] for name, one in named.items()},
            first,
            Limits(generations=1),
        )
        assert len(history) == 1 + size


def test_cma_refuses_a_single_gene():
    space = Space(("good",), 1)
    with pytest.raises(Failure, match="at least two genes"):
        evolve(
            search_of(SearchConfig(kind="cma"), space, 1),
            lambda named: dict.fromkeys(named, 0.0),
            [Child(genome=space.neutral("good"), operator="given")],
            Limits(generations=1),
        )
