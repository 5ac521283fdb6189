"""Marks and first lines that no grammar knows stand in front of holes as anything else does."""

import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.code.decoding.framing import framed
from bloomery.diffusion.code.decoding.holes import Hole, hole_of
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer

MARK = b"\xef\xbb\xbf"
TEXTS = {
    "python": b"import a\nx = 1\n",
    "javascript": b"let x = 1;\n",
    "typescript": b"let x = 1;\n",
    "java": b"class A { int x = 1; }\n",
    "go": b"package a\nvar x = 1\n",
}


@pytest.fixture(scope="module")
def tokenizer():
    return LexemeTokenizer.trained([(text, language) for language, text in TEXTS.items()] * 4, 1400)


SHELL = b"#!/usr/bin/env -S node --it's\r\n"
SCRIPTS = ("python", "javascript", "typescript")


@pytest.mark.parametrize(
    ("first", "language"), [*((MARK, each) for each in TEXTS), *((SHELL, each) for each in SCRIPTS)]
)
def test_a_file_with_a_mark_or_a_first_line_for_the_shell_is_filled(tokenizer, first, language):
    data = first + TEXTS[language].replace(b"\n", b"\r\n" if first == SHELL else b"\n")
    at = data.index(b"1", len(first))
    frame = framed(tokenizer, data, Hole(at, at + 1), language)
    other = tokenizer.vocabulary.spelled(frame.was[0])
    assert frame.rule(len(other)).completable(other)
    assert frame.filled(other) == data
    assert frame.accept(other) == ""
    assert tokenizer.decode(tokenizer.encode(data, language)) == data


def test_a_mark_is_in_no_hole_and_no_column():
    data = MARK + b"x = 1\ny = 2\n"
    assert hole_of(data, "1") == Hole(3, 8)
    assert hole_of(data, "1:5-1:6") == Hole(7, 8)
    assert hole_of(data, "2") == Hole(9, 14)


def test_a_hole_inside_of_the_mark_is_refused(tokenizer):
    with pytest.raises(UserError, match="byte order mark"):
        framed(tokenizer, MARK + b"x = 1\n", Hole(0, 4), "python")


def test_a_hole_that_ends_before_it_begins_is_told_so():
    with pytest.raises(UserError, match="20:12 ends before it begins"):
        hole_of(b"x\n" * 30, "20:12")
