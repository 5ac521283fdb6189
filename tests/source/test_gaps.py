"""What no test runs, and the page that shows it."""

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.source.covering import Covered
from bloomery.source.covering.gaps import gaps
from bloomery.source.covering.page import page
from bloomery.source.covering.reading import UNNAMED, read_json
from bloomery.source.outcomes import Results
from bloomery.source.python import Parsed, parse_text

TEXT = '''"""Rules."""


def easy():
    return 1


def hard(a, b):
    if a:
        return 1
    elif b:
        return "<b>&"
    for n in range(a):
        if n > b:
            return n
    return 0


class Shop:
    def open(self):
        """Opens."""
        return True

    def shut(self):
        if self.open():
            return 1
        return 0
'''


@pytest.fixture
def parsed(tmp_path: Path) -> Parsed:
    (tmp_path / "rules.py").write_text(TEXT)
    return parse_text(TEXT, tmp_path / "rules.py")


def covered(parsed: Parsed, **by_test: set[int]) -> Covered:
    lines = {test: frozenset(some) for test, some in by_test.items()}
    return Covered(
        Results((), ()), {parsed.path.resolve(): lines}, {parsed.path.resolve(): frozenset({4, 8})}
    )


def test_gaps_come_by_complexity_squared_times_the_missed_share_cubed(parsed: Parsed):
    found = gaps(covered(parsed, test_a={9, 10}, test_b={22}), [parsed])
    assert [(one.function, one.complexity, one.lines, one.missed) for one in found] == [
        ("hard", 5, 8, (11, 12, 13, 14, 15, 16)),
        ("Shop.shut", 2, 3, (25, 26, 27)),
        ("easy", 1, 1, (5,)),
    ]
    assert found[0].worth == pytest.approx(5**2 * (6 / 8) ** 3)
    assert found[0].spans == ((11, 16),)
    assert found[0].tests == ("test_a",)


def test_where_every_line_is_run_there_is_no_gap(parsed: Parsed):
    assert gaps(covered(parsed, test_all=set(range(1, 30))), [parsed]) == ()
    assert "None: every line of every function" in page(
        covered(parsed, test_all=set(range(1, 30))), [parsed], parsed.path.parent
    )


def test_spans_join_neighbours_only(parsed: Parsed):
    missed = gaps(covered(parsed, test_a={9, 12, 13, 15, 16, 5, 22, 25, 26, 27}), [parsed])[0]
    assert missed.spans == ((10, 11), (14, 14))


class Lines(HTMLParser):
    """The lines of the page: state by number, and everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[int, str] = {}
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "li" and "line" in (given.get("class") or ""):
            self.states[int(str(given["id"]).rpartition(":")[2])] = str(given["class"]).partition(" ")[2]
        if tag in ("script", "link", "img", "iframe") or given.get("src"):
            self.fetched.append(tag)


def test_the_page_shows_each_line_as_it_is_and_asks_for_nothing(parsed: Parsed):
    text = page(covered(parsed, test_a={9, 10}, test_b={9}), [parsed], parsed.path.parent)
    seen = Lines()
    seen.feed(text)
    assert len(seen.states) == len(TEXT.splitlines())
    assert {seen.states[n] for n in (9, 10)} == {"run"}
    assert {seen.states[n] for n in (4, 8)} == {"import"}
    assert {seen.states[n] for n in (5, 11, 12, 27)} == {"missed"}
    assert {seen.states[n] for n in (1, 2, 21)} == {"none"}
    assert not seen.fetched
    assert "://" not in text
    assert str(parsed.path.parent) not in text
    assert html.escape('"<b>&"', quote=False) in text.replace("&#34;", '"')
    line = re.search(r'id="rules.py:9">.*?</li>', text, re.DOTALL)
    assert line
    assert "2 tests" in line[0]
    assert "<li>test_a</li><li>test_b</li>" in text


def test_the_json_of_coverage_is_read_with_its_contexts(parsed: Parsed):
    root = parsed.path.parent
    (root / "test_rules.py").write_text(
        "import rules\ndef test_easy():\n    assert rules.easy() == 1\n"
        "def test_hard():\n    assert rules.hard(1, 2) == 1\n"
    )
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    (root / ".coveragerc").write_text("[run]\ndynamic_context = test_function\ninclude = rules.py\n")
    for words in (["run", "-m", "pytest", "-q", "-p", "no:cacheprovider"], ["json", "--show-contexts"]):
        subprocess.run(
            [sys.executable, "-m", "coverage", *words], cwd=root, check=True, capture_output=True, env=alone
        )
    found = read_json(root / "coverage.json", root)
    assert found.tests(parsed, "easy") == ("test_rules.test_easy",)
    assert found.ran(parsed, "hard", "test_rules.test_hard") == {9, 10}
    assert [gap.function for gap in gaps(found, [parsed])] == ["hard", "Shop.shut", "Shop.open"]
    assert found.runs_before_tests(parsed, "easy") is False


def test_a_report_without_contexts_has_one_test_without_a_name(parsed: Parsed, tmp_path: Path):
    (tmp_path / "c.json").write_text(json.dumps({"files": {"rules.py": {"executed_lines": [5]}}}))
    assert read_json(tmp_path / "c.json", tmp_path).tests(parsed, "easy") == (UNNAMED,)


def test_what_is_no_report_is_said(tmp_path: Path):
    with pytest.raises(MissingFile, match="show-contexts"):
        read_json(tmp_path / "none.json", tmp_path)
    for text in ("[]", "{", '{"files": [1]}', '{"files": {"a.py": {}}}'):
        (tmp_path / "c.json").write_text(text)
        with pytest.raises(FormatRefused, match="coverage json"):
            read_json(tmp_path / "c.json", tmp_path)
