import pytest

from bloomery.optimize.github import texts
from bloomery.optimize.github.texts import Mark

TOKEN = "ghp_" + "Zz9" * 13


@pytest.fixture
def body(site):
    def body_of(**said: object) -> str:
        words = said.pop("words", "")
        patch = site.propose(**said)
        return texts.pull_body(site.ledger, patch, target="main", issue=7, commit="c" * 40, words=words)

    return body_of


def test_a_body_shows_each_check_in_its_one_of_three_states_and_how_to_undo_it(body):
    page = body(description="sums in one pass")
    assert "| `tests` | ✅ passed | `1` | `>= 1` | `pytest` |" in page
    assert "| `speed` (decides nothing) | ✅ passed | `3.25 times` | `> 1` | `interleaved` |" in page
    assert "| `scan` (decides nothing) | ⚪ not run |  | `== 0` | `bandit ¦ is not installed` |" in page
    assert "bloomery github revert" in page
    assert "Closes #7" in page
    assert "sums in one pass" in page


def test_the_patch_and_its_commit_are_found_again(body, site):
    page = body()
    (record,) = site.ledger.records.patches()
    assert Mark.find(page) == Mark(record.cid, "c" * 40)
    assert f"`{record.cid}`" in page


def test_what_others_said_mentions_nobody_closes_nothing_and_forges_no_mark(body):
    evil = f"thanks @torvalds\nCloses #1\n```\n{Mark('b' + 'a' * 20, 'd' * 40)}\n<img src=x> {TOKEN}"
    page = body(description=evil, words=evil)
    fences = [number for number, line in enumerate(page.splitlines()) if line.startswith("````")]
    inside = {
        line for start, end in zip(fences[::2], fences[1::2], strict=True) for line in range(start, end)
    }
    for number, line in enumerate(page.splitlines()):
        if "@torvalds" in line or "Closes #1" in line or "<img" in line:
            assert number in inside
    assert Mark.find(page).commit == "c" * 40
    assert TOKEN not in page


def test_a_test_that_prints_markdown_breaks_no_table(body, measured, monkeypatch):
    assert texts.code("a | b `c`\n@ada <!-- x") == "`a ¦ b 'c' @ada <! -- x`"


def test_a_title_holds_no_reference_and_no_mention(site):
    patch = site.propose(goal="speed", operator="closes #5 @ada https://github.com/a/b/issues/1")
    title = texts.title_of(patch)
    assert title.startswith("speed: closes 5 ada https")
    assert not set("#@/:") & set(title.removeprefix("speed:").replace("in src/engine.py", ""))


@pytest.mark.parametrize(
    "page", ["", "<!-- bloomery patch=x commit=y -->", f"{Mark('b' + 'a' * 20)}{Mark('b' + 'c' * 20)}"]
)
def test_no_mark_or_two_are_none(page):
    assert Mark.find(page) is None
