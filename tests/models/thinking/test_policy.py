"""Thoughts are drawn from the policy whose log-probabilities they are credited with."""

import itertools

import pytest
import torch

from bloomery.models.thinking.credit import thought_log_probability
from bloomery.models.thinking.layout import Spots, Thoughts, blocks_of
from bloomery.models.thinking.policy import Policy, write_thoughts
from bloomery.models.thinking.reading import read_by_rows
from bloomery.models.thinking.streams import MaskStream, RowStream
from tests.models.thinking.small import END, START, WORDS, cognate, llama

STREAMS = pytest.mark.parametrize(
    ("make", "stream"), [(llama, MaskStream), (llama, RowStream), (cognate, RowStream)]
)
FEW = tuple(range(16))  # barred: what is left are 16, 17 and <end>


def policy(**changes):
    return Policy(**{"start": START, "end": END, "length": 3, "temperature": 8.0, **changes})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
@STREAMS
def test_greedy_thoughts_are_those_of_a_loop_without_a_cache(make, stream, texts, spots):
    model, greedy = make(), policy(temperature=0.0, length=4)
    thoughts = write_thoughts(stream(model, texts, spots), greedy)
    for row in range(6):
        line = [*texts.ids[spots.text[row], : spots.place[row] + 1].tolist(), START]
        written = []
        while len(written) < 4:
            logits = model(input_ids=torch.tensor([line + written])).logits[0, -1]
            logits[START] = -torch.inf
            written.append(int(logits.argmax()))
            if written[-1] == END:
                break
        ended = written[-1] == END
        assert bool(thoughts.ended[row]) == ended
        assert thoughts.ids[row, : thoughts.lengths[row]].tolist() == written[: len(written) - ended]


def test_both_ways_write_the_same_thoughts(texts, spots):
    model = llama()
    one, other = (
        write_thoughts(way(model, texts, spots, 3), policy(), generator()) for way in (MaskStream, RowStream)
    )
    for mine, theirs in zip(one, other, strict=True):
        assert torch.equal(mine, theirs)
    assert len(one.ids) == 18


@STREAMS
def test_no_thought_holds_what_is_barred(make, stream, texts, spots):
    thoughts = write_thoughts(stream(make(), texts, spots, 40), policy(barred=FEW), generator())
    written = [row[:n] for row, n in zip(thoughts.ids.tolist(), thoughts.lengths.tolist(), strict=True)]
    assert set(itertools.chain(*written)) == {16, 17}
    assert bool(thoughts.ended.any())
    assert torch.equal(thoughts.ended, thoughts.lengths < 3)


def every_thought(length):
    """All thoughts of 16, 17 and <end>, up to `length` tokens."""
    for count in range(length + 1):
        for ids in itertools.product((16, 17), repeat=count):
            yield [*ids, *[END] * (length - count)], count, count < length


@torch.no_grad()
@pytest.mark.parametrize("make", [llama, cognate])
def test_the_log_probabilities_of_all_thoughts_make_a_whole(make, texts):
    model, few = make(), policy(barred=FEW)
    ids, lengths, ended = zip(*every_thought(3), strict=True)
    thoughts = Thoughts(torch.tensor(ids), torch.tensor(lengths), torch.tensor(ended))
    spots = Spots(torch.zeros(15, dtype=torch.long), torch.full((15,), 3))
    blocks = blocks_of(thoughts, texts, spots, start=START, end=END, ahead=2)
    logits = read_by_rows(model, texts, spots, blocks).logits
    chances = thought_log_probability(logits, blocks, thoughts, few).exp()
    torch.testing.assert_close(chances.sum(), torch.tensor(1.0, dtype=torch.float64))
    assert ((chances > 0) & (chances < 1)).all()

    drawn = write_thoughts(
        RowStream(model, texts, Spots(spots.text[:1], spots.place[:1]), 4000), few, generator()
    )
    counts = torch.tensor([[torch.equal(row, known) for known in thoughts.ids] for row in drawn.ids]).sum(0)
    deviations = (4000 * chances * (1 - chances)).sqrt()
    assert ((counts - 4000 * chances).abs() < 5 * deviations).all()  # 5 deviations: 1 in 10^5 for all 15


def test_a_greedy_policy_has_no_log_probabilities():
    with pytest.raises(ValueError, match="temperature 0"):
        policy(temperature=0.0).log_probabilities(torch.zeros(1, WORDS))


@pytest.mark.parametrize("wrong", [{"length": 0}, {"temperature": -1.0}, {"barred": (END,)}, {"start": END}])
def test_a_policy_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"a thought has|must be writable"):
        policy(**wrong)
