"""What bandit objects to is rewritten where the conditions hold, and nowhere else; bandit then finds less."""

import ast
import sqlite3
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from bloomery.optimize.noting import insecure
from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers import proposer
from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security import FIXES
from bloomery.optimize.proposers.security.proposing import Safer, fixes, together
from bloomery.optimize.proposers.security.shells import parts, split
from bloomery.optimize.validating.checks.linting import new
from bloomery.optimize.validating.copying import workplace
from bloomery.optimize.validating.objecting import by_bandit
from tests.optimize.security.planted import PLANTED, STAYS


def proposals(tmp_path: Path, text: str, goal: str = "security", function: str | None = None) -> list:
    (tmp_path / "m.py").write_text(text)
    return list(Safer().propose(Target(tmp_path, "m.py", function), goal, rng=Random(0)))


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_put_into_its_safer_form(tmp_path, name) -> None:
    before, within = PLANTED[name]
    first = proposals(tmp_path, before)[0]
    after = first.texts["m.py"]
    assert within in after
    ast.parse(after)
    assert not fixes(Source(after))  # nothing is left to do


@pytest.mark.parametrize("name", STAYS)
def test_where_a_condition_does_not_hold_nothing_is_proposed(tmp_path, name) -> None:
    assert not proposals(tmp_path, STAYS[name])


def test_every_kind_of_fix_is_planted_somewhere() -> None:
    there = {name for before, _ in PLANTED.values() for name, _ in fixes(Source(before))}
    assert set(FIXES) - there <= {"defused xml"}  # which needs a library that need not be there


def test_xml_is_read_by_defusedxml_where_it_is_there(tmp_path, monkeypatch) -> None:
    text = "import xml.etree.ElementTree as ET\n\n\ndef read(t):\n"
    text += "    return ET.fromstring(t), ET.Element('a')\n"
    look = "bloomery.optimize.proposers.security.xml.importlib.util.find_spec"
    monkeypatch.setattr(look, lambda _: None)
    assert not proposals(tmp_path, text)
    monkeypatch.setattr(look, lambda _: object())
    (first,) = proposals(tmp_path, text)
    assert "return defusedxml.ElementTree.fromstring(t), ET.Element('a')" in first.texts["m.py"]
    assert "import defusedxml.ElementTree\n" in first.texts["m.py"]


def test_all_fixes_come_first_then_those_of_a_kind_then_each_alone(tmp_path) -> None:
    text = "import requests\n\n\ndef a(u):\n    return eval(requests.get(u, verify=False).text)\n"
    text += "\n\ndef b(u):\n    return requests.get(u)\n"
    found = proposals(tmp_path, text)
    names = ["literal_eval+certificates verified+request timeout", "literal_eval", "certificates verified",
             "request timeout", "request timeout", "request timeout"]  # fmt: skip
    assert [one.operator for one in found] == names
    assert "ast.literal_eval(requests.get(u, timeout=10).text)" in found[0].texts["m.py"]
    assert {one.proposer for one in found} == {"security"}
    assert [one.function for one in proposals(tmp_path, text, function="b")] == ["b"]
    assert not proposals(tmp_path, text, goal="speed")
    assert proposer("security").name == "security"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('f"a {b} c{d}"', [["a"], ["b"], ["c", "d"]]),
        ('"a " + b', [["a"], ["b"]]),
        ('f"a {b!r}"', []),
        ('f"a {b:>3}"', []),
        ('f"a > {b}"', []),
        ('f"{a} {b}"', []),
        ('f"a{b}"', []),
        ('f"a\\N{NO-BREAK SPACE}b {c}"', [["a\N{NO-BREAK SPACE}b"], ["c"]]),  # no space of a shell's
        ('f"a b /bin/sh {c}"', []),
        ('f"cd {a}"', []),
        ('"a b"', []),
        ("f(a)", []),
    ],
)
def test_a_command_is_taken_apart_only_where_no_shell_is_needed(command, words) -> None:
    found = split(parts(ast.parse(command, mode="eval").body))
    plain = [
        [one if isinstance(one, str) else ast.unparse(one).strip("{}") for one in word] for word in found
    ]
    assert plain == words


def _ran(text: str, function: str, *given: object) -> object:
    module: dict = {}
    exec(compile(text, "m", "exec"), module)
    try:
        return module[function](*given)
    except Exception as error:  # edge: what a version raises is compared
        return type(error)


