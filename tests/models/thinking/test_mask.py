"""The diagonal mask lets a block see its text up to its spot and its own earlier tokens, and nothing else."""

import pytest
import torch

from bloomery.models.thinking.mask import causal_mask, diagonal_mask, places_of, slots_of


def by_definition(places, length, first, last):
    """Token by token: (step, block) sees text up to the block's place, and the block's own steps so far."""
    count = len(places)
    seen = []
    for step in range(first, last):
        for block in range(count):
            text = [k <= places[block] for k in range(length)]
            blocks = [other == block and s <= step for s in range(last) for other in range(count)]
            seen.append(text + blocks)
    return torch.tensor(seen)


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 3), (0, 1)])
def test_the_mask_is_that_of_its_definition(first, last):
    places = torch.tensor([[0, 2, 4], [1, 1, 0]])
    mask = diagonal_mask(places, 5, first, last, torch.float32)
    expected = torch.stack([by_definition(row.tolist(), 5, first, last) for row in places])
    assert torch.equal(mask[:, 0] == 0, expected)
    assert (mask[:, 0][~expected] == torch.finfo(torch.float32).min).all()


def test_a_text_sees_no_block():
    mask = causal_mask(1, 4, 6, torch.float32, torch.device("cpu"))[0, 0]
    assert torch.equal(mask == 0, torch.tensor([[k <= q for k in range(6)] for q in range(4)]))


def test_spots_of_a_text_get_slots_of_their_own(spots):
    slots, most = slots_of(spots)
    assert slots.tolist() == [0, 1, 2, 0, 1, 2]
    assert most == 3
    assert places_of(spots, slots, 2, most).tolist() == [[2, 2, 8], [0, 3, 5]]


def test_spots_may_come_in_any_order(spots):
    order = torch.tensor([3, 0, 5, 2, 1, 4])
    mixed = spots._replace(text=spots.text[order], place=spots.place[order])
    slots, most = slots_of(mixed)
    table = places_of(mixed, slots, 2, most)
    assert torch.equal(table[mixed.text, slots], mixed.place)
    assert len({(int(t), int(s)) for t, s in zip(mixed.text, slots, strict=True)}) == 6
