"""A renamed variable changes its name and nothing else: judged by running the code."""

import re

import pytest

from bloomery.core.errors import UnknownName, UserError
from bloomery.source.editing.renaming import rename_local
from bloomery.source.editing.sameness import same_but_for_names

TEXT = """n = "outer"

def f(items, k=2):
    # n counts
    n = 0
    for (n_, x) in enumerate(items):
        n += x * k  # n grows
    def inner(y):
        return y + n + zz
    zz = [n for n in range(3)][-1]
    class A:
        n = n
    try:
        raise ValueError(n)
    except ValueError as error:
        zz = str(error)
    return n, inner, f"{n:>{k}}", "n", A.n, {n: zz}.get(n), (lambda n: n)(9)

def g():
    n = 5
    return n
"""


def _run(text: str):
    names: dict = {}
    exec(compile(text, "", "exec"), names)
    n, _, *others = names["f"]([1, 2, 3])
    zz = others[2 + 1]
    return n, others, names["g"](), names["n"], zz


def test_every_place_of_the_variable_is_renamed_and_no_other() -> None:
    after = rename_local(TEXT, "g", "n", "total")
    assert after == TEXT.replace("    n = 5\n    return n\n", "    total = 5\n    return total\n")
    assert _run(after) == _run(TEXT)


def test_closures_and_handlers_follow_and_shadows_do_not() -> None:
    after = rename_local(TEXT, "f", "zz", "aa")
    assert after == TEXT.replace("zz", "aa")
    assert _run(after) == _run(TEXT)
    after = rename_local(TEXT, "f", "error", "problem")
    assert after == TEXT.replace("as error", "as problem").replace("str(error)", "str(problem)")


def test_a_name_that_is_printed_is_left() -> None:
    with pytest.raises(UserError, match="would change what the code does or shows"):
        rename_local("def f():\n    n = 1\n    return f'{n=}'\n", "f", "n", "m")


@pytest.mark.parametrize(
    ("body", "old", "new", "why"),
    [
        ("x = 1\n    return x + y", "x", "y", "uses y already"),
        ("x = 1\n    return locals()", "x", "y", "by locals"),
        ("x = 1\n    return eval('x')", "x", "y", "by eval"),
        ("x = 1\n    return a", "a", "y", "is a parameter"),
        ("import x\n    return x", "x", "y", "is a parameter, an import"),
        ("def x(): pass\n    return x", "x", "y", "or a definition"),
        ("global x\n    x = 1", "x", "y", "no local variable|would change"),
        ("return x", "x", "y", "no local variable"),
        ("x = 1", "x", "class", "no name"),
        ("x = 1", "x", "a b", "no name"),
    ],
)
def test_what_would_show_is_refused(body: str, old: str, new: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        rename_local(f"def f(a):\n    {body}\n", "f", old, new)


def test_names_of_private_attributes_are_mangled_and_so_left() -> None:
    with pytest.raises(UserError, match="would change"):
        rename_local("class A:\n    def f(self):\n        __x = 1\n        return __x\n", "A.f", "__x", "y")


def test_a_nonlocal_variable_is_renamed_as_a_whole_or_not_at_all() -> None:
    text = "def f():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    up()\n    return n\n"
    after = rename_local(text, "f", "n", "m")
    assert after == re.sub(r"\bn\b", "m", text)
    names: dict = {}
    exec(after, names)
    assert names["f"]() == 1


def test_an_unknown_function_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean 'f'"):
        rename_local("def f(): x = 1\n", "ff", "x", "y")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("def f():\n a = 1\n return a", "def f():\n b = 1\n return b", True),
        ("def f():\n a = 1\n return a", "def f():\n b = 1\n return a", False),
        ("def f():\n a = 1\n return a", "def f():\n b = 2\n return b", False),
        ("def f():\n a = 1\n return a", "def f():\n b = True\n return b", False),
        (
            "def f():\n a = 1\n z = 2\n return lambda: (a, z)",
            "def f():\n b = 1\n z = 2\n return lambda: (b, z)",
            True,
        ),
        (
            "def f():\n m = 1\n a = 2\n return lambda: (m, a)",
            "def f():\n m = 1\n b = 2\n return lambda: (b, m)",
            False,
        ),
        ("def f(a):\n return a", "def f(b):\n return b", False),
        ("def f():\n a = 1\n return b", "def f():\n b = 1\n return b", False),
        ("a = 1", "b = 1", False),
        ("def f():\n a = 1\n def g(): nonlocal a", "def f():\n b = 1\n def g(): nonlocal a", False),
        ("def f():\n a = b = 1\n return a", "def f():\n b = b = 1\n return b", False),
        ("def f():\n 'a'\n a = 1", "def f():\n 'b'\n b = 1", False),
    ],
)
def test_sameness_sees_every_difference_but_the_name(before: str, after: str, same: bool) -> None:
    assert same_but_for_names(before, after, "a", "b") == same


def test_cells_in_another_order_are_the_same_code() -> None:
    """Cells stand in order of their names, so that renaming `a` to `z` moves it behind `m`."""
    text = "def f():\n    a = 1\n    m = 2\n    def g():\n        return a, m\n    return g\n"
    after = rename_local(text, "f", "a", "z")
    assert after == text.replace("a = 1", "z = 1").replace("return a", "return z")
    names: dict = {}
    exec(after, names)
    assert names["f"]()() == (1, 2)