@pytest.mark.parametrize(
    ("name", "function", "good", "bad"),
    [
        ("eval of what is read", "setting", ("[1, {'a': None}]",), ("__import__('os').getpid()",)),
        ("yaml.load with an unsafe loader", "read", ("a: [1, 2]",), ("!!python/object/apply:os.getpid []",)),
        ("an assert for a check of input", "half", (4,), (3,)),
        ("everything passed over", "number", ("12",), None),
        ("eval of a literal", "table", (), None),
        ("a checksum by a broken hash", "etag", (b"abc",), None),
    ],
)
def test_good_input_gives_the_same_and_bad_input_is_refused(tmp_path, name, function, good, bad) -> None:
    before, after = PLANTED[name][0], proposals(tmp_path, PLANTED[name][0])[0].texts["m.py"]
    assert _ran(before, function, *good) == _ran(after, function, *good)
    assert type(_ran(after, function, *good)) is not type
    if bad is not None:
        assert _ran(after, function, *bad) is not _ran(before, function, *bad)
        assert isinstance(_ran(after, function, *bad), type)


def test_a_name_that_is_sql_finds_nobody_where_it_found_all(tmp_path, monkeypatch) -> None:
    before = PLANTED["a value inside of SQL"][0]
    after = proposals(tmp_path, before)[0].texts["m.py"]
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("a.db") as db:
        db.execute("create table users (name text)")
        db.executemany("insert into users values (?)", [("ada",), ("grace",)])
    db.close()
    evil = "' or '1' = '1"
    monkeypatch.setattr(sqlite3, "connect", lambda path, own=sqlite3.connect: Closing(own(path)))
    assert _ran(before, "user", "ada") == _ran(after, "user", "ada") == [("ada",)]
    assert len(_ran(before, "user", evil)) == 2
    assert _ran(after, "user", evil) == []


class Closing:
    """A connection that closes once its rows are read."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def execute(self, *given: object) -> "Closing":
        self.rows = self.db.execute(*given).fetchall()
        self.db.close()
        return self

    def fetchall(self) -> list:
        return self.rows


def test_bandit_finds_less_in_all_that_is_planted(tmp_path) -> None:
    """Of 24 planted weaknesses it sees 23: 21 are gone, two shells (high) are plain processes now (low)."""
    before, after = tmp_path / "before", tmp_path / "after"
    names = [f"m{at}.py" for at in range(len(PLANTED))]
    for folder in (before, after):
        folder.mkdir()
    for name, (text, _) in zip(names, PLANTED.values(), strict=True):
        (before / name).write_text(text)
        (after / name).write_text(together(Source(text), fixes(Source(text))))
    was, now = (_by_file(insecure(folder, names)) for folder in (before, after))
    fewer = [name for name in names if len(now[name]) < len(was[name])]
    milder = [name for name in names if "B602" in was[name] and now[name] == ["B404", "B603", "B607"]]
    unseen = [name for name in names if not was[name]]
    assert sorted(fewer + milder + unseen) == sorted(names)
    assert (len(fewer), len(milder)) == (21, 2)
    assert [list(PLANTED)[int(name[1:-3])] for name in unseen] == ["load of yaml by its own name"]


def _by_file(found: list[dict[str, str]]) -> dict[str, list[str]]:
    told = defaultdict(list)
    for one in found:
        told[one["path"]].append(one["code"])
    return defaultdict(list, {path: sorted(codes) for path, codes in told.items()})


SHELL = 'def f(x):\n    subprocess.run(f"ls {x}", shell=True)\n'
LISTED = "def f(x):\n    subprocess.run(['ls', x])\n"
OTHER = "def g(x):\n    subprocess.run(['ls', x])\n"


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        (SHELL, LISTED, 0),
        ("\n" + SHELL, LISTED.replace("['ls', x]", "[\n        'ls',\n        x,\n    ]"), 0),
        (SHELL.replace('f"ls {x}"', '"ls"'), LISTED, 1),  # nothing was put into it
        (SHELL, "def f(x):\n    subprocess.run(['sh', '-c', 'ls ' + x])\n", 2),
        (SHELL, "def f(x):\n    subprocess.run(['/bin/bash', x])\n", 1),
        (SHELL, "def f(x):\n    subprocess.run([x, 'ls'])\n", 1),
        (SHELL, OTHER, 2),  # gone in one function, new in another one
        (SHELL, LISTED + "    subprocess.run(['ls', '-l', x])\n", 2),
        (SHELL, SHELL + "    subprocess.run(['ls', x])\n", 2),
        (SHELL, LISTED.replace("subprocess.run(['ls', x])", "pickle.loads(x)"), 1),
        (SHELL + OTHER, LISTED + OTHER, 0),
    ],
)
def test_what_is_left_of_a_shell_is_no_new_finding_and_all_else_is(tmp_path, before, after, added) -> None:
    trees = tmp_path / "before", tmp_path / "after"
    for tree, text in zip(trees, (before, after), strict=True):
        tree.mkdir()
        (tree / "m.py").write_text(f"import pickle\nimport subprocess\n\n\n{text}")
    seen = []
    for tree in trees:
        with workplace(tree) as place:
            seen.append(by_bandit(place, ["m.py"]))
    assert new(trees, *seen).total() == added
