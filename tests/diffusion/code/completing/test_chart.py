"""The chart against all words of small grammars, one by one."""

import itertools
import random

import pytest

from bloomery.diffusion.code.completing.canvas import Completer, cells, wild
from bloomery.diffusion.code.completing.grammar import Grammar, compiled

GRAMMARS = {
    "brackets": "file: item*\nitem: '(' item* ')' | 'a'",
    "left and right recursion": "file: sum\nsum: sum '+' term | term\nterm: 'a' | '(' sum ')' | 'a' '*' term",
    "ambiguous": "file: e\ne: e e | 'a' | 'b' e 'c'",
    "chains": "file: x\nx: y | 'a' x\ny: z | y 'b'\nz: 'c' | 'a' x 'c'",
    "dangling else": "file: s\ns: 'if' s ['else' s] | 'a' ';'",
    "palindromes": "file: p\np: 'a' p 'a' | 'b' p 'b' | 'a' | 'b'",
    "flags": "file: s%';'\ns: <loop?> 'break' | 'for' s<+loop> | 'def' s<-loop> | 'a'",
}


def words(rules: str, longest: int) -> set[tuple[str, ...]]:
    """The language up to a length, by rewriting with plain rules that were written by hand."""
    return _derived(_plain(rules), longest)


def _plain(rules: str) -> dict[str, list[list[str]]]:
    """The same languages as rules without operators, written by hand."""
    return {
        name: [row.split() for row in right.split("|")]
        for name, right in (line.split("->") for line in PLAIN[rules])
    }


PLAIN = {
    "brackets": ["S-> |I S", "I->( S )|a"],
    "left and right recursion": ["S->S + T|T", "T->a|( S )|a * T"],
    "ambiguous": ["S->S S|a|b S c"],
    "chains": ["S->Y|a S", "Y->Z|Y b", "Z->c|a S c"],
    "dangling else": ["S->if S|if S else S|a ;"],
    "palindromes": ["S->a S a|b S b|a|b"],
    "flags": ["S->F|F ; S", "F->for L|def F|a", "L->break|for L|def F|a"],
}


def _derived(rules: dict[str, list[list[str]]], longest: int) -> set[tuple[str, ...]]:
    """All words by length, from the shortest: a fixpoint over sets of words."""
    known: dict[str, set[tuple[str, ...]]] = {name: set() for name in rules}
    while True:
        before = sum(map(len, known.values()))
        for name, rows in rules.items():
            for row in rows:
                parts = [known[part] if part in rules else {(part,)} for part in row]
                made = {()}
                for part in parts:
                    made = {left + right for left in made for right in part if len(left + right) <= longest}
                known[name] |= made
        if sum(map(len, known.values())) == before:
            return known["S"]


@pytest.fixture(params=GRAMMARS, scope="module")
def case(request: pytest.FixtureRequest) -> tuple[Grammar, set[tuple[str, ...]]]:
    return compiled(GRAMMARS[request.param]), words(request.param, 7)


def test_a_canvas_is_completable_exactly_when_a_word_of_the_language_fits_it(case):
    grammar, language = case
    letters = [terminal for terminal in grammar.terminals if terminal != "LINE"]
    completer, mask = Completer(grammar), wild(grammar)
    for length in range(5):
        for canvas in itertools.product([*letters, None], repeat=length):
            fits = any(_fits(word, canvas) for word in language if len(word) == length)
            assert completer.completable(cells(canvas, grammar, mask)) == fits, canvas


def test_what_a_position_may_be_is_exactly_what_the_words_that_fit_have_there(case):
    grammar, language = case
    completer, mask, draw = Completer(grammar), wild(grammar), random.Random(0)
    for _ in range(300):
        canvas = [draw.choice([*grammar.terminals, None, None, None]) for _ in range(draw.randint(1, 7))]
        fitting = [word for word in language if len(word) == len(canvas) and _fits(word, canvas)]
        expected = [{word[at] for word in fitting} for at in range(len(canvas))]
        found = completer.admissible(cells(canvas, grammar, mask))
        assert [set(grammar.names(bits)) for bits in found] == expected, canvas


def test_many_masks_give_what_few_give_one_by_one(case):
    """Long runs of masks take another way through the code (arrays), which must find the same."""
    grammar, _ = case
    completer, mask, draw = Completer(grammar), wild(grammar), random.Random(1)
    for length in (20, 33, 70):
        canvas = [mask] * length
        for at in draw.sample(range(length), 6):
            canvas[at] = draw.choice([completer.admissible(canvas)[at] or mask, canvas[at]])
        found = completer.admissible(canvas)
        at = draw.randrange(length)
        for bit in (1 << number for number in range(len(grammar.terminals))):
            with_bit = [*canvas[:at], bit, *canvas[at + 1 :]]
            assert Completer(grammar).completable(with_bit) == bool(found[at] & bit)


def test_a_chart_taken_up_after_a_change_is_the_chart_made_anew(case):
    grammar, _ = case
    taken_up, draw = Completer(grammar), random.Random(2)
    canvas = [wild(grammar)] * 24
    for _ in range(60):
        canvas[draw.randrange(24)] = draw.choice([wild(grammar), 1 << draw.randrange(len(grammar.terminals))])
        assert taken_up.admissible(canvas) == Completer(grammar).admissible(canvas)


def _fits(word: tuple[str, ...], canvas: tuple[str | None, ...]) -> bool:
    return all(cell in (None, letter) for cell, letter in zip(canvas, word, strict=True))
