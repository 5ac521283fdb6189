"""A replaced function is there, and nothing else has changed."""

import ast
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloomery.core.errors import UnknownName, UserError
from bloomery.source import python
from bloomery.source.editing import trees
from bloomery.source.editing.functions import replace_function
from bloomery.source.python import NotPython, parse_text

TEXT = '''#!/usr/bin/env python
# Licence.

"""Module."""
import os   # trailing

x = {  'a':1,
   "b" : 2 }   # odd layout stays


# above f
@old
def f(a):   # beside f
    # inside f
    return a
    # end of f

# below f


class C:

    # above m
    def m(self): return 1

    y = 3 ;  z = 4
\t
    def n(self):
        def inner():
            return 0
        return inner'''
NEW_F = '''
@new
def f(a):
    """Text
    of two lines."""
    return a + 1  # better
'''


def test_only_the_function_changes() -> None:
    start, stop = TEXT.index("@old"), TEXT.index("\n# below f")
    assert replace_function(TEXT, "f", NEW_F) == TEXT[:start] + NEW_F.strip("\n") + "\n" + TEXT[stop:]


def test_a_method_gets_the_indentation_of_its_place() -> None:
    after = replace_function(TEXT, "C.m", "def m(self):\n  if self:\n    return 2\n  return 3\n")
    put = "    def m(self):\n        if self:\n            return 2\n        return 3\n"
    assert after == TEXT.replace("    def m(self): return 1\n", put)


def test_what_was_cut_out_of_a_class_goes_back_as_it_was() -> None:
    cut_out = '    def n(self):\n        """A\n\n          b"""\n        return 1\n'
    once = replace_function(TEXT, "C.n", cut_out)
    assert once == TEXT[: TEXT.index("    def n")] + cut_out.rstrip("\n")
    assert replace_function(once, "C.n", cut_out) == once


def test_a_nested_function_is_replaced_and_a_file_without_a_last_line_end_stays_so() -> None:
    changed = replace_function(TEXT, "C.n.<locals>.inner", "def inner():\n    return 7\n")
    assert changed == TEXT.replace("return 0", "return 7")


def test_line_ends_of_windows_are_kept() -> None:
    windows = TEXT.replace("\n", "\r\n")
    assert replace_function(windows, "f", NEW_F) == replace_function(TEXT, "f", NEW_F).replace("\n", "\r\n")


def test_tabs_of_the_place_are_kept() -> None:
    text = "class A:\n\tdef f(self):\n\t\tpass\n\tx = 1\n"
    assert replace_function(text, "A.f", "def f(self):\n  return 1\n") == text.replace("pass", "return 1")


LIBRARY = Path(sysconfig.get_paths()["stdlib"])


@given(st.sampled_from(["heapq", "cmd", "sched", "queue", "string"]), st.data())
@settings(max_examples=6)
def test_any_function_of_the_standard_library_is_replaced_alone(module: str, data: st.DataObject) -> None:
    """By lines: those before and after the function's are the same; by itself: the text comes back."""
    text = (LIBRARY / f"{module}.py").read_text()
    known = [one for one in python.symbols(parse_text(text, Path(module)).tree) if one.kind != "class"]
    chosen = data.draw(
        st.sampled_from([one for one in known if [o.name for o in known].count(one.name) == 1])
    )
    lines = text.split("\n")
    own = "\n".join(lines[chosen.first_line - 1 : chosen.end_line])
    assert replace_function(text, chosen.name, own) == text
    name = chosen.name.rpartition(".")[2]
    after = replace_function(text, chosen.name, f"def {name}():\n    raise NotImplementedError\n").split("\n")
    assert after[: chosen.first_line - 1] == lines[: chosen.first_line - 1]
    kept = len(lines) - chosen.end_line
    tail = lines[chosen.end_line :]
    while tail and tail[0].lstrip().startswith("#"):  # comments that end the function's block go with it
        tail, kept = tail[1:], kept - 1
    assert after[len(after) - kept :] == tail
    assert len(after) == chosen.first_line - 1 + 2 + kept


def test_names_are_those_of_the_interpreter() -> None:
    for module in ("contextlib", "queue"):
        text = (LIBRARY / f"{module}.py").read_text()
        ours = [name for name, _ in trees.definitions(trees.tree(text))]
        assert ours == [one.name for one in python.symbols(ast.parse(text))]


@pytest.mark.parametrize(
    ("name", "definition", "error", "why"),
    [
        ("g", "def g(): pass", UnknownName, "unknown function of text 'g'"),
        ("C.k", "def k(): pass", UnknownName, r"did you mean 'C\.[mn]'"),
        ("f", "def g(): pass", UserError, "expected a definition of f, came one of g"),
        ("f", "def f(): pass\nx = 1", UserError, "one function and nothing else"),
        ("f", "x = 1", UserError, "one function and nothing else"),
        ("f", "def f(:", NotPython, "the definition:1"),
        ("C", "def C(): pass", UnknownName, "unknown function"),
    ],
)
def test_what_cannot_be_put_there_is_refused(name: str, definition: str, error: type, why: str) -> None:
    with pytest.raises(error, match=why):
        replace_function(TEXT, name, definition)


def test_a_name_that_stands_twice_is_asked_back() -> None:
    text = "class A:\n @property\n def x(self): pass\n @x.setter\n def x(self, v): pass\n"
    with pytest.raises(UserError, match=r"A\.x is defined 2 times"):
        replace_function(text, "A.x", "def x(self): pass")


@pytest.mark.parametrize("text", ["x = " + "(" * 5000 + ")" * 5000, "x = 1" + "+1" * 3000, "x = (\n", "a\0"])
def test_what_libcst_would_die_of_is_refused_before(text: str) -> None:
    with pytest.raises(NotPython):
        trees.tree(text)
