import pytest

from bloomery.forge.evolving.genetic import Genetic
from bloomery.forge.evolving.genome import Genome, Space
from bloomery.forge.evolving.history import Child, generation_of, population, ranked
from bloomery.forge.evolving.search import Limits, evolve

SPACE = Space(("a", "b"), 2)
FIRST = [Child(genome=Genome("ab"[i % 2], (i / 8, 1 - i / 8)), operator="given") for i in range(8)]


def evolved(generations, *, fitness=lambda one: one.genes[0], **settings):
    search = Genetic(space=SPACE, seed=3, **settings)
    evaluate = lambda named: {name: fitness(one) for name, one in named.items()}  # noqa: E731
    return evolve(search, evaluate, FIRST, Limits(generations=generations))


def by_operator(history, number):
    made = {}
    for one in generation_of(history, number):
        made.setdefault(one.operator, []).append(one)
    return made


def test_winners_give_three_mutants_each_and_six_losers_two_mergers():
    history = evolved(1, diversity_bar=0.0)
    made = by_operator(history, 1)
    order = [one.name for one in ranked(generation_of(history, 0))]
    assert order == ["0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1"]
    assert sorted(one.parents for one in made["mutation"]) == [("0.7",)] * 3 + [("0.8",)] * 3
    assert [one.parents for one in made["losers merged"]] == [("0.6", "0.5", "0.4"), ("0.3", "0.2", "0.1")]
    assert made["losers merged"][0].genome.genes == pytest.approx((4 / 8, 4 / 8))  # the mean of 5, 4 and 3


def test_an_elite_survives_for_as_long_as_nothing_beats_it():
    """Fitness is highest at a genome of generation 0 that mutation will not find again."""
    history = evolved(12, fitness=lambda one: 2.0 if one == FIRST[3].genome else -one.genes[1])
    for number in range(1, 13):
        assert population(history, number)[0].name == "0.4"


def test_fresh_genomes_come_when_the_population_is_too_alike_and_only_then():
    rich = evolved(4, diversity_bar=0.0)
    assert {one.operator for one in rich} == {"given", "mutation", "losers merged"}
    poor = evolved(4, diversity_bar=1.0, sigma=1e-6)
    counts = {
        number: {name: len(some) for name, some in by_operator(poor, number).items()} for number in (2, 4)
    }
    expected = {"mutation": 4, "fresh": 2, "losers merged": 2}
    assert counts == {2: expected, 4: expected}


@pytest.mark.parametrize("population_size", [1, 2, 5, 8, 20])
def test_a_generation_has_as_many_children_as_asked(population_size):
    history = evolved(3, population=population_size, diversity_bar=1.0)
    assert [len(generation_of(history, number)) for number in (1, 2, 3)] == [population_size] * 3


def test_a_population_without_three_losers_has_mutants_only():
    history = evolved(3, population=2, diversity_bar=0.0)
    assert {one.operator for one in generation_of(history, 1)} == {"mutation", "losers merged"}
    assert {one.operator for one in generation_of(history, 3)} == {"mutation"}
