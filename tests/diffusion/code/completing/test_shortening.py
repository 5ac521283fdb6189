"""Shortened surroundings against the whole ones."""

import itertools
import random

import pytest

from bloomery.diffusion.code.completing.canvas import Completer, wild
from bloomery.diffusion.code.completing.grammar import compiled
from bloomery.diffusion.code.completing.languages import GRAMMARS, grammar
from bloomery.diffusion.code.completing.shortening import shortened, shortened_after, shortened_before

from .test_chart import GRAMMARS as SMALL
from .test_chart import words
from .test_languages import bits, programs


@pytest.mark.parametrize("rules", SMALL)
def test_shortened_beginnings_and_ends_complete_as_the_whole_ones_do_in_all_words(rules: str):
    """Every beginning of every word, with every end of every word, both ways."""
    known, mirror = compiled(SMALL[rules]), compiled(SMALL[rules], mirror=True)
    language, completer = words(rules, 7), Completer(known)
    beginnings = sorted({word[:at] for word in language for at in range(len(word) + 1)})
    ends = sorted({word[at:] for word in language if len(word) < 6 for at in range(len(word) + 1)})
    pairs = list(itertools.product(beginnings, ends))
    for first, last in random.Random(0).sample(pairs, min(len(pairs), 600)):
        whole = [known.bits([letter]) for letter in (*first, *last)]
        short = shortened(whole[: len(first)], known)
        end = shortened([mirror.bits([letter]) for letter in reversed(last)], mirror)
        assert short is not None
        assert end is not None
        back = [known.bits(mirror.names(cell)) for cell in reversed(end)]
        assert completer.completable(whole) == completer.completable([*short, *back]), (first, last)


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_hole_may_be_the_same_between_shortened_surroundings(language: str):
    known, draw, shorter = grammar(language), random.Random(3), 0
    whole, framed = Completer(known), Completer(known)
    mask = wild(known)
    for items in programs(language, 8) * (1 if language == "python" else 4):
        cells = [bits(item, language) for item in items]
        start = draw.randrange(len(cells))
        stop = min(start + draw.randint(1, 5), len(cells))
        before = shortened_before(cells[:start], language)
        after = shortened_after(cells[stop:], language)
        assert before is not None
        assert after is not None
        shorter += start + len(cells) - stop - len(before) - len(after)
        hole = [mask] * (stop - start + draw.randint(0, 1))
        expected = whole.admissible([*cells[:start], *hole, *cells[stop:]], start)[: len(hole)]
        found = framed.admissible([*before, *hole, *after], len(before))[: len(hole)]
        assert [known.names(cell) for cell in found] == [known.names(cell) for cell in expected]
    assert shorter > 0


def test_long_files_become_short_and_what_is_no_program_becomes_nothing():
    known = grammar("python")
    line = [known.bits([name]) for name in ("NAME", "=", "NAME", "(", "NUMBER", ")", "NEWLINE")]
    head = [known.bits([name]) for name in ("def", "NAME", "(", ")", ":", "NEWLINE", "INDENT")]
    before, after = shortened_before([*head, *line * 200], "python"), shortened_after(line * 200, "python")
    assert before is not None
    assert after is not None
    assert len(before) < 30
    assert len(after) < 30
    assert shortened_before([known.bits([")"])], "python") is None
    assert shortened_after([known.bits(["("])], "python") is None
