"""Holes of files in five languages: bytes outside stay, what is committed parses."""

import ast
import random
import warnings

import pytest
import torch

from bloomery.core.errors import FormatRefused, UnknownName, UserError
from bloomery.diffusion.code.completing.languages import GRAMMARS
from bloomery.diffusion.code.decoding.filling import fill
from bloomery.diffusion.code.decoding.framing import framed
from bloomery.diffusion.code.decoding.holes import Hole, hole_of
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.source.languages.faults import faults
from bloomery.source.languages.holes import holes
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

PYTHON = """\
# a remark
def total(values, start = 0):
    found = start
    for value in values:  # each

        if value is None :
            found+=value [ 0 ]
            continue
        found += value

    # the end
    return (found
            + 1)


class Other:
    name = 'größe'
    def f(self): return not(self)
"""
TEXTS = {
    "python": PYTHON,
    "javascript": """\
function total(values, start = 0) {
  let found = start
  for (const value of values) {
    if (value == null) continue; // none

    found += value.a [0]
  }
  const f = x => ({ x, y: `a${x}b` })
  return found
}
""",
    "typescript": """\
interface Point<T> { x: T; y?: number }
export function total(values: number[], start: number = 0): number {
  let found: number = start;
  for (const value of values) {
    found += value;
  }
  return found as number;
}
""",
    "java": """\
package a.b;

public class Total {
    static int total(int[] values, int start) {
        int found = start;
        for (int value : values) {
            if (value < 0) { continue; }
            found += value;
        }
        return found;
    }
}
""",
    "go": """\
package main

func total(values []int, start int) (int, error) {
\tfound := start
\tfor _, value := range values {
\t\tif value < 0 {
\t\t\tcontinue
\t\t}
\t\tfound += value
\t}
\treturn found, nil
}
""",
}
KINDS = {
    "python": (
        "expression_statement",
        "return_statement",
        "if_statement",
        "for_statement",
        "identifier",
        "call",
    ),
    "javascript": (
        "expression_statement",
        "return_statement",
        "if_statement",
        "for_in_statement",
        "identifier",
    ),
    "typescript": (
        "expression_statement",
        "return_statement",
        "for_in_statement",
        "identifier",
        "statement_block",
    ),
    "java": ("expression_statement", "return_statement", "if_statement", "block", "identifier"),
    "go": ("assignment_statement", "return_statement", "if_statement", "for_statement", "identifier"),
}


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    texts = [(text.encode(), language) for language, text in TEXTS.items()]
    return LexemeTokenizer.trained(texts * 4, 1500)


@pytest.fixture(scope="module")
def model(tokenizer: LexemeTokenizer) -> CodeModel:
    """Of random weights: it says anything, and is sure of it."""
    model = CodeModel.fresh(tokenizer, "tiny", num_hidden_layers=1, seed=1)
    with torch.no_grad():
        model.net.stack.head.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    return model


