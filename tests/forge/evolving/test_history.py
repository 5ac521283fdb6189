import json

import pytest

from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.history import (
    Individual,
    ancestry,
    best,
    diversity,
    history_from_plain,
    history_to_plain,
    population,
    ranked,
    spread,
)


def one(name, fitness, *, parents=(), genes=(0.5,), form="a"):
    return Individual(
        name=name, generation=int(name.partition(".")[0]), genome=Genome(form, genes), operator="given",
        parents=parents, fitness=fitness,
    )  # fmt: skip


HISTORY = [
    one("0.1", 1.0, genes=(0.0,)),
    one("0.2", 3.0, genes=(1.0,)),
    one("0.3", 3.0, genes=(0.5,)),
    one("1.1", 2.0, parents=("0.2",), genes=(0.75,)),
    one("1.2", 4.0, parents=("0.1", "0.3"), genes=(0.75,)),
    one("2.1", 0.0, parents=("1.2",), genes=(0.8,)),
]


def names(individuals):
    return [individual.name for individual in individuals]


def test_of_equals_the_first_is_ranked_first():
    assert names(ranked(HISTORY)) == ["1.2", "0.2", "0.3", "1.1", "0.1", "2.1"]
    assert best(HISTORY[:3]).name == "0.2"


def test_a_population_is_the_best_two_of_before_and_its_own():
    assert names(population(HISTORY, 0)) == ["0.1", "0.2", "0.3"]
    assert names(population(HISTORY, 1)) == ["0.2", "0.3", "1.1", "1.2"]
    assert names(population(HISTORY, 2)) == ["1.2", "0.2", "2.1"]


def test_diversity_is_a_share_of_generation_0s():
    """Spread by hand: half the mean of |differences|; 0: (1, .5, .5); 2: (.25, .05, .2)."""
    assert spread(population(HISTORY, 0)) == pytest.approx((1 + 0.5 + 0.5) / 3 / 2)
    assert diversity(HISTORY, 0) == 1.0
    assert diversity(HISTORY, 2) == pytest.approx((0.25 + 0.05 + 0.2) / 2)


def test_without_spread_in_generation_0_there_is_no_diversity():
    assert diversity([one("0.1", 1.0), one("0.2", 1.0)], 0) == 0.0
    assert spread(HISTORY[:1]) == 0.0


def test_ancestry_is_everything_an_individual_descends_from_and_nothing_else():
    assert names(ancestry(HISTORY, "2.1")) == ["0.1", "0.3", "1.2", "2.1"]
    assert names(ancestry(HISTORY, "0.2")) == ["0.2"]


def test_json_keeps_every_bit():
    odd = [one("0.1", 0.1 + 0.2, genes=(1 / 3, 2**-40))]
    assert history_from_plain(json.loads(json.dumps(history_to_plain(odd)))) == odd
