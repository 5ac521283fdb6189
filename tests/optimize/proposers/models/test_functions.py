"""A function is taken out of its file and another put in its place; the rest keeps every byte."""

import ast

import pytest

from bloomery.optimize.proposers.models.functions import around, functions, objection, replaced

FILE = '''"""What it is."""

import os

LIMIT = 3  # a comment


class Queue(list):
    """A queue."""

    size = 1

    @staticmethod
    def pop(items, *, last=True):
        """Takes one.

    oddly indented
        """
        text = """a
  b
"""
        return text  # all of it

    async def wait(self): pass


def plain(x):  # why
    def inner(): return x
    return inner()

# the end
'''
NEW = '@staticmethod\ndef pop(items, *, last=True):\n    text = """c\n d"""\n    return text\n'


def find(name: str):
    return next(one for one in functions(FILE) if one.name == name)


def test_functions_and_methods_are_found_with_their_decorators_and_nested_ones_belong_to_theirs() -> None:
    assert [one.name for one in functions(FILE)] == ["Queue.pop", "Queue.wait", "plain"]
    assert find("Queue.pop").source.startswith("@staticmethod\ndef pop(")
    assert "def inner" in find("plain").source


@pytest.mark.parametrize("name", ["Queue.pop", "Queue.wait", "plain"])
def test_a_function_put_back_where_it_was_leaves_the_file_byte_for_byte(name) -> None:
    function = find(name)
    assert replaced(FILE, function, function.source, []) == FILE


def test_texts_over_many_lines_mean_the_same_out_of_the_file_and_in_it() -> None:
    function = find("Queue.pop")
    texts = [node.value for node in ast.walk(ast.parse(function.source)) if isinstance(node, ast.Constant)]
    assert "a\n  b\n" in texts
    changed = replaced(FILE, function, NEW, [])
    assert "c\n d" in [node.value for node in ast.walk(ast.parse(changed)) if isinstance(node, ast.Constant)]
    before, after = FILE.split("    @staticmethod")[0], FILE[FILE.index("    async def wait") :]
    assert changed.startswith(before)
    assert changed.endswith(after)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILE, '"""What it is."""\n\nimport os\nimport bisect\n\nLIMIT'),
        (
            "from __future__ import annotations\nx = 1\n",
            "from __future__ import annotations\nimport bisect\nx",
        ),
        ("x = 1\n", "import bisect\nx = 1\n"),
        ("import bisect\nx = 1\n", "import bisect\nx = 1\n"),
    ],
)
def test_imports_come_behind_those_of_the_file_and_only_once(text, expected) -> None:
    whole = text + "\n\ndef f():\n    return 1\n"
    changed = replaced(
        whole, functions(whole)[-1], "def f():\n    return 2\n", ["import bisect", "import bisect"]
    )
    assert changed.startswith(expected)
    assert changed.count("import bisect") == 1
    assert changed.endswith("return 2\n")


@pytest.mark.parametrize(
    ("source", "imports", "told"),
    [
        (NEW, [], ""),
        (NEW, ["import os", "from a import b"], ""),
        ("def pop(:", [], "it does not parse"),
        (NEW, ["import"], "it does not parse"),
        (NEW, ["os.remove('x')"], "imports are import statements only"),
        (NEW + "\nprint(1)\n", [], "give one function of the same kind"),
        ("async " + NEW.removeprefix("@staticmethod\n"), [], "give one function of the same kind"),
        (NEW.replace("def pop", "def push"), [], "keep the name and the parameters: "),
        (NEW.replace("last=True", "last=False"), [], "keep the name and the parameters: "),
        (NEW.replace("@staticmethod\n", ""), [], "keep the decorators"),
        (NEW.replace("@staticmethod", "@cache"), [], "keep the decorators"),
        (find("Queue.pop").source.replace("# all of it", ""), [], "nothing is changed"),
        ("def pop(\0", [], "it does not parse"),
    ],
)
def test_what_cannot_take_the_functions_place_is_objected_to(source, imports, told) -> None:
    said = objection(find("Queue.pop"), source, imports)
    assert said.startswith(told) if told else said == ""


def test_what_is_shown_of_the_file_has_signatures_and_constants_and_no_bodies() -> None:
    shown = around(FILE, find("plain"))
    assert shown.splitlines() == [
        "'What it is.'", "import os", "LIMIT = 3", "class Queue(list):", "    size = 1", "    @staticmethod",
        "    def pop(items, *, last=True): ...", "    async def wait(self): ...",
    ]  # fmt: skip
    long = "x = 1\n" * 5000 + "def f(): pass\n"
    assert len(around(long, functions(long)[0])) < 9000
