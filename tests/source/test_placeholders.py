"""A function that does nothing is told from one that does little."""

import textwrap
from pathlib import Path

import pytest

from bloomery.source.placeholders import placeholders
from bloomery.source.python import parse_text


def kinds(text: str) -> list[str]:
    return [one.kind for one in placeholders(parse_text(textwrap.dedent(text), Path("m.py")))]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("pass", "empty"),
        ("...", "empty"),
        ('"""Source: titans eq. 13"""', "empty"),
        ('raise NotImplementedError("titans eq. 13")', "not implemented"),
        ("raise NotImplementedError", "not implemented"),
        ("return 0.0", "constant"),
        ("return", "constant"),
        ("return (-1, [None])", "constant"),
        ("return {'a': [1, 2]}", "constant"),
        ("_ = x", "empty"),
        ("return x", "argument"),
        ("return x.clone()", "argument"),
        ("return torch.zeros_like(x)", "filled"),
        ("import math; print(x); return x", "argument"),
        ("return 2 * x  # TODO: the momentum", "todo"),
        ("# FIXME\n    return 2 * x", "todo"),
    ],
)
def test_a_placeholder_is_seen(body: str, kind: str) -> None:
    assert kinds(f"def update(x):\n    {body}\n") == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "def update(x): return 2 * x",
        "def update(x): return -x",
        "def identity(x): return x",
        "def update(x):\n    if x: raise NotImplementedError\n    return x * 2",
        "def update(x):\n    x.add_(1)\n    return x",
        "def update(x): return f(x)",
        "def update(x): raise ValueError(x)",
        "def update(x): return [1, x]",
        "def update(x): return {'a': 1, x: 2}",
        "def update(x): return {'a': 1, 'b': x}",
        "def update(x): return {'a': 1, **x}",
        "def update(x): return x.copy(2)",
        "def update(x):\n    _ = x.pop()",
        "# TODO: above\ndef update(x): return 2 * x\n# TODO: below",
        "def update(x): 'TODO is a word'; return x + 1",
        "class Rule(Protocol):\n    def update(self, x): ...",
        "class Rule:\n    @abc.abstractmethod\n    def update(self, x): ...",
        "@overload\ndef update(x): ...",
    ],
)
def test_what_works_or_is_meant_to_be_empty_is_none(text: str) -> None:
    assert kinds(text) == []


def test_a_placeholder_says_where_and_why() -> None:
    (one,) = placeholders(parse_text("class M:\n    def f(self, x):\n        return x\n", Path("m.py")))
    assert (one.path, one.line, one.symbol) == (Path("m.py"), 2, "M.f")
    assert one.reason == "it returns its argument x unchanged"
