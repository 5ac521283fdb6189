"""Trees against sums over lists."""

import numpy as np
import pytest

from bloomery.diffusion.buffer.trees import MostTree, SumTree

LEAVES = ([3], [0, 2], [1, 0, 4], [2, 2, 0, 1, 5], [0, 0, 7, 0, 0, 1, 3])


@pytest.mark.parametrize("leaves", LEAVES)
def test_every_place_of_a_small_tree_is_found_where_a_list_of_copies_has_it(leaves):
    tree, copies = SumTree(np.array(leaves)), [leaf for leaf, n in enumerate(leaves) for _ in range(n)]
    found = [tree.find(place) for place in range(tree.total)]
    assert [leaf for leaf, _ in found] == copies
    assert [offset for _, offset in found] == [p - sum(leaves[:leaf]) for p, leaf in enumerate(copies)]
    batch = tree.find_all(np.arange(tree.total))
    assert list(zip(*(part.tolist() for part in batch), strict=True)) == found


def test_sums_stay_those_of_a_list_through_additions_that_make_room():
    rng, tree, mirror = np.random.default_rng(0), SumTree(), [0] * 70
    for _ in range(400):
        leaf = int(rng.integers(70))
        amount = int(rng.integers(-mirror[leaf], 5))
        tree.add(leaf, amount)
        mirror[leaf] += amount
        assert (tree.total, tree.before(leaf), tree[leaf]) == (sum(mirror), sum(mirror[:leaf]), mirror[leaf])


def test_the_first_of_the_largest_is_that_of_a_list():
    rng, tree, mirror = np.random.default_rng(1), MostTree(), [0] * 37
    for _ in range(400):
        leaf, value = int(rng.integers(37)), int(rng.integers(6))
        tree.put(leaf, value)
        mirror[leaf] = value
        assert tree.first_of_most() == mirror.index(max(mirror))
