import ast

import pytest

from bloomery.optimize.proposers.repair.edits import Change, applied
from bloomery.optimize.proposers.repair.rendering import rendered

TEXT = """def f(a, b):
    # why it is so
    total = (a +  b) * 2  # kept
    if a:
        return "ä" + str( total )
    return total
"""


def edit(make):
    tree = ast.parse(TEXT)
    return tree, make(tree.body[0])


def test_only_the_changed_expression_is_written_anew():
    tree, changes = edit(lambda f: [Change(f.body[0].value, "right", (ast.Constant(3),))])
    assert rendered(TEXT, tree, changes) == TEXT.replace("* 2", "* 3")


def test_columns_after_a_letter_of_two_bytes_are_right():
    tree, changes = edit(lambda f: [Change(f.body[1].body[0].value, "right", (ast.Name("b", ast.Load()),))])
    assert rendered(TEXT, tree, changes) == TEXT.replace("str( total )", "b")


def test_brackets_are_put_where_the_meaning_needs_them():
    def make(function):
        return [Change(function.body[0].value, "right", (ast.parse("a + 1", mode="eval").body,))]

    tree, changes = edit(make)
    assert rendered(TEXT, tree, changes) == TEXT.replace("* 2", "* (a + 1)")


def test_a_statement_is_put_in_with_the_indent_of_its_block():
    def make(function):
        return [Change(function.body[1], "body", (ast.parse("b = 1").body[0],), 0, 0)]

    tree, changes = edit(make)
    assert rendered(TEXT, tree, changes) == TEXT.replace("        return", "        b = 1\n        return", 1)


def test_two_changes_are_both_written():
    def make(function):
        first = Change(function.body[0].value, "right", (ast.Constant(3),))
        return [first, Change(function.body[2], "value", (ast.Name("a", ast.Load()),))]

    tree, changes = edit(make)
    assert rendered(TEXT, tree, changes) == TEXT.replace("* 2", "* 3").replace("return total", "return a")


def test_changes_are_undone_where_what_is_done_with_them_fails():
    tree = ast.parse(TEXT)
    before = ast.dump(tree)
    body = tree.body[0]
    lengths = []
    with pytest.raises(KeyError), applied([Change(body, "body", (), 0, 1), Change(body, "body", (), 1, 2)]):
        raise KeyError(lengths.append(len(body.body)))
    assert lengths == [1]
    assert ast.dump(tree) == before
