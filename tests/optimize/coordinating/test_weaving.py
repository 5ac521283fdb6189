import random
import subprocess
import textwrap
from pathlib import Path

import pytest

from bloomery.optimize.coordinating.weaving import leaves, weave

BASE = textwrap.dedent(
    '''\
    """A module."""

    import os

    LIMIT = 10


    def first(items):
        # looks at each
        total = 0
        for item in items:
            total = total + item
        return total


    class Box:
        size = 1

        def open(self, key):
            if key in self.keys:
                return self.items[key]
            else:
                return None
    '''
)


def with_(*changes: tuple[str, str]) -> str:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def run(text: str) -> dict[str, object]:
    space: dict[str, object] = {}
    exec(compile(text, "woven", "exec"), space)
    return space


@pytest.mark.parametrize("path", sorted(Path(textwrap.__file__).parent.glob("[a-f]*.py"))[:12])
def test_leaves_put_together_are_the_text(path: Path) -> None:
    text = path.read_text()
    assert "".join(leaves(text)) == text


def test_what_touches_in_lines_is_apart_in_statements() -> None:
    one = with_(("total = 0\n", "total = start = 0\n"))
    other = with_(("total = total + item", "total += item"))
    assert weave(BASE, one, other) == with_(
        ("total = 0\n", "total = start = 0\n"), ("total = total + item", "total += item")
    )
    one = with_(("        total = total + item\n", "        total += item\n"))
    other = with_(("    return total\n", "    return int(total)\n"))
    assert "total += item\n    return int(total)\n" in weave(BASE, one, other)


def test_imports_of_both_are_there_once_each() -> None:
    one = with_(("import os\n", "import heapq\nimport os\n"))
    other = with_(("import os\n", "import bisect\nimport os\n"))
    woven = weave(BASE, one, other)
    assert woven.count("import heapq\n") == woven.count("import bisect\n") == woven.count("import os\n") == 1
    one = with_(("import os\n", "import os\nimport heapq\n"))
    other = with_(("import os\n", "import os\nimport heapq\nfrom itertools import chain\n"))
    woven = weave(BASE, one, other)
    assert "import os\nimport heapq\nfrom itertools import chain\n\nLIMIT" in woven


def test_names_imported_from_one_module_are_put_together() -> None:
    base = "from m import a, b\n\nx = a\n"
    assert weave(base, "from m import a, b, c\n\nx = a\n", "from m import a, d\n\nx = a\n").startswith(
        "from m import a, c, d\n\n"
    )


def test_two_new_functions_in_one_place_both_stand_there() -> None:
    one = BASE + "\n\ndef two(x):\n    return x + 1\n"
    other = BASE + "\n\ndef three(x):\n    return x + 2\n"
    space = run(weave(BASE, one, other))
    assert (space["two"](1), space["three"](1)) == (2, 3)


def test_two_new_methods_in_one_place_both_stand_there() -> None:
    one = with_(("    size = 1\n", "    size = 1\n\n    def a(self):\n        return 1\n"))
    other = with_(("    size = 1\n", "    size = 1\n\n    def b(self):\n        return 2\n"))
    box = run(weave(BASE, one, other))["Box"]()
    assert (box.a(), box.b(), box.size) == (1, 2, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("LIMIT = 10", "LIMIT = 20"), ("LIMIT = 10", "LIMIT = 30")),  # one leaf
        (("    return total\n", "    print(1)\n    return total\n"),) * 1
        + (("    return total\n", "    print(2)\n    return total\n"),),  # an order that matters
        (("class Box", "def two():\n    return 1\n\n\nclass Box"),) * 1
        + (("class Box", "def two():\n    return 2\n\n\nclass Box"),),  # one name
        (("    for item in items:", "    for item in sorted(items):"),) * 1
        + (("    for item in items:", "    for item in set(items):"),),
    ],
)
def test_what_both_changed_is_not_guessed(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert weave(BASE, with_(one), with_(other)) is None


def test_a_text_that_does_not_parse_is_not_woven() -> None:
    assert weave(BASE, BASE + "def (", BASE + "x = 1\n") is None


def test_weaving_is_the_same_from_either_side_and_with_nothing_is_the_side_itself() -> None:
    one = with_(("total = 0\n", "total = 0.0\n"), ("size = 1", "size = 2"))
    other = with_(("LIMIT = 10", "LIMIT = 11"))
    assert weave(BASE, one, other) == weave(BASE, other, one)
    assert weave(BASE, one, BASE) == weave(BASE, BASE, one) == one
    assert weave(BASE, one, one) == one


def test_where_git_merges_apart_lines_weaving_agrees(tmp_path: Path) -> None:
    """Random changes of random statements: whatever git merges cleanly comes out of both the same."""
    rng, agreed = random.Random(3), 0
    for _ in range(40):
        base = [f"v{number} = {number}\n" for number in range(14)]
        sides = []
        for side in (1, 2):
            lines = list(base)
            for at in sorted(rng.sample(range(14), 2), reverse=True):
                how = rng.choice(("change", "remove", "insert"))
                lines[at : at + (how != "insert")] = {"remove": []}.get(how, [f"w{at} = {side}00\n"])
            sides.append("".join(lines))
        names = ("one", "base", "other")
        for name, text in zip(names, (sides[0], "".join(base), sides[1]), strict=True):
            (tmp_path / name).write_text(text)
        git = subprocess.run(
            ["git", "merge-file", "-p", *names], cwd=tmp_path, capture_output=True, text=True
        )
        if git.returncode == 0:
            assert weave("".join(base), *sides) == git.stdout
            agreed += 1
    assert agreed >= 5
