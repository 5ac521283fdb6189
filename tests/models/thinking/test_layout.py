"""Blocks are <start>, a thought, <end> and what truly follows, as far as it goes."""

import pytest
import torch

from bloomery.models.thinking.layout import Spots, Thoughts, blocks_of, check_spots, chosen_tokens, last_spots
from tests.models.thinking.small import END, START

THOUGHTS = Thoughts(
    torch.tensor([[4, 5, 6], [4, END, END], [END, END, END], [7, 8, END], [9, 9, 9], [1, 2, 3]]),
    torch.tensor([3, 1, 0, 2, 3, 3]),
    torch.tensor([False, True, True, True, False, False]),
)


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_each_block_is_what_is_written_out_by_hand(texts, spots, ahead):
    blocks = blocks_of(THOUGHTS, texts, spots, start=START, end=END, ahead=ahead)
    for row in range(6):
        text = texts.ids[spots.text[row], : texts.lengths[spots.text[row]]].tolist()
        thought = THOUGHTS.ids[row, : THOUGHTS.lengths[row]].tolist()
        follows = text[int(spots.place[row]) + 1 :][: ahead - 1]
        assert blocks.ids[row, : blocks.lengths[row]].tolist() == [START, *thought, END, *follows]
        assert blocks.end[row] == 1 + len(thought)


def test_only_what_the_model_wrote_itself_counts_as_chosen():
    chosen = chosen_tokens(THOUGHTS, 6).long().tolist()
    assert chosen == [
        [0, 1, 1, 1, 0, 0],  # <end> was put there by the limit
        [0, 1, 1, 0, 0, 0],  # a token and <end>
        [0, 1, 0, 0, 0, 0],  # <end> at once
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0, 0],
    ]


def test_the_last_spot_of_a_text_is_its_last_token_not_its_padding(texts):
    assert last_spots(texts).place.tolist() == [8, 5]


def test_a_spot_in_the_padding_is_refused(texts):
    with pytest.raises(ValueError, match="to follow token 6 of a text of 6 tokens"):
        check_spots(texts, Spots(torch.tensor([0, 1]), torch.tensor([8, 6])))
