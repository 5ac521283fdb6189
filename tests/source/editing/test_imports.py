"""Imports go in and out; everything else keeps its bytes."""

import pytest

from bloomery.core.errors import UserError
from bloomery.source.editing.imports import add_import, remove_import
from bloomery.source.python import NotPython

TEXT = '''# Licence.
"""Module."""

from __future__ import annotations

# why os
import os, sys  # both
from collections import (
    Counter,
    deque,  # a queue
)

def f(): return os.sep, Counter( ) # odd   layout

try:
    import json
except ImportError:
    json = None
'''


def test_an_import_goes_below_the_others() -> None:
    assert add_import(TEXT, "import heapq") == TEXT.replace("\n)\n", "\n)\nimport heapq\n")


@pytest.mark.parametrize(
    "there", ["import os", "import sys", "import os, sys", "from collections import deque"]
)
def test_an_import_that_is_there_changes_nothing(there: str) -> None:
    assert add_import(TEXT, there) == TEXT


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "import heapq\n"),
        ("x = 1\n", "import heapq\n\nx = 1\n"),
        ("x = 1", "import heapq\n\nx = 1"),
        ('"""Doc."""\n', '"""Doc."""\n\nimport heapq\n'),
        ('"""Doc."""\n\n\ndef f(): pass\n', '"""Doc."""\n\nimport heapq\n\n\ndef f(): pass\n'),
        ("#!/bin/sh\n# c\n\nx = 1\n", "#!/bin/sh\n# c\n\nimport heapq\n\nx = 1\n"),
        ("import a\r\nx = 1\r\n", "import a\r\nimport heapq\r\nx = 1\r\n"),
    ],
)
def test_the_first_import_stands_at_the_top(text: str, after: str) -> None:
    assert add_import(text, "import heapq") == after


def test_an_import_from_the_future_stands_before_all_others() -> None:
    text = '"""Doc."""\nimport os\n'
    after = add_import(text, "from __future__ import annotations")
    assert after == '"""Doc."""\nfrom __future__ import annotations\nimport os\n'
    compile(after, "", "exec")


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("heapq = 3\n", "import heapq"),
        ("def deque(): pass\n", "from collections import deque"),
        ("import heapq as deque\n", "from collections import deque"),
        ("print(open)\n", "from os import open"),
        ("import numpy as os\n", "import os.path"),
    ],
)
def test_an_import_that_would_hide_something_is_refused(text: str, statement: str) -> None:
    with pytest.raises(UserError, match="for something else"):
        add_import(text, statement)


def test_a_package_and_its_module_stand_side_by_side() -> None:
    assert add_import("import os\n", "import os.path") == "import os\nimport os.path\n"


@pytest.mark.parametrize(
    ("statement", "gone", "put"),
    [
        ("import sys", "import os, sys  # both", "import os  # both"),
        ("from collections import deque", "    deque,  # a queue\n", ""),
        ("from __future__ import annotations", "from __future__ import annotations\n", ""),
    ],
)
def test_one_name_goes_and_comments_stay(statement: str, gone: str, put: str) -> None:
    assert remove_import(TEXT, statement) == TEXT.replace(gone, put)


def test_a_name_takes_its_own_comment_along_and_no_other() -> None:
    text = "from a import (\n    b,  # of b\n    c,  # of c\n)\n"
    assert remove_import(text, "from a import c") == "from a import (\n    b,  # of b\n)\n"
    assert remove_import(text, "from a import b") == "from a import (\n    c,  # of c\n)\n"
    assert remove_import("from a import b, c\n", "from a import c") == "from a import b\n"
    assert remove_import("from a import (b, c,)\n", "from a import c") == "from a import (b,)\n"


def test_a_comment_above_a_line_that_goes_stays() -> None:
    text = "import a\n\n# why b\nimport b\n\n# end\n"
    assert remove_import(text, "import b") == "import a\n\n# why b\n\n# end\n"
    assert remove_import(text, "import a") == "\n# why b\nimport b\n\n# end\n"


def test_of_two_statements_on_a_line_one_stays() -> None:
    assert remove_import("import a; import b\n", "import b") == "import a\n"
    assert remove_import("import a; import b\n", "import a") == "import b\n"


@pytest.mark.parametrize(
    ("text", "statement", "line"),
    [
        (TEXT, "import os", 13),
        ("import a.b\n\nx = a.b.c\n", "import a.b", 3),
        ("from x import y\n__all__ = ['y']\n", "from x import y", 2),
    ],
)
def test_an_import_that_is_used_is_not_removed(text: str, statement: str, line: int) -> None:
    with pytest.raises(UserError, match=f"is used in line {line}"):
        remove_import(text, statement)


def test_one_of_two_imports_of_a_name_may_go_though_it_is_used() -> None:
    assert remove_import("import a\nfrom b import a\nprint(a)\n", "import a") == "from b import a\nprint(a)\n"


@pytest.mark.parametrize("statement", ["import json", "import nothing", "from os import path"])
def test_what_is_not_imported_at_the_top_is_told(statement: str) -> None:
    with pytest.raises(UserError, match="no top-level"):
        remove_import(TEXT, statement)


@pytest.mark.parametrize("statement", ["x = 1", "import a\nimport b", "from a import *", ""])
def test_what_is_no_import_is_refused(statement: str) -> None:
    with pytest.raises(UserError, match="expected one import"):
        add_import(TEXT, statement)
    with pytest.raises(NotPython):
        add_import(TEXT, "import")


def test_in_and_out_again_gives_the_text_back() -> None:
    for text in (TEXT, "import a\nx = 1\n"):
        assert remove_import(add_import(text, "import heapq"), "import heapq") == text
