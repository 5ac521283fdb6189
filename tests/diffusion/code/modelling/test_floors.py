"""The floors of the benchmark, against counts by hand and in plain Python."""

import lzma
import math
from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks.code_floors import CountingDenoiser, chain, ngram_bits, xz_bits
from bloomery.diffusion.code.modelling.model import MASK_ID
from bloomery.diffusion.code.modelling.windows import Encoded, Window, batched


def test_a_bigram_of_witten_and_bell_by_hand():
    """Trained on abab: p1(a) = p1(b) = (2 + 2/256) / 6, since 4 bytes of 2 kinds were seen. After a came b
    twice, after b came a once, at the beginning came a once."""
    single = (2 + 2 / 256) / 6
    after_start, after_a = (1 + single) / 2, (2 + single) / 3
    expected = -(math.log2(after_start) + math.log2(after_a)) / 2
    assert ngram_bits([b"abab"], [b"ab"], 2) == pytest.approx(expected, rel=1e-12)
    assert ngram_bits([b"abab"], [b"ab"], 1) == pytest.approx(-math.log2(single), rel=1e-12)


def test_ngrams_give_a_probability_to_every_byte_and_one_in_all():
    train = [b"the cat sat on the mat", b"that hat"]
    p = [2.0 ** -(len(text) * ngram_bits(train, [text], 3)) for text in (bytes([0]), b"t", b"z")]
    assert all(0 < one < 1 for one in p)
    total = sum(2.0 ** -ngram_bits(train, [bytes([byte])], 3) for byte in range(256))
    assert total == pytest.approx(1, rel=1e-9)


def test_xz_counts_bytes_and_what_was_seen_before_costs_little():
    data = bytes(np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8))
    assert 8 <= xz_bits(data) < 8.2
    assert xz_bits(data, primed=data) < 0.2
    assert xz_bits(data) <= 8 * len(lzma.compress(data)) / len(data)


def test_chains_grow_by_one_token_and_end_where_they_should():
    assert chain(2, 2) == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)]
    assert chain(0, 2) == [(0, 0), (0, 1), (0, 2)]
    assert chain(1, 2) == [(0, 0), (1, 0), (1, 1), (1, 2)]


def naive(rows, left, right, token, base, sides):
    """p(token | what stands beside it), recursively, in plain Python."""
    if sides is None:
        return 1 / base
    steps = chain(*sides)
    shorter = naive(rows, left, right, token, base, steps[-2] if len(steps) > 1 else None)
    a, b = sides
    wanted = (tuple(left[len(left) - a :]), tuple(right[:b]))
    seen = Counter()
    for row in rows:
        padded = ["-", "-", *row, "-", "-"]
        for at in range(2 + 1, len(padded) - 2):  # the first token is the header
            if (tuple(padded[at - a : at]), tuple(padded[at + 1 : at + 1 + b])) == wanted:
                seen[padded[at]] += 1
    total, kinds = sum(seen.values()), len(seen)
    return shorter if not total else (seen[token] + kinds * shorter) / (total + kinds)


@pytest.mark.parametrize(
    ("hidden", "left", "right"),
    [({3}, [5, 7], [5, 6]), ({3, 4}, [5, 7], []), ({2, 3}, [], [5, 6]), ({3, 5}, [5, 7], [5])],
)
def test_the_counting_denoiser_is_the_recursion_it_says(hidden, left, right):
    rows = [[4, 5, 6, 7, 5, 6], [4, 5, 7, 7, 5, 6, 6], [4, 7, 7]]
    files = [Encoded(np.array(row[:1]), np.array(row[1:]), np.array([0]), 9) for row in rows]
    denoiser = CountingDenoiser(files, 8)
    x = np.array([[4, 5, 7, 6, 5, 6, 5]])
    masked = x.copy()
    masked[0, sorted(hidden)] = MASK_ID
    where = masked == MASK_ID
    chances = denoiser._chances(masked, x[where], where)
    expected = naive(rows, left, right, 6, 9, (len(left), len(right)))
    assert chances[sorted(hidden).index(3)] == pytest.approx(expected, rel=1e-12)


def test_the_counting_denoiser_pays_for_every_token_it_guesses():
    """Of one token a row, the bound is its cost, whatever the share."""
    rows = [[4, 5], [4, 6], [4, 5]]
    files = [Encoded(np.array(row[:1]), np.array(row[1:]), np.array([0]), 9) for row in rows]
    batch = batched([Window(np.array([4, 5]), 1), Window(np.array([4, 6]), 1)], 2)
    nats = CountingDenoiser(files, 8).cost(batch, torch.tensor([0.2, 0.9]), torch.Generator())
    expected = [-math.log(naive(rows, ["-", 4], ["-", "-"], token, 9, (2, 2))) for token in (5, 6)]
    assert nats.tolist() == pytest.approx(expected, rel=1e-12)