def parses(data: bytes, language: str) -> bool:
    if language != "python":
        return not faults(parse(data.decode(), known_language(language)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError:
        return False
    return True


def all_holes(language: str) -> list[Hole]:
    text = TEXTS[language]
    found = holes(parse(text, known_language(language)), KINDS[language])
    return [Hole(len(text[:start].encode()), len(text[:stop].encode())) for start, stop in found]


@pytest.mark.parametrize("language", GRAMMARS)
def test_what_stood_in_a_hole_fills_it_with_the_bytes_that_were_there(
    language: str, tokenizer: LexemeTokenizer
):
    data, exact = TEXTS[language].encode(), 0
    for hole in all_holes(language):
        frame = framed(tokenizer, data, hole, language)
        tokens = frame.tokens(frame.was)
        tail = frame.tokens(frame.right[:1]) if frame.was_closing else []
        dedents = [tokenizer.vocabulary.ids["dedent", ""]] * frame.was_closing
        rule = frame.rule(len(tokens), frame.was_closing)
        assert rule.completable([*tokens, *tail, *dedents]), data[hole.start : hole.stop]
        assert not frame.accept([*tokens, *tail, *dedents])
        filled = frame.filled(tokens)
        assert filled.startswith(data[: hole.start])
        assert filled.endswith(data[hole.stop :])
        exact += filled == data
        if b"#" not in data[hole.start : hole.stop]:
            assert filled == data
    assert exact > 5


@pytest.mark.parametrize("language", GRAMMARS)
def test_whatever_a_net_says_what_fills_a_hole_parses_and_all_else_stays(language: str, model: CodeModel):
    data, draw, answered = TEXTS[language].encode(), random.Random(0), 0
    for hole in draw.sample(all_holes(language), 3):
        for cache in (False, True):
            lengths = [draw.randint(1, 6)]
            found = fill(
                model, data, hole, language, lengths=lengths, samples=2, temperature=1.0, cache=cache
            )
            answered += bool(found.candidates)
            for each in found.candidates:
                assert parses(each.data, language), each.data
                assert each.data == data[: hole.start] + each.text + data[hole.stop :]
    assert answered >= 3


def test_lines_are_filled_with_their_blocks_closed_and_line_ends_outside_kept(model: CodeModel):
    data = PYTHON.replace("\n", "\r\n").encode()
    for text, lengths in {"4:9": [14], "3": [3, 5], "6:8": [9], "12:13": [4, 5], "18": [6]}.items():
        hole = hole_of(data, text)
        found = fill(model, data, hole, "python", lengths=lengths, samples=2, temperature=1.0)
        assert found.candidates, text
        for each in found.candidates:
            assert parses(each.data, "python")
            assert each.data == data[: hole.start] + each.text + data[hole.stop :]


def test_holes_by_lines_keep_indentation_and_blank_lines_around():
    data = b"def f():\n\n    a = 1  \n    b\n\n    c\n"
    assert data[slice(*hole_of(data, "3:4")[:2])] == b"a = 1  \n    b"
    assert data[slice(*hole_of(data, "2:5")[:2])] == b"a = 1  \n    b"
    assert data[slice(*hole_of(data, "3")[:2])] == b"a = 1"
    assert data[slice(*hole_of(data, "3:9-3:10")[:2])] == b"1"
    assert data[slice(*hole_of(data, "3:5-4:6")[:2])] == b"a = 1  \n    b"
    assert hole_of(data, "5") == (28, 28, b"    ")
    assert hole_of(b"\xc3\xa4 = 1\n", "1:5-1:6") == (5, 6, b"")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("7", "which has 6 lines"),
        ("0:2", "outside of the file"),
        ("5:4", "ends before it begins"),
        ("3:1-3:90", "line 3 has 11 columns"),
        ("3:9-3:5", "ends before it begins"),
        ("twelve", "`12:20`"),
        ("", "`12:20`"),
    ],
)
def test_what_names_no_hole_says_what_does(text: str, why: str):
    with pytest.raises(UserError, match=why):
        hole_of(b"def f():\n\n    a = 1  \n    b\n\n    c\n", text)


def test_an_empty_line_is_filled_with_the_indentation_of_the_next(model: CodeModel):
    data = b"def f(values):\n\n    return values\n"
    found = fill(model, data, hole_of(data, "2"), "python", lengths=[2, 3], temperature=1.0, samples=3)
    assert found.candidates
    for each in found.candidates:
        assert parses(each.data, "python")
        assert each.data.split(b"\n")[1].startswith(b"    ")


@pytest.mark.parametrize(
    ("data", "hole", "language", "error", "why"),
    [
        (b"f)\nx = 1\n", Hole(7, 8), "python", UserError, "does not parse"),
        (b"x = 1\nf(\n", Hole(4, 5), "python", UserError, "does not parse after"),
        (b"x = 'abc'\n", Hole(6, 7), "python", UserError, "inside of a word, a string"),
        (b"value = 1\n", Hole(2, 7), "python", UserError, "inside of a word, a string"),
        (b"x = \x00\n", Hole(4, 5), "python", FormatRefused, "null byte"),
        (b"x = \xff\n", Hole(4, 5), "go", FormatRefused, "not utf-8"),
        (b"x = 1\n", Hole(4, 5), "cobol", UnknownName, "language"),
    ],
)
def test_what_cannot_be_filled_is_refused_with_its_reason(model: CodeModel, data, hole, language, error, why):
    with pytest.raises(error, match=why):
        fill(model, data, hole, language, lengths=[1])


def test_no_length_that_fits_is_said_for_each(model: CodeModel):
    """Two brackets must be opened: one token is too few, and of two there is one choice."""
    data = b"x = [(1)]\n"
    found = fill(model, data, Hole(4, 6), "python", lengths=[1, 2])
    assert [each.data for each in found.candidates] == [data]
    assert found.reasons == ["1 tokens: what stands around the masks leaves nothing to complete"]


@pytest.mark.parametrize("options", [{"lengths": [0]}, {"lengths": []}, {"samples": 0}, {"window": 10}])
def test_options_that_say_nothing_are_refused(model: CodeModel, options: dict):
    with pytest.raises(UserError):
        fill(model, b"x = 1\n", Hole(4, 5), "python", **{"lengths": [1], **options})
