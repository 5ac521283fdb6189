"""Lines, levels, scopes and brackets of tokens, against Python's own tokenizer and by hand."""

import io
import tokenize

import pytest

from bloomery.diffusion.code.lexemes.places import places
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import MASK, SPECIAL

CODE = b'''def f(a,
      b):
    """Two
    lines."""
    if a:
        return [b, (a)]

    # a remark
    return (b
            .c)
def g(): pass
'''


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained(
        [(CODE * 4, "python"), (b"func f() {\n\tif a {\n\t\tb()\n\t}\n}\n" * 4, "go")], 1600
    )


def found(tokenizer: LexemeTokenizer, data: bytes, language: str) -> list[tuple[str, list[int]]]:
    tokens = tokenizer.encode(data, language)
    where = places(tokenizer, tokens)
    return [
        (item.text, where[start].tolist())
        for item, start, _ in tokenizer.spans(tokens)
        if item.shape in SHAPES
    ]


SHAPES = {"word", "sign", "string", "number"}


def test_lines_are_those_of_pythons_tokenizer(tokenizer: LexemeTokenizer):
    theirs = [
        (token.string, token.start[0] - 1)
        for token in tokenize.tokenize(io.BytesIO(CODE).readline)
        if token.type in {tokenize.NAME, tokenize.OP, tokenize.STRING}
    ]
    assert [(text, where[0]) for text, where in found(tokenizer, CODE, "python")] == theirs


def test_levels_and_scopes_follow_the_blocks(tokenizer: LexemeTokenizer):
    where = dict(found(tokenizer, b"def f():\n    if a:\n        b\n    c\ndef g():\n    d\n", "python"))
    assert [where[name][1] for name in "fabcgd"] == [0, 1, 2, 1, 0, 1]
    assert [where[name][2] for name in "fabcgd"] == [0, 1, 2, 1, 0, 3]


def test_braces_make_levels_too_and_brackets_are_counted(tokenizer: LexemeTokenizer):
    where = found(tokenizer, b"func f(x T) {\n\tif a {\n\t\tb(c)\n\t}\n\td()\n}\n", "go")
    levels = {text: place[1] for text, place in where}
    depths = {text: place[3] for text, place in where}
    assert [levels[name] for name in ("func", "a", "b", "d")] == [0, 1, 2, 1]
    assert [depths[name] for name in ("func", "x", "a", "c", "d")] == [0, 1, 1, 3, 1]


def test_masks_and_spelled_lexemes_stand_where_their_neighbours_do(tokenizer: LexemeTokenizer):
    tokens = tokenizer.encode(b"def f():\n    quite_unheard_of = b\n", "python")
    before = places(tokenizer, tokens)
    assert before.shape == (len(tokens), 4)
    at = len(tokens) - 3
    masked = [*tokens[:at], SPECIAL.index(MASK), *tokens[at + 1 :]]
    assert places(tokenizer, masked)[at].tolist() == before[at].tolist()
