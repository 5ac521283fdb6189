"""Python by its grammar against the interpreter's parser and ruff, on the standard library."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bloomery.source import python
from bloomery.source.languages.complexity import complexities
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse, read
from bloomery.source.languages.registry import LANGUAGES
from bloomery.source.languages.symbols import symbols

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = [
    path
    for path in sorted(LIBRARY.glob("*.py"))
    if path.stem in {"_pyio", "threading", "zipfile", "ast", "dataclasses"} or path.stem[0] in "cst"
]
CASES = """
def irrefutable(x):
    match x:
        case 1 | _:
            pass
    match x:
        case (y):
            pass
    match x:
        case z as q:
            pass


def refutable(x):
    match x:
        case (y,):
            pass
    match x:
        case a.b:
            pass
    match x:
        case z if z:
            pass
    match x:
        case 1 as one:
            pass
    match x:
        case _:
            pass


def exotic():
    for x in y:
        pass
    else:
        pass
    while x:
        pass
    else:
        pass
    try:
        pass
    except* E:
        pass
    else:
        pass
    finally:
        pass
    class K:
        if x:
            def m(self): pass
    with a as b, c:
        assert x
    return lambda: [x for x in y if z] if x and y else 3
"""


def test_symbols_are_those_of_the_interpreters_tree() -> None:
    for path in FILES:
        ours = [(one.name, one.kind, one.first_line, one.line, one.end_line) for one in symbols(read(path))]
        theirs = [
            (one.name, one.kind, one.first_line, one.line, one.end_line)
            for one in python.symbols(python.parse(path).tree)
        ]
        assert ours == theirs, path


def test_complexity_is_that_of_ruff(tmp_path: Path) -> None:
    cases = tmp_path / "cases.py"
    cases.write_text(CASES)
    paths = [cases, *FILES]
    theirs = _by_ruff(paths)
    ours = {(path, one.symbol.line): one.cyclomatic for path in paths for one in complexities(read(path))}
    assert len(ours) > 1000
    assert ours == theirs


def _by_ruff(paths: list[Path]) -> dict[tuple[Path, int], int]:
    options = ["--isolated", "--no-cache", "--select=C901", "--config=lint.mccabe.max-complexity=0"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--output-format=json",
            "--target-version=py311",
            *options,
            *paths,
        ],
        capture_output=True,
        check=False,
    )
    found = {}
    for one in json.loads(done.stdout):
        number = re.search(r"\((\d+) > 0\)", one["message"])
        assert number
        found[Path(one["filename"]), one["location"]["row"]] = int(number[1])
    return found


@pytest.mark.parametrize(
    "text",
    [
        *("x = 1\ny = (\n", "if x\n    pass\n", "def f(:\n", "  x\n y\n"),
        *("class\n", "x = 'a\n", "a b\n", "f(x for x in y, 1)"),
    ],
)
def test_what_the_interpreter_refuses_has_a_fault_within_the_text(text: str) -> None:
    found = faults(parse(text, LANGUAGES["python"]))
    assert found
    assert all(1 <= fault.start.line <= text.count("\n") + 1 for fault in found)
    with pytest.raises(SyntaxError):
        compile(text, "", "exec")


def test_a_warning_of_the_parser_is_no_fault() -> None:
    assert faults(parse("x = '\\d'\ny = 1is 2\n", LANGUAGES["python"])) == ()
