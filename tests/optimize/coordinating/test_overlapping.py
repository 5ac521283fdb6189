"""Where two changes meet, and what they come to together, by files."""

import pytest

from bloomery.optimize.coordinating.merging import merged, regions
from bloomery.optimize.coordinating.overlapping import found, only_uses
from tests.optimize.coordinating.working import MODULE

BASE = {
    "ops.py": MODULE,
    "notes.txt": "one\ntwo\nthree\nfour\nfive\n",
    "web.js": "function go(a) {\n  return a\n}\n",
}


def side(**changes: tuple[str, str] | None) -> dict[str, str | None]:
    """Texts by path (`ops_py`), each with a replacement; None: the file is removed."""
    texts: dict[str, str | None] = {}
    for name, pair in changes.items():
        path = name.replace("_", ".")
        texts[path] = None if pair is None else BASE[path].replace(*pair)
        assert texts[path] != BASE[path]
    return texts


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (side(ops_py=("LIMIT = 10", "LIMIT = 11")), side(notes_txt=("two", "2")), []),
        (side(ops_py=("found + item", "item + found")), side(ops_py=("parts = []", "parts = list()")), []),
        (side(notes_txt=("two", "2")), side(notes_txt=("three", "3")), ["notes.txt:hunk:3"]),
        (side(notes_txt=("one", "1")), side(notes_txt=("five", "5")), []),
        (side(notes_txt=("two", "2")), side(notes_txt=None), ["notes.txt:file:deleted"]),
        (
            side(ops_py=("found = 0", "found = 0.0")),
            side(ops_py=("found + item", "item + found")),
            ["ops.py:symbol:total"],
        ),
        (
            side(ops_py=("def total(items):", "def total(items, start):")),
            side(ops_py=("    return parts\n", "    return parts or total([])\n")),
            ["ops.py:use:total"],
        ),
    ],
)
def test_what_is_in_the_way_is_named(one, other, where: list[str]) -> None:
    assert list(found(BASE, one, other)) == where
    assert only_uses(where) == all(":use:" in line for line in where)


def test_symbols_of_other_languages_are_known_too() -> None:
    pytest.importorskip("tree_sitter_javascript")
    one = {"web.js": "function go(a) {\n  return a + 1\n}\n"}
    other = {"web.js": BASE["web.js"] + "\n\nfunction run() {\n  return go(1)\n}\n"}
    assert "web.js:use:go" in found(BASE, one, other)


def test_files_are_put_together_where_only_one_side_touches_them(shop) -> None:
    one = {"ops.py": "x = 1\n", "new.py": "y = 2\n"}
    other = {"notes.txt": None}
    woven = merged(shop.ledger.repository, BASE, one, other)
    assert (woven.texts, woven.clashes) == ({**one, **other}, ())


def test_a_file_that_one_side_removes_and_the_other_changes_is_no_merge(shop) -> None:
    woven = merged(shop.ledger.repository, BASE, side(notes_txt=("two", "2")), {"notes.txt": None})
    assert [clash.path for clash in woven.clashes] == ["notes.txt"]
    assert "the file is not there" in woven.clashes[0].shown


def test_a_clash_is_shown_with_both_sides_and_what_was_there(shop) -> None:
    one, other = side(notes_txt=("two", "2")), side(notes_txt=("two", "TWO"))
    (clash,) = merged(shop.ledger.repository, BASE, one, other).clashes
    (region,) = regions(clash.shown, around=0)
    assert region == "<<<<<<< one\n2\n||||||| base\ntwo\n=======\nTWO\n>>>>>>> other"


def test_line_ends_and_a_missing_last_one_are_kept(shop) -> None:
    base = {"a.txt": "a\r\nb\r\nc\r\nd\r\ne"}
    one, other = {"a.txt": "A\r\nb\r\nc\r\nd\r\ne"}, {"a.txt": "a\r\nb\r\nc\r\nd\r\nE"}
    assert merged(shop.ledger.repository, base, one, other).texts == {"a.txt": "A\r\nb\r\nc\r\nd\r\nE"}
