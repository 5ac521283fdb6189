import pytest

from bloomery.core.errors import Failure
from bloomery.forge.evolving.soups import greedy_soup, uniform_soup

VALUES = {"a": 4.0, "b": 9.0, "c": -3.0, "d": 7.0}


class Kitchen:
    """A soup is as good as its target is near to the mean of its members."""

    def __init__(self, target):
        self.target, self.tasted = target, []

    def __call__(self, members):
        self.tasted.append(members)
        return -abs(self.target - sum(VALUES[one] for one in members) / len(members))

    def alone(self):
        return {name: self((name,)) for name in VALUES}


def test_the_greedy_soup_by_hand():
    """Target 5: a (-1), d (-2), b (-4), c (-8) alone. a+d is 5.5 (-.5), kept; +b 6.67, not; +c 2.67, not."""
    kitchen = Kitchen(5.0)
    alone = kitchen.alone()
    kitchen.tasted.clear()
    soup = greedy_soup(alone, kitchen)
    assert soup.members == ("a", "d")
    assert soup.fitness == pytest.approx(-0.5)
    assert kitchen.tasted == [("a", "d"), ("a", "d", "b"), ("a", "d", "c")]
    assert soup.tried == 3


def test_the_greedy_soup_is_never_worse_than_the_best_ingredient():
    for target in range(-5, 12):
        kitchen = Kitchen(float(target))
        alone = kitchen.alone()
        assert greedy_soup(alone, kitchen).fitness >= max(alone.values())


def test_an_ingredient_that_changes_nothing_is_kept():
    assert greedy_soup({"a": 1.0, "b": 0.0}, lambda _members: 1.0).members == ("a", "b")


def test_a_soup_of_one_is_that_one():
    assert greedy_soup({"a": 1.0}, Kitchen(0.0)).members == ("a",)


def test_the_uniform_soup_takes_all():
    soup = uniform_soup(list(VALUES), Kitchen(4.25))
    assert soup.members == tuple(VALUES)
    assert soup.fitness == pytest.approx(0.0)


def test_a_soup_of_nothing_is_refused():
    with pytest.raises(Failure, match="at least one ingredient"):
        greedy_soup({}, Kitchen(0.0))
