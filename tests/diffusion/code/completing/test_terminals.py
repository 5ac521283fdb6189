"""The constraint over a vocabulary's tokens."""

import random

import numpy as np
import pytest

from bloomery.diffusion.code.completing.terminals import Constraint
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import MASK, SPECIAL

CODE = b"""def total(values, start=0):
    found = start
    for value in values:  # each
        found += value
    return found
"""
MASKED = SPECIAL.index(MASK)


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained([(CODE * 6, "python")], 1400)


@pytest.fixture(scope="module")
def constraint(tokenizer: LexemeTokenizer) -> Constraint:
    return Constraint(tokenizer, "python")


def test_the_tokens_that_were_masked_are_admissible_also_inside_of_spelled_lexemes(
    tokenizer: LexemeTokenizer,
):
    constraint, draw = Constraint(tokenizer, "python", trivia=True), random.Random(0)
    tokens = tokenizer.encode(CODE.replace(b"found", b"never_seen_before").replace(b"0", b"'a b'"), "python")
    for _ in range(20):
        places = draw.sample(range(2, len(tokens)), 6)
        masked = [MASKED if at in places else token for at, token in enumerate(tokens)]
        assert constraint.completable(masked)
        found = constraint.admissible(masked)
        assert all(found[at, tokens[at]] for at in range(len(tokens)))


def test_what_is_not_admissible_is_not_completable_and_the_other_way_round(constraint: Constraint):
    tokens = constraint.tokenizer.encode(CODE, "python")
    masked = [MASKED if at in {6, 9, 14} else token for at, token in enumerate(tokens)]
    found = constraint.admissible(masked)
    for token in range(0, len(constraint.sets), 7):
        if token != MASKED and constraint.spelled_well([*masked[:9], token, *masked[10:]]):
            committed = [*masked[:9], token, *masked[10:]]
            assert constraint.completable(committed) == found[9, token]


def test_tokens_that_fit_alone_and_not_together_are_found(constraint: Constraint):
    ids = constraint.tokenizer.vocabulary.ids
    word, line = ids["word", "match"], ids["newline", "0"]
    canvas = [word, ids["sign", "="], MASKED, word, MASKED, line]
    opens, closes = (2, ids["sign", "("]), (4, ids["sign", "]"])
    alone = constraint.admissible(canvas)
    assert alone[opens]
    assert alone[closes]
    tokens, done = constraint.commit(canvas, [opens, closes])
    assert tokens == [*canvas[:2], opens[1], *canvas[3:]]
    assert (done.kept, done.refused) == ([0], [1])
    assert np.flatnonzero(constraint.admissible(tokens)[4]).tolist() == [ids["sign", ")"]]


def test_a_name_that_is_spelled_like_a_word_of_the_language_is_refused(constraint: Constraint):
    spelled = constraint.tokenizer.vocabulary.opening
    pieces = constraint.tokenizer.vocabulary
    name = next(token for form, token in spelled.items() if form == ("word", "", ""))
    parts = [pieces.first_piece + piece for piece in pieces.pieces.of("whil")]
    last = pieces.first_piece + pieces.pieces.of("e")[0]
    tail = [pieces.ids["newline", "0"]]
    assert constraint.completable([name, *parts, *tail])
    assert not constraint.completable([name, *parts, last, *tail])
    _, done = constraint.commit([name, *parts, MASKED, *tail], [(1 + len(parts), last)])
    assert done.refused == [0]


def test_commits_of_random_admissible_tokens_in_parallel_stay_completable(constraint: Constraint):
    code, draw = CODE.replace(b"  # each", b""), random.Random(3)
    tokens = constraint.tokenizer.encode(code, "python")
    canvas = [MASKED if at > 8 and at % 2 else token for at, token in enumerate(tokens)]
    for _ in range(30):
        masked = [at for at, token in enumerate(canvas) if token == MASKED]
        if not masked:
            break
        found = constraint.admissible(canvas)
        chosen = draw.sample(masked, min(4, len(masked)))
        proposals = [(at, int(draw.choice(np.flatnonzero(found[at])))) for at in chosen]
        canvas, done = constraint.commit(canvas, proposals)
        assert constraint.completable(canvas)
        assert done.kept or not constraint.spelled_well([*canvas])
    assert MASKED not in canvas
