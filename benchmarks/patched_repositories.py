"""The repositories and the patches of benchmarks.validating."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bloomery.source.mutating.mutants import mutants, mutated
from bloomery.source.python import functions, parse

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("diff", "quality")
CONFTEST = """\
import hypothesis

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")
"""


@dataclass(frozen=True)
class Patch:
    kind: str
    texts: dict[str, str]


MODULE = '''\
"""Shelf {n} of the library."""

import functools
import json
from pathlib import Path

LIMIT = {limit}


def weigh(values):
    found = 0
    for value in values:
        if value % LIMIT != 1:
            found = found + value * {n}
    return found


def longest(words, at_least=2):
    kept = [word for word in words if len(word) >= at_least]
    return max(kept, key=len, default="")


@functools.cache
def remembered(count):
    return weigh(range(count))


def settings():
    return json.loads((Path(__file__).parent / "settings.json").read_text())["steps"]
'''
TEST = """\
import pytest
from library import shelf{n} as shelf


@pytest.mark.parametrize("count", range(200, 800, 100))
def test_weigh(count):
    for many in range(count):
        expected = sum(value * {n} for value in range(many) if value % {limit} != 1)
        assert shelf.weigh(range(many)) == expected


def test_longest():
    assert shelf.longest(["a", "abc", "ab"]) == "abc"
    assert shelf.longest(["a"]) == ""
    assert shelf.longest(["a"], at_least=1) == "a"


def test_remembered():
    assert shelf.remembered(10) == shelf.weigh(range(10))


def test_remembered_again():
    assert shelf.remembered(10) == {ten}
"""
ODD = """\
import inspect
import os
import pkgutil
import subprocess
import sys

import library
from library import shelf1, shelf3


def test_process():
    words = [sys.executable, "-c", "from library import shelf2; print(shelf2.weigh([2, 3]))"]
    out = subprocess.check_output(words, env={**os.environ, "PYTHONPATH": "src"})
    assert out.strip() == b"4"


def test_text():
    assert "found + value * 3" in inspect.getsource(shelf3.weigh)


def test_modules():
    found = {one.name for one in pkgutil.iter_modules(library.__path__)}
    assert found == {f"shelf{n}" for n in range(1, 9)}


def test_settings():
    assert shelf1.settings() == 3
"""


def generated(root: Path) -> None:
    """Eight modules, each with tests of its own, and tests that look at them in other ways."""
    files = {
        "src/library/__init__.py": "",
        "src/library/settings.json": '{"steps": 3}\n',
        "tests/test_odd.py": ODD.replace(
            "import sys\n\n", "import sys\n\nimport library.shelf3  # noqa\n", 1
        ),
    }
    for n in range(1, 9):
        limit = n % 3 + 3
        ten = sum(value * n for value in range(10) if value % limit != 1)
        files[f"src/library/shelf{n}.py"] = MODULE.format(n=n, limit=limit)
        files[f"tests/test_shelf{n}.py"] = TEST.format(n=n, limit=limit, ten=ten)
    _commit(root, files)


def rooms(root: Path) -> None:
    """Two rooms of ours with their tests, and what they need."""
    settings = '[tool.pytest.ini_options]\npythonpath = ["src", "."]\n'
    files = {"pyproject.toml": settings, "tests/conftest.py": CONFTEST}
    for folder in ("src/bloomery/source", "src/bloomery/core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            files[path.relative_to(ROOT).as_posix()] = path.read_text()
    files["src/bloomery/__init__.py"] = (ROOT / "src/bloomery/__init__.py").read_text()
    for room in ROOMS:
        for path in sorted((ROOT / "tests/source" / room).rglob("*.py")):
            files[path.relative_to(ROOT).as_posix()] = path.read_text()
    _commit(root, files)


def _commit(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "-m", "first")):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def drawn(root: Path, folder: str, count: int, seed: int) -> Iterator[Patch]:
    """Of three patches one is a mutant, one changes nothing that can be seen, one was there before."""
    rng, before = random.Random(seed), []
    places = [
        (path, name)
        for path in sorted((root / folder).rglob("*.py"))
        for name in functions(parse(path).tree)
        if "<locals>" not in name
    ]
    while len(before) < count:
        path, name = rng.choice(places)
        patch = _mutant(root, path, name, rng) if len(before) % 2 else _neutral(root, path, name)
        if patch is None:
            continue
        yield patch
        before.append(patch)
        if len(before) % 2 == 0:
            yield Patch("once more", rng.choice(before).texts)


def _mutant(root: Path, path: Path, name: str, rng: random.Random) -> Patch | None:
    parsed = parse(path)
    found = mutants(parsed, name, most=1, seed=rng.randrange(2**32))
    text = mutated(parsed, found[0]) if found else ""
    return Patch("mutant", {path.relative_to(root).as_posix(): text}) if found else None


def _neutral(root: Path, path: Path, name: str) -> Patch:
    """`pass` before the last statement of a function."""
    parsed = parse(path)
    last = functions(parsed.tree)[name].body[-1]
    lines = parsed.text.splitlines(keepends=True)
    lines.insert(last.lineno - 1, f"{' ' * last.col_offset}pass\n")
    return Patch("neutral", {path.relative_to(root).as_posix(): "".join(lines)})


def planted(root: Path) -> Iterator[Patch]:
    """Wrong patches of the generated repository that get to tests by other ways than a call in them."""
    edits = {
        "data file": ("settings.json", "3}", "4}"),
        "constant": ("shelf4.py", "LIMIT = 4", "LIMIT = 5"),
        "default value": ("shelf5.py", "at_least=2", "at_least=1"),
        "import": ("shelf6.py", "import json\n", "import json\nimport no_such_module\n"),
        "filled cache": ("shelf7.py", "return weigh(range(count))", "return weigh(range(count + 1))"),
        "other process": ("shelf2.py", "!= 1", "!= 3"),
        "text": ("shelf3.py", "found + value * 3", "value * 3 + found"),
    }
    for kind, (name, old, new) in edits.items():
        path = root / "src/library" / name
        text = path.read_text()
        assert old in text, (kind, old)
        yield Patch(kind, {f"src/library/{name}": text.replace(old, new)})
    yield Patch("new module", {"src/library/extra.py": "EXTRA = 1\n"})
