from prices import shared, total


def test_what_both_baskets_hold():
    left = [f"article {n}" for n in range(300)]
    right = [f"article {n}" for n in range(0, 600, 2)]
    assert shared(left, right) == left[::2]


def test_a_total():
    assert total([3, 4]) == 7
    assert total([]) == 0
