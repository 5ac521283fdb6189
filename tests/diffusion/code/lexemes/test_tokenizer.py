"""Bytes to tokens and back: exact for any bytes, aligned to lexemes, the same after saving."""

import random
import sysconfig
import tokenize
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bloomery.core.errors import FormatRefused, MissingFile, UnknownName, UserError
from bloomery.diffusion.code.lexemes.lexicons import LEXICONS
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import SPECIAL, Vocabulary

PYTHON = b'''import os
from a import (b,
               c)


class Thing:
    """It does."""

    def run(self, x=1, *rest):
        # say
        if x and not rest:  # twice
            return [f"{x!r:>3}", r'\\d', b"y",
                    {"k": -x ** 2}]

        return lambda y: y @ x
        x = f(a, b)
        y = g(x) + 'c'
# end
'''
GO = b"""package p

import "fmt"

func F(a []int) (x int) { // c
\tfor i := range a {
\t\tx += a[i]
\t}
\treturn x
}
"""
JAVA = b"""class A<T> {
    /** d */
    List<List<T>> f(int a) {
        return a >> 2 > 1 ? null : x;
    }
}
"""
SCRIPT = b"const f = (a, b) => {\n  let r = /x[/]y/g\n  return `a${b + `${a}`}c` / 2\n}\n\nf(1)\n"
SAMPLES = {
    "python": PYTHON,
    "go": GO,
    "java": JAVA,
    "javascript": SCRIPT,
    "typescript": SCRIPT + b"let x: Array<number>\n",
}


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained([(data * 6, language) for language, data in SAMPLES.items()], 1600)


@pytest.mark.parametrize("language", LEXICONS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@example(data=b"")
@example(data=b"if x:\r\n\tpass\n  y = '\xff\r")
@example(data=b"\x00\xfe binary \n\n\n \\\n x")
@example(data=b"a\n\n\n\n\n   # c\n \n\t}\n`${")
def test_any_bytes_come_back_exactly(tokenizer: LexemeTokenizer, language: str, data: bytes):
    assert tokenizer.decode(tokenizer.encode(data, language)) == data


@pytest.mark.parametrize("language", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), min_size=2, max_size=6), crlf=st.booleans())
def test_pieces_of_code_in_any_order_come_back_exactly(
    tokenizer: LexemeTokenizer, language: str, cuts: list[int], crlf: bool
):
    data = SAMPLES[language].replace(b"\n", b"\r\n") if crlf else SAMPLES[language]
    data = b"".join(data[a:b] for a, b in zip(cuts, reversed(cuts), strict=True)) + data[cuts[0] :]
    assert tokenizer.decode(tokenizer.encode(data, language)) == data


def test_files_of_the_standard_library_come_back_exactly(tokenizer: LexemeTokenizer):
    for path in _library(12):
        data = path.read_bytes()
        assert tokenizer.decode(tokenizer.encode(data, "python")) == data, path


@pytest.mark.slow
def test_all_of_the_standard_library_comes_back_exactly(tokenizer: LexemeTokenizer):
    for path in _library(None):
        data = path.read_bytes()
        assert tokenizer.decode(tokenizer.encode(data, "python")) == data, path


def test_the_lexemes_of_python_are_those_of_its_own_tokenizer(tokenizer: LexemeTokenizer):
    skipped = {tokenize.ENCODING, tokenize.NL, tokenize.ENDMARKER, tokenize.COMMENT}
    layout = {tokenize.NEWLINE: "newline", tokenize.INDENT: "indent", tokenize.DEDENT: "dedent"}
    for path in _library(12):
        with path.open("rb") as file:
            theirs = [
                layout.get(token.type, token.string.encode().decode("latin-1"))
                for token in tokenize.tokenize(file.readline)
                if token.type not in skipped
            ]
        items = tokenizer.items(tokenizer.encode(path.read_bytes(), "python"))
        ours = [
            item.shape if item.shape in layout.values() else item.text
            for item in items
            if item.shape not in {"comment", "line", "space", "edge"}
        ]
        assert ours == theirs, path


def test_no_token_crosses_the_border_of_a_lexeme(tokenizer: LexemeTokenizer):
    """Whatever is cut between two items, each side is what it was."""
    tokens = tokenizer.encode(b"value_of_x = other_name + 'a long string' # and a remark\n", "python")
    texts = [item.text for item in tokenizer.items(tokens) if item.shape != "space"]
    assert texts == ["value_of_x", "=", "other_name", "+", "'a long string'", "# and a remark", "0"]


def test_what_is_usual_takes_no_tokens(tokenizer: LexemeTokenizer):
    plain = [item.shape for item in tokenizer.items(tokenizer.encode(b"x = f(a, b)\n", "python"))]
    odd = [item.shape for item in tokenizer.items(tokenizer.encode(b"x  = f( a, b)\n", "python"))]
    assert "space" not in plain
    assert odd.count("space") == 2


def test_two_lexemes_that_nothing_parts_are_parted_where_they_would_run_together(tokenizer: LexemeTokenizer):
    ids = tokenizer.vocabulary.ids
    glue, words = ids["space", ""], [ids["word", "not"], ids["word", "if"]]
    assert tokenizer.decode([words[0], glue, words[1]], "python") == b"not if"


def test_a_saved_tokenizer_gives_the_same_tokens(tokenizer: LexemeTokenizer, tmp_path: Path):
    tokenizer.save(tmp_path)
    again = LexemeTokenizer.load(tmp_path)
    assert len(again) == len(tokenizer)
    for language, data in SAMPLES.items():
        assert again.encode(data, language) == tokenizer.encode(data, language)


def test_the_vocabulary_has_exactly_the_size_asked_for_and_is_the_same_each_time():
    texts = [(path.read_bytes(), "python") for path in _library(6)]
    one, other = LexemeTokenizer.trained(texts, 2000), LexemeTokenizer.trained(texts, 2000)
    assert len(one) == 2000
    assert one.vocabulary.saved() == other.vocabulary.saved()


def test_any_tokens_have_a_text(tokenizer: LexemeTokenizer):
    draw = random.Random(0)
    for _ in range(50):
        tokens = [draw.randrange(len(SPECIAL), len(tokenizer)) for _ in range(30)]
        assert isinstance(tokenizer.decode(tokens, "go"), bytes)


def test_what_cannot_be_is_said(tokenizer: LexemeTokenizer, tmp_path: Path):
    with pytest.raises(UserError, match="bytes, signs and words need"):
        LexemeTokenizer.trained([(PYTHON, "python")], 300)
    with pytest.raises(UnknownName):
        tokenizer.encode(b"", "cobol")
    with pytest.raises(MissingFile):
        LexemeTokenizer.load(tmp_path)
    with pytest.raises(FormatRefused):
        Vocabulary.loaded("{}")
    with pytest.raises(UserError, match="not in the vocabulary"):
        tokenizer.decode([len(tokenizer)], "python")


def _library(count: int | None) -> list[Path]:
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return paths if count is None else [path for path in paths if path.stat().st_size < 12_000][:count]
