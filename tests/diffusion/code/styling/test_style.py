"""The style of a file is read off it, told to models, and kept by what is written beside it."""

import ast

import pytest

from bloomery.diffusion.code.decoding.framing import framed
from bloomery.diffusion.code.decoding.holes import hole_of
from bloomery.diffusion.code.judging.program import LANGUAGES
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.mending.habits import usual
from bloomery.diffusion.code.styling.restyle import restyled
from bloomery.diffusion.code.styling.style import Style, header, in_words, style_of
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.quality.metric import tokens

TWO_SPACES = "def read_all(file_path):\r\n  if file_path:\r\n    return 'none at all'\r\n"


def leaves(text, known):
    return [token.text.replace('"', "'") for token in tokens(parse(text, known))]


def test_the_style_of_a_file_is_what_most_of_it_has():
    assert style_of(TWO_SPACES, "python") == Style("  ", "\r\n", "'", "snake_case", 24)
    script = 'function readAll(filePath) {\n\tconst firstLine = "a";\n\treturn firstLine;\n}\n'
    assert style_of(script, "javascript") == Style("\t", "\n", '"', "camelCase", 28)
    go = 'package a\n\nfunc f() string {\n\treturn "a"\n}\n'
    assert style_of(go, "go").quote is None, "quotes do not mean the same in Go"
    assert style_of("x = 1\n", "python") == Style("    ", "\n", None, None, 5)


def test_a_style_in_words():
    said = in_words(style_of(TWO_SPACES, "python"))
    assert said == (
        "indent by 2 spaces, keep lines within 79 columns, quote strings with ', "
        "name variables and functions in snake_case"
    )
    assert in_words(Style("\t", "\n", None, None, 120)) == "indent by a tab, keep lines within 120 columns"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("unit", "eol"), [("  ", "\n"), ("\t", "\r\n"), ("        ", "\n")])
def test_canvases_begin_with_the_tokens_of_the_style_and_are_laid_out_by_them(language, unit, eol):
    texts = usual(language)[0]
    tokenizer = LexemeTokenizer.trained([(text.encode(), language) for text in texts[:20]], 2048)
    told = header(Style(unit, eol, None, None, 79), language, tokenizer)
    known, layout = tokenizer.style(told)
    assert (known.language, layout.unit, layout.eol) == (language, unit, eol)


def test_a_hole_is_filled_under_the_header_of_the_file_around_it():
    tokenizer = LexemeTokenizer.trained([(text.encode(), "python") for text in usual("python")[0]], 2048)
    frame = framed(tokenizer, TWO_SPACES.encode(), hole_of(TWO_SPACES.encode(), "3"), "python")
    assert frame.header == header(style_of(TWO_SPACES, "python"), "python", tokenizer)
    block = LexemeTokenizer.encode(tokenizer, b"if file_path:\n    return 1\n", "python")[2:-2]
    found = restyled(frame.filled(block).decode(), "python", style_of(TWO_SPACES, "python"))
    assert found == TWO_SPACES.replace("return 'none at all'", "if file_path:\r\n      return 1")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("unit", "eol"), [("  ", "\n"), ("\t", "\n"), ("    ", "\r\n")])
def test_programs_in_the_style_of_a_file_are_the_same_programs_in_that_style(language, unit, eol):
    """Same by Python's own tree, and for all by the leaves of tree-sitter's, quotes aside."""
    style = Style(unit, eol, "'", None, 79)
    for each in draw(8, seed=1, side="train", depths=(2, 3), languages=(language,)):
        text = each.program.source
        found = restyled(text, language, style)
        known = known_language(language)
        assert not faults(parse(found, known))
        leaves = [
            [token.text.replace('"', "'") for token in tokens(parse(one, known))] for one in (text, found)
        ]
        assert leaves[0] == leaves[1]
        got = style_of(found, language)
        assert (got.unit, got.eol) == (unit, eol)
        assert got.quote in {None, "'"}
        assert restyled(found, language, style) == found
        if language == "python":
            assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(found))


def test_strings_whose_quotes_would_change_what_they_say_stay():
    style = Style("    ", "\n", "'", None, 79)
    text = 'a = "it\'s"\nb = "x"\nc = "\\n"\nd = f"{b}"\ne = """doc"""\ng = rb"x"\n'
    assert restyled(text, "python", style) == (
        'a = "it\'s"\nb = \'x\'\nc = "\\n"\nd = f"{b}"\ne = """doc"""\ng = rb\'x\'\n'
    )


def test_what_would_become_another_program_stays_as_it_is():
    style = Style("  ", "\r\n", None, None, 79)
    within = 'x = """a\n    b"""\nif x:\n    y = 1\n'
    found = restyled(within, "python", style)
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(within))
    assert restyled("def f(:\n", "python", style) == "def f(:\n"
    template = "const a = `x\n    y`;\n"
    kept = restyled(template, "javascript", Style("  ", "\n", None, None, 79))
    assert kept == template
