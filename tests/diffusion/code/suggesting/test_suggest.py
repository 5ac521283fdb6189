"""Suggestions parse, are better by the qualities, and are diffs that apply."""

import ast
from collections import Counter

import pytest
import torch

from bloomery.core.errors import FormatRefused, UnknownName, UserError
from bloomery.diffusion.code.decoding.filling import fill
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import SPECIAL
from bloomery.diffusion.code.mending.habits import usual
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.quality.scores import quality
from bloomery.diffusion.code.suggesting import infilling
from bloomery.diffusion.code.suggesting.infilling import rewriter, rewritten, statements, unlikely
from bloomery.diffusion.code.suggesting.suggest import suggest
from bloomery.source.diff import apply, parse

PROGRAM = (
    "def first(a):\n    b = a + 1\n    return b\n\n\ndef second(a):\n    zebra(a)[0] = 77\n    return a\n"
)


@pytest.fixture(scope="module")
def tokenizer():
    texts = [text.encode() for text in usual("python")[0]] + [PROGRAM.encode()] * 3
    return LexemeTokenizer.trained([(text, "python") for text in texts], 2048)


class Unigram:
    """Says of every place what is how frequent: the likeliness of a statement can be summed by hand."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        rows = [tokenizer.encode(text.encode(), "python") for text in usual("python")[0]]
        counts = Counter(token for row in rows for token in row)
        self.log_p = torch.tensor([counts[token] + 0.1 for token in range(len(tokenizer))]).log()

    def logits(self, ids, **_):
        return self.log_p.expand(*ids.shape, -1)


def applied(suggestion, text, name):
    return apply(parse(suggestion.diff), {name: text})[name]


def test_a_text_that_does_not_parse_is_mended_and_the_edit_is_the_reason():
    text = "def f(x:\n    return x + 1\n"
    (best, *_) = suggest(text, "python", path="a/f.py")
    assert best.text == "def f(x):\n    return x + 1\n" == applied(best, text, "a/f.py")
    assert best.reason == "it does not parse: 1:8: insert )"
    assert best.before == quality(text, "python") < 0.5 < best.after == 1


def test_what_linters_and_handlers_object_to_is_suggested_with_a_higher_quality():
    text = (
        "import os\n\n\ndef f(path):\n    try:\n        return open(path + f'')\n"
        "    except OSError as error:\n        raise ValueError(path)\n"
    )
    found = suggest(text, "python")
    causes = next(each for each in found if "raised from" in each.reason)
    assert "raise ValueError(path) from error\n" in causes.text
    linted = next(each for each in found if "ruff" in each.reason)
    assert linted.text == text.replace("f''", "''"), "an import that seems unused stays"
    for each in found:
        ast.parse(each.text)
        assert each.after == quality(each.text, "python") > each.before == quality(text, "python")
        assert applied(each, text, "text.py") == each.text
    assert [each.after for each in found] == sorted((each.after for each in found), reverse=True)


@pytest.mark.parametrize(
    ("language", "text"),
    [("javascript", "const a = 1;  \n"), ("java", "class A {\n    int b; \n}"), ("go", "package a  \n")],
)
def test_blanks_go_in_every_language_and_never_out_of_texts(language, text):
    (best, *_) = suggest(text, language)
    assert "blanks" in best.reason or "formatter" in best.reason
    assert all(line == line.rstrip() for line in best.text.split("\n"))
    inside = "const a = `x  \ny`;\n"
    assert all("`x  \ny`" in each.text for each in suggest(inside, "javascript"))


def test_nothing_is_suggested_for_what_is_fine_or_beyond_help():
    assert suggest("def f(x):\n    return x\n", "python") == []
    assert suggest("x = 1  \n", "python", weights={"naming": 1.0}) == [], "no gain in what is asked for"
    assert suggest("x = 1  \n", "python", weights={"lint": 1.0}) != []
    assert suggest("Dear all, (please find\n", "python", most=3) == []
    with pytest.raises(UnknownName):
        suggest("x", "cobol")


def test_statements_are_those_of_a_function_without_ones_around_others():
    found = [PROGRAM.encode()[hole.start : hole.stop].decode() for hole in statements(PROGRAM, "python")]
    assert found == ["b = a + 1", "return b", "zebra(a)[0] = 77", "return a"]
    second = statements(PROGRAM, "python", "second")
    assert [PROGRAM[hole.start : hole.stop] for hole in second] == ["zebra(a)[0] = 77", "return a"]
    with pytest.raises(UnknownName):
        statements(PROGRAM, "python", "third")
    accents = statements("x = 'é'\ny = 1\n", "python")
    assert [(hole.start, hole.stop) for hole in accents] == [(0, 8), (9, 14)], "places count bytes"


def test_the_least_expected_statement_is_the_one_whose_tokens_are_the_rarest(tokenizer):
    model = Unigram(tokenizer)
    found = unlikely(model, PROGRAM, "python", most=9)
    assert found[0].line == 7
    assert [each.log_p for each in found] == sorted(each.log_p for each in found)
    chance = model.log_p.double().clone()
    chance[SPECIAL.index("<mask>")] = -torch.inf
    chance = chance.log_softmax(-1)
    line = next(each for each in found if each.line == 8)
    tokens = tokenizer.encode(b"return a", "python")[2:-1]
    assert line.log_p == pytest.approx(float(chance[tokens].mean()), rel=1e-6)


def test_what_a_model_fills_in_parses_and_changes_one_statement(tokenizer):
    found = list(rewritten(Unigram(tokenizer), PROGRAM, "python", "second", most=1, samples=1))
    assert found
    for each in found:
        ast.parse(each.text)
        assert each.statement.line == 7
        before, after = PROGRAM.splitlines(), each.text.splitlines()
        assert before[:6] == after[:6]
        assert before[-1] == after[-1]
        assert each.filling in each.text


@pytest.mark.slow
def test_a_filling_is_suggested_only_where_the_quality_is_higher(tokenizer):
    odd = PROGRAM.replace("b = a + 1", "Odd = a + 1").replace("return b", "return Odd")
    found = suggest(odd, "python", Unigram(tokenizer))
    filled = [each for each in found if "the model expects least" in each.reason]
    assert filled
    assert all("may mean something else" in each.reason for each in filled)
    for each in found:
        assert quality(each.text, "python") > quality(odd, "python")
        ast.parse(each.text)


@pytest.mark.slow
def test_a_kept_model_rewrites_by_its_folder(tokenizer, tmp_path):
    torch.manual_seed(0)
    CodeModel.fresh(tokenizer, "tiny").save(tmp_path)
    texts = list(rewriter(tmp_path, most=1)(PROGRAM, "python", "first", 0))
    assert texts
    assert texts == list(rewriter(tmp_path, most=1)(PROGRAM, "python", "first", 0))
    for text, why in texts:
        ast.parse(text)
        assert "expects least" in why


HANDLERS = [
    "except ValueError:\n    with open(p) as f:\n        raise RuntimeError(f.read())\n",
    "except ValueError as a:\n    def g():\n        raise RuntimeError(p)\n    h(g)\n",
    "except ValueError as a:\n    class G:\n        raise RuntimeError(p)\n",
    "except ValueError as a:\n    raise RuntimeError(p) from None\n",
    "except ValueError as a:\n    raise\n",
]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_cause_is_named_only_where_the_handler_itself_has_one(handler):
    found = suggest(f"try:\n    p = f()\n{handler}", "python")
    assert not [each for each in found if "raised from" in each.reason]


def test_the_cause_is_that_of_the_innermost_handler():
    text = (
        "try:\n    f()\nexcept ValueError as a:\n    try:\n        g()\n    except KeyError as b:\n"
        "        raise RuntimeError(1)\n    except OSError:\n        raise RuntimeError(2)\n"
        "    raise RuntimeError(3)\n"
    )
    (found,) = [each for each in suggest(text, "python") if "raised from" in each.reason]
    assert found.text == text.replace("(1)", "(1) from b").replace("(3)", "(3) from a")


NAMES = [
    "from .model import Model\n\nX = 1\n",
    "import readline\n\nX = 1\n",
    "import os\nimport os\n\nos.getcwd()\n",
]


@pytest.mark.parametrize("text", NAMES)
def test_no_name_that_others_may_ask_for_is_taken_away(text):
    for path in ("pkg/__init__.py", "a.py"):
        for each in suggest(text, "python", path=path):
            assert each.text.split() == text.split()


def test_statements_that_cannot_be_filled_are_passed_over(tokenizer, monkeypatch):
    """What stands around one of them is no grammar of ours: the others are asked."""
    asked = []

    def only_some(model, data, hole, language, **options):
        asked.append(hole)
        if len(asked) == 1:
            raise UserError("the file does not parse before the hole")
        return fill(model, data, hole, language, **options)

    monkeypatch.setattr(infilling, "fill", only_some)
    found = list(rewritten(Unigram(tokenizer), PROGRAM, "python", most=2))
    assert found
    assert {each.statement.hole for each in found} == {asked[1]}


def test_broken_texts_and_languages_without_statements_are_told_as_such(tokenizer):
    with pytest.raises(FormatRefused, match="does not parse"):
        list(rewritten(Unigram(tokenizer), "def f(:\n    return 1\n", "python"))
    with pytest.raises(UnknownName, match="tsx"):
        statements("let x = <p>a</p>;\n", "tsx")
    assert suggest("let x = <p>a</p>;  \n", "tsx", Unigram(tokenizer))
