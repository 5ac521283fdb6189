"""How much faster validation is with test selection and a cache, and whether it comes to the same verdicts.

    python -m benchmarks.validating                    # both repositories, the checks by tests
    python -m benchmarks.validating --level standard   # with types and equivalence, too: takes long
    python -m benchmarks.validating --only generated --patches 6 --json out.json

Two repositories, committed into a scratch folder: a generated one of eight modules, and the rooms diff and
quality of `bloomery.source` with their tests. The patches are drawn by a seed: mutants of functions (most are
wrong), edits that change nothing that can be seen, the same patch once more (several proposers find the
same), and, in the generated repository, wrong patches whose effect reaches tests by a way that is no call: a
data file, a constant, a default value, a new module that is looked for, a cache that another test filled,
another process, the text of a source. Each is validated in three ways:

- everything each time: all checks of the level, every test before and after, nothing remembered;
- the same, where what the tests did before the change is known, and ending at the first failure;
- ours: the tests that the change can reach, first those that touch it; answers kept by content.

All three run in turn for each patch. Verdicts must be the same. Where this process may make a control group,
the processor time of all processes is what counts, so that a busy machine decides nothing; else wall time.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloomery.optimize.proposal import Goal, Proposal
from bloomery.optimize.validating import Cache, Forgetful, Level, Verdict, validate
from bloomery.optimize.validating.caching import InProcess, Question
from bloomery.source.mutating.mutants import mutants, mutated
from bloomery.source.python import functions, parse

ROOT = Path(__file__).resolve().parent.parent
BAR = 3.0
WAYS = ("everything each time", "tests before known", "ours")
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


@dataclass(frozen=True)
class Outcome:
    patch: Patch
    seconds: dict[str, float]
    sound: dict[str, bool]

    @property
    def same(self) -> bool:
        return len(set(self.sound.values())) == 1


class Meter:
    """Processor time of this process and all that it starts, by a control group; else time on the wall."""

    def __init__(self) -> None:
        self.group = Path(f"/sys/fs/cgroup/cpuacct/bloomery-benchmark-{os.getpid()}")
        try:
            self.group.mkdir()
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
            self.unit = "CPU s"
        except OSError:
            self.unit = "s"

    def now(self) -> float:
        if self.unit == "s":
            return time.perf_counter()
        return int((self.group / "cpuacct.usage").read_text()) / 1e9

    def close(self) -> None:
        if self.unit != "s":
            (self.group.parent / "cgroup.procs").write_text(str(os.getpid()))
            with suppress(OSError):
                self.group.rmdir()


class TestsBefore(InProcess):
    """Remembers what the tests did before any change, and nothing else."""

    __test__ = False

    def find(self, question: Question) -> Any | None:
        return super().find(question) if question["check"] == "record" else None


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


def run(root: Path, patches: list[Patch], level: Level, meter: Meter) -> Iterator[Outcome]:
    before, cache = TestsBefore(), Cache(root.parent / f"cache-{root.name}")
    goal: Goal = "fix" if level == "basic" else "speed"
    for patch in patches:
        seconds, sound = {}, {}
        settings: dict[str, dict[str, Any]] = {
            WAYS[0]: {"cache": Forgetful(), "every_test": True, "go_on": True},
            WAYS[1]: {"cache": before, "every_test": True},
            WAYS[2]: {"cache": cache},
        }
        for way, given in settings.items():
            began = meter.now()
            verdict = _validated(root, patch, level, goal, given)
            seconds[way], sound[way] = meter.now() - began, verdict.sound
        yield Outcome(patch, seconds, sound)


def _validated(root: Path, patch: Patch, level: Level, goal: Goal, given: dict[str, Any]) -> Verdict:
    proposal = Proposal("benchmark", patch.kind, "", patch.texts)
    return validate(root, proposal, goal=goal, level=level, claim=False, at_once=1, **given)


def rows(name: str, outcomes: list[Outcome], unit: str) -> Iterator[dict[str, Any]]:
    totals = {way: sum(one.seconds[way] for one in outcomes) for way in WAYS}
    ours = totals[WAYS[2]]
    wrong = [one for one in outcomes if not one.sound[WAYS[0]]]
    note = f"{len(outcomes)} patches, {len(wrong)} of them refused"
    for way, bar in ((WAYS[0], f">= {BAR:g}"), (WAYS[1], "")):
        ratio = totals[way] / ours
        met = ratio >= BAR if bar else None
        yield _row(f"{name}: against {way}", (ours, totals[way]), ratio, unit, bar, met, note)
    differing = [one.patch.kind for one in outcomes if not one.same]
    said = ", ".join(differing) or note
    count = (float(len(differing)), 0.0)
    yield _row(f"{name}: other verdicts", count, None, "patches", "<= 0", not differing, said)


def _row(
    what: str, both: tuple[float, float], ratio: float | None, unit: str, bar: str, met: Any, note: str
) -> dict[str, Any]:
    ours, peer = both
    row = {"what": what, "ours": round(ours, 2), "peer": round(peer, 2), "ratio": ratio, "unit": unit}
    return row | {"bar": bar, "higher_is_better": True, "met": met, "note": note}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", choices=("generated", "rooms"))
    parser.add_argument("--patches", type=int, default=12, help="drawn ones in each repository")
    parser.add_argument("--level", choices=("basic", "standard"), default="basic")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    began, found, meter = time.perf_counter(), [], Meter()
    made = {"generated": (generated, "src/library"), "rooms": (rooms, f"src/bloomery/source/{ROOMS[0]}")}
    scratch = Path(tempfile.mkdtemp(prefix="bloomery-bench-"))
    try:
        for name, (make, folder) in made.items():
            if told.only in (None, name):
                root = scratch / name
                make(root)
                patches = [*drawn(root, folder, told.patches, told.seed)]
                patches += planted(root) if name == "generated" else []
                found += list(rows(name, list(_shown(run(root, patches, told.level, meter))), meter.unit))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        meter.close()
    for row in found:
        ratio = f", {row['ratio']:.2f} times" if row["ratio"] else ""
        print(f"{row['what']}: {row['ours']} {row['unit']}, {row['peer']}{ratio} ({row['note']})")
    if told.json:
        plain = {"name": "validating", "command": "python -m benchmarks.validating", "rows": found}
        told.json.write_text(json.dumps(plain | {"seconds": time.perf_counter() - began}, indent=1))


def _shown(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for one in outcomes:
        word = {way: "sound" if one.sound[way] else "refused" for way in WAYS}
        told = ", ".join(f"{one.seconds[way]:.1f} s {word[way]}" for way in WAYS)
        print(f"{one.patch.kind:14} {next(iter(one.patch.texts))}: {told}", flush=True)
        yield one


if __name__ == "__main__":
    main()
