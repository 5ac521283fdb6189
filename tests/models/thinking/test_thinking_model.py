"""A model that thinks: the model itself at weight 0, and the mixture of two of its own predictions else."""

import pytest
import torch

from bloomery.models.thinking.layout import Texts
from bloomery.models.thinking.mixing import mix
from bloomery.models.thinking.policy import Policy
from bloomery.models.thinking.speaking import speak
from bloomery.models.thinking.thinking_model import ThinkingModel
from tests.models.thinking.small import END, START, llama
from tests.models.thinking.test_layout import THOUGHTS

AHEAD = 3


@pytest.fixture
def thinking(base):
    model = ThinkingModel(base, start=START, end=END)
    torch.manual_seed(1)
    torch.nn.init.normal_(model.mixing.layers[-1].weight)
    return model.eval()


def talked(thinking, texts, spots, weight=None):
    blocks = thinking.enclose(THOUGHTS, texts, spots, AHEAD)
    reading = thinking.read(texts, spots, blocks)
    return (*thinking.talk(reading, spots, blocks, AHEAD, weight), reading)


def inside(texts, spots):
    """(row, step) of predictions from within the text."""
    lengths = texts.lengths[spots.text]
    return [
        (row, step) for row in range(6) for step in range(AHEAD) if spots.place[row] + step < lengths[row]
    ]


@torch.no_grad()
def test_called_as_a_module_it_is_the_wrapped_model(thinking, base, texts):
    given = {"input_ids": texts.ids, "attention_mask": texts.mask}
    assert torch.equal(thinking(**given).logits, base(**given).logits)


@torch.no_grad()
def test_at_weight_0_the_logits_are_those_without_thoughts_to_the_bit(thinking, texts, spots):
    mixed, weights, reading = talked(thinking, texts, spots, weight=0.0)
    assert not weights.any()
    for row, step in inside(texts, spots):
        assert torch.equal(mixed[row, step], reading.base_logits[spots.text[row], spots.place[row] + step])
    plain = ThinkingModel(thinking.base, start=START, end=END, way="rows").eval()
    base = plain.base(input_ids=texts.ids, attention_mask=texts.mask).logits
    at_zero, _, _ = talked(plain, texts, spots, weight=0.0)
    for row, step in inside(texts, spots):
        assert torch.equal(at_zero[row, step], base[spots.text[row], spots.place[row] + step])


@torch.no_grad()
def test_what_is_talked_is_mixed_from_two_lines_read_by_themselves(thinking, base, texts, spots):
    mixed, weights, _ = talked(thinking, texts, spots)
    for row, step in inside(texts, spots):
        text = texts.ids[spots.text[row], : texts.lengths[spots.text[row]]]
        place = int(spots.place[row])
        thought = [START, *THOUGHTS.ids[row, : THOUGHTS.lengths[row]].tolist(), END]
        with_it = torch.cat([text[: place + 1], torch.tensor(thought), text[place + 1 : place + 1 + step]])
        one, other = (
            base(input_ids=line[None], output_hidden_states=True)
            for line in (text[: place + 1 + step], with_it)
        )
        w = thinking.mixing(one.hidden_states[-1][0, -1], other.hidden_states[-1][0, -1])
        torch.testing.assert_close(weights[row, step], w, rtol=0, atol=1e-9)
        expected = mix(one.logits[0, -1], other.logits[0, -1], w)
        torch.testing.assert_close(
            mixed[row, step], expected, rtol=0, atol=1e-9
        )  # rounding of logits of tens
    assert weights.std() > 1e-3


def spoken_by_hand(thinking, text, thought, count, weight):
    """Both lines read anew for every token."""
    behind, written = [*text, START, *thought, END], []
    for _ in range(count):
        one, other = (
            thinking.base(input_ids=torch.tensor([line + written]), output_hidden_states=True)
            for line in (text, behind)
        )
        hidden = one.hidden_states[-1][:, -1], other.hidden_states[-1][:, -1]
        w = thinking.mixing(*hidden) if weight is None else torch.tensor([weight])
        written.append(int(mix(one.logits[:, -1], other.logits[:, -1], w).argmax()))
    return written


@torch.no_grad()
@pytest.mark.parametrize("weight", [None, 0.0, 1.0])
def test_speaking_is_greedy_in_the_mixture(thinking, texts, weight):
    thoughts = type(THOUGHTS)(*(part[[1, 3]] for part in THOUGHTS))
    spoken = speak(thinking, texts, thoughts, max_new_tokens=4, weight=weight)
    for row, answer in enumerate(spoken):
        text = texts.ids[row, : texts.lengths[row]].tolist()
        thought = thoughts.ids[row, : thoughts.lengths[row]].tolist()
        assert answer == spoken_by_hand(thinking, text, thought, 4, weight)
    stop = spoken[0][1]
    stopped = speak(thinking, texts, thoughts, max_new_tokens=4, stop=stop, weight=weight)
    assert stopped == [row[: row.index(stop)] if stop in row else row for row in spoken]


@torch.no_grad()
def test_equal_generators_give_equal_thoughts_and_others_do_not(thinking, texts, spots):
    policy = Policy(start=START, end=END, length=5, temperature=20.0)

    def thoughts(seed):
        generator = torch.Generator().manual_seed(seed)
        return thinking.think(texts, spots, policy, thoughts=2, generator=generator).ids

    assert torch.equal(thoughts(1), thoughts(1))
    assert not torch.equal(thoughts(1), thoughts(2))


def test_the_way_of_reading_is_found_out_or_taken_as_given(texts):
    ways = {
        way: ThinkingModel(llama(), start=START, end=END, way=way).masked for way in ("auto", "rows", "mask")
    }
    assert ways == {"auto": True, "rows": False, "mask": True}


def test_gradients_reach_the_model_and_the_head(thinking, texts, spots):
    mixed, _, _ = talked(thinking, texts, spots)
    mixed.square().mean().backward()
    for name, parameter in thinking.mixing.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    table = thinking.base.get_input_embeddings().weight.grad
    assert table[START].abs().max() > 0
    assert table[END].abs().max() > 0


def test_texts_know_their_lengths():
    assert Texts(torch.zeros(2, 3), torch.tensor([[1, 1, 0], [1, 1, 1]])).lengths.tolist() == [2, 3]
