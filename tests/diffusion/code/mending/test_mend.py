"""Mended texts parse, are few edits away, and the edits are told as they are."""

import ast
import math
import random
import re
from difflib import SequenceMatcher

import pytest

from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.lexing import lexed
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.mending.habits import Habits, by_model, usual
from bloomery.diffusion.code.mending.mend import Mended, Unmended, mend
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

QUICK = ("python", "java", "go")
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in ("javascript", "typescript"))]
MADE_WHOLE = [
    ("python", "def f(x:\n    return x + 1\n", "def f(x):\n    return x + 1\n", "1:8: insert )"),
    ("python", "def f(x)\n    return x\n", "def f(x):\n    return x\n", "1:9: insert :"),
    (
        "python",
        "def f(x):\n    retrun x + 1\n",
        "def f(x):\n    return x + 1\n",
        "2:5: replace retrun by return",
    ),
    ("python", "s = 'abc\nprint(s)\n", "s = 'abc'\nprint(s)\n", "1:9: insert '"),
    (
        "python",
        "def f(x):\n    y = [1, 2, 3\n    for a in y:\n        print(a)\n    return x\n",
        "def f(x):\n    y = [1, 2, 3]\n    for a in y:\n        print(a)\n    return x\n",
        "2:17: insert ]",
    ),
    ("python", "print('é'))\n", "print('é')\n", "1:11: delete )"),
    (
        "java",
        "class A {\n    int f(int x) {\n        return x + 1\n    }\n}\n",
        "class A {\n    int f(int x) {\n        return x + 1;\n    }\n}\n",
        "3:21: insert ;",
    ),
    (
        "go",
        "package a\n\nfunc f(x int int {\n\treturn x\n}\n",
        "package a\n\nfunc f(x int) int {\n\treturn x\n}\n",
        "3:13: insert )",
    ),
]


def lexemes(text, language):
    found, _ = lexed(text.encode().decode("latin-1"), lexicon(language))
    return [one.text.encode("latin-1").decode() for one in found]


def with_fault(text, language, rng):
    """One lexeme out, in or replaced, where the parser then objects."""
    while True:
        words = lexed(text, lexicon(language))[0]
        at, kind = rng.randrange(len(words)), rng.choice(["out", "in", "replaced"])
        other = rng.choice(words).text
        new = {"out": "", "in": f"{words[at].text} {other}", "replaced": other}[kind]
        pieces = [one.gap + (new if place == at else one.text) for place, one in enumerate(words)]
        found = "".join(pieces) + "\n"
        if faults(parse(found, known_language(language))):
            return found


@pytest.mark.parametrize(("language", "text", "whole", "edit"), MADE_WHOLE)
def test_common_faults_are_mended_as_a_person_would(language, text, whole, edit):
    found = mend(text, language)
    assert isinstance(found, Mended)
    assert (found.text, [str(each) for each in found.edits]) == (whole, [edit])


@pytest.mark.parametrize("language", ALL)
def test_whatever_the_fault_only_what_parses_is_given_and_every_lexeme_that_changed_is_told(language):
    """The edits are compared with those that difflib finds between the lexemes before and after."""
    rng = random.Random(f"mend {language}")
    mended = 0
    for _ in range(12):
        text = with_fault(rng.choice(usual(language)[0]), language, rng)
        found = mend(text, language)
        if isinstance(found, Unmended):
            assert found.faults
            continue
        mended += 1
        assert not faults(parse(found.text, known_language(language)))
        if language == "python":
            ast.parse(found.text)
        before, after = lexemes(text, language), lexemes(found.text, language)
        blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        least = sum(max(b - a, d - c) for tag, a, b, c, d in blocks if tag != "equal")
        assert least <= len(found.edits) <= 3
        told = {text for each in found.edits for text in (each.before, each.after)}
        gone = [word for word in set(before) if before.count(word) > after.count(word)]
        come = [word for word in set(after) if after.count(word) > before.count(word)]
        assert {*gone, *come} <= told
    assert mended >= 10


@pytest.mark.parametrize("language", QUICK)
def test_where_taking_one_lexeme_out_is_enough_one_edit_is_made(language):
    rng = random.Random(f"fewest {language}")
    for _ in range(6):
        text = with_fault(rng.choice(usual(language)[0]), language, rng)
        words, rest = lexed(text, lexicon(language))
        shorter = (
            "".join(one.gap + one.text * (place != at) for place, one in enumerate(words)) + rest
            for at in range(len(words))
        )
        if any(not faults(parse(each, known_language(language))) for each in shorter):
            found = mend(text, language)
            assert isinstance(found, Mended)
            assert len(found.edits) == 1


def test_two_faults_take_two_edits():
    found = mend("def f(x:\n    return x + 1\n\n\ndef g(y)\n    return y\n", "python")
    assert isinstance(found, Mended)
    assert found.text == "def f(x):\n    return x + 1\n\n\ndef g(y):\n    return y\n"
    assert len(found.edits) == 2
    colons = mend("def f(x)\n    return x\n\n\ndef g(y)\n    return y\n", "python")
    assert isinstance(colons, Mended)
    assert sorted(str(each) for each in colons.edits) == ["1:9: insert :", "5:9: insert :"]


def test_what_parses_is_left_to_the_byte():
    text = "x=1\r\nif x :  y = 'é'  # odd\r\n"
    assert mend(text, "python") == Mended(text, ())


def test_what_is_no_program_is_refused_with_what_the_parser_says():
    prose = ("Hello world, this is prose and nothing else. It has (brackets\n", "Dear all, (please\n")
    for text in (*prose, "\x00\x01\x02 PNG \x7f"):
        found = mend(text, "python")
        assert isinstance(found, Unmended)
        assert re.search("of the texts tried within [12] edits? of it none parses|null byte", found.why)
        assert found.faults
    few = mend("def f(x:\n    return (x + 1\n", "python", tries=3)
    assert isinstance(few, Unmended)
    assert "3 tries found no text" in few.why
    with pytest.raises(UnknownName):
        mend("x", "cobol")
    with pytest.raises(FormatRefused):
        mend("x = '\udc80", "python")


def test_the_likelier_of_equally_few_edits_is_chosen_by_what_is_handed_in():
    text = "print(a b)\n"
    assert mend(text, "python", likelihood=lambda text, _: text.count(",")).text == "print(a, b)\n"
    assert mend(text, "python", likelihood=lambda text, _: 9 * text.count("+")).text == "print(a + b)\n"
    habits = Habits.of([("print(a or b)\n" * 50, "python")])
    assert mend(text, "python", likelihood=habits.likelihood).text == "print(a or b)\n"


def test_a_code_model_is_asked_only_around_the_change():
    """An untrained net says the same of all tokens: what is longer is less likely by that much a token."""
    tokenizer = LexemeTokenizer.trained([(text.encode(), "python") for text in usual("python")[0]], 2048)
    model = CodeModel.fresh(tokenizer, "tiny")
    judge = by_model(model, "print(a b)\n")
    each = -judge("print(a, b)\n", "python") + judge("print(a)\n", "python")
    assert each == pytest.approx(2 * math.log(len(tokenizer) - 1), rel=1e-6)
    found = mend("print(a b)\n", "python", likelihood=judge)
    assert isinstance(found, Mended)
    ast.parse(found.text)
