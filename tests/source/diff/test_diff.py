"""Diffs are what git means by them: judged by `git apply`, `git diff` and `git merge-file`."""

import hashlib
import subprocess

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bloomery.core.errors import FormatRefused, UserError
from bloomery.source.diff import Diff, FileDiff, Hunk, Span, apply, bytes_of, make, parse, reverse, text_of
from bloomery.source.diff.applying import DoesNotApply
from bloomery.source.diff.overlapping import overlaps
from bloomery.source.diff.reading import NotADiff

# Few lines that often repeat, some empty, of every line end, some not UTF-8, some that look like a diff.
LINES = [
    "a\n",
    "b\n",
    "\n",
    "c\r\n",
    "- \n",
    "+++ b/x\n",
    "--- a/x\n",
    "@@ -1 +1 @@\n",
    "d \t\n",
    "\udcff\n",
    "é\f\n",
]
TEXTS = st.builds(
    lambda lines, end: "".join(lines) + end,
    st.lists(st.sampled_from(LINES), max_size=14),
    st.sampled_from(["", "z"]),
)
NAMES = ["a.py", "dir/b c.py", 'é".txt', "-x", "tab\there", "dir/é b"]
TREES = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=3)
WITH_GIT = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(TREES, TREES)
def test_what_a_diff_is_made_from_comes_back_both_ways(before: dict, after: dict) -> None:
    diff = make(before, after)
    assert apply(diff, before) == after
    assert apply(reverse(diff), after) == before
    assert reverse(reverse(diff)) == diff


@given(TREES, TREES)
def test_a_printed_diff_is_read_as_the_same_diff(before: dict, after: dict) -> None:
    diff = make(before, after)
    assert parse(diff.data) == parse(str(diff)) == diff


@given(TREES, TREES, st.integers(0, 4))
@WITH_GIT
def test_git_applies_what_is_printed(repository, before: dict, after: dict, context: int) -> None:
    diff = make(before, after, context=context)
    assume(diff)
    repository.hold(before)
    options = ["--whitespace=nowarn", *(["--unidiff-zero"] if context == 0 else [])]
    repository.git("apply", *options, stdin=diff.data)
    assert repository.texts() == after
    repository.git("apply", "-R", *options, stdin=diff.data)
    assert repository.texts() == before
    repository.hold(after)
    repository.git("apply", *options, stdin=reverse(diff).data)
    assert repository.texts() == before


@given(TREES, TREES)
@WITH_GIT
def test_what_git_prints_is_read_and_does_the_same(repository, before: dict, after: dict) -> None:
    repository.hold(before)
    tree = repository.git("write-tree").decode().strip()
    repository.hold(after)
    theirs = parse(repository.git("diff", "--cached", "--no-renames", "--text", "--full-index", tree))
    assert apply(theirs, before) == after
    assert [(file.path, file.blobs) for file in theirs.files] == [
        (file.path, file.blobs) for file in make(before, after).files
    ]


def test_a_diff_with_one_way_to_say_it_has_the_bytes_of_git(repository) -> None:
    many = "".join(f"line {i}\n" for i in range(40))
    before = {"many": many, "dir/old one": "x\n", "no end": "a\nb", "crlf": "a\r\nb\r\n", "é": "1\n"}
    after = {
        "many": many.replace("line 3\n", "").replace("line 20\n", "20\n20b\n") + "more\n",
        "fresh": "new\n",
        "empty": "",
        "no end": "a\nb\n",
        "crlf": "a\r\nB\r\n",
        "é": "1\n2",
    }
    repository.hold(before)
    tree = repository.git("write-tree").decode().strip()
    repository.hold(after)
    printed = repository.git("diff", "--cached", "--no-renames", "--full-index", tree)
    headless = b"\n".join(
        line[: line.index(b"@@", 2) + 2] if line.startswith(b"@@") else line for line in printed.split(b"\n")
    )
    modes = dict.fromkeys(before, "100644")
    assert {*headless.split(b"diff --git ")} == {*make(before, after, modes=modes).data.split(b"diff --git ")}


def test_three_way_application_finds_its_base_by_the_blobs(repository) -> None:
    """Two lines were put above, so that hunks alone would still fit; what was changed nearby must merge."""
    base = {"f": "".join(f"{i}\n" for i in range(12))}
    diff = make(base, {"f": base["f"].replace("6\n", "six\n")})
    repository.hold(base)
    repository.git("commit", "-qm", "base")
    moved = base["f"].replace("4\n", "four\n")
    repository.hold({"f": moved})
    repository.git("commit", "-qm", "moved")
    repository.git("apply", "--3way", stdin=diff.data)
    assert repository.texts() == {"f": moved.replace("6\n", "six\n")}


def test_renames_and_modes_go_there_and_back(repository) -> None:
    before = {"old name.sh": "a\nb\n", "same": "x\n"}
    after = {"new": "a\nB\n", "dir/same": "x\n"}
    diff = make(before, after, renamed={"old name.sh": "new", "same": "dir/same"}, modes={"new": "100755"})
    assert [(file.before, file.after) for file in diff.files] == [
        ("same", "dir/same"),
        ("old name.sh", "new"),
    ]
    assert parse(diff.data) == diff
    assert apply(diff, before) == after
    repository.hold(before)
    repository.git("apply", stdin=diff.data)
    assert repository.texts() == after
    repository.git("apply", stdin=reverse(diff).data)
    assert repository.texts() == before


def test_a_changed_mode_alone_is_a_diff(repository) -> None:
    repository.hold({"run": "x\n"})
    (repository.root / "run").chmod(0o755)
    printed = repository.git("diff")
    assert parse(printed).files == (FileDiff("run", "run", modes=("100644", "100755")),)
    assert parse(printed).data == printed
    (repository.root / "run").chmod(0o644)


def test_a_link_that_becomes_a_file_is_taken_away_before_it_is_made(repository) -> None:
    repository.hold({})
    (repository.root / "x").symlink_to("nowhere")
    repository.git("add", "x")
    tree = repository.git("write-tree").decode().strip()
    (repository.root / "x").unlink()
    repository.hold({"x": "text\n"})
    diff = parse(repository.git("diff", "--cached", tree))
    assert [(file.before, file.after) for file in diff.files] == [("x", None), (None, "x")]
    assert apply(diff, {"x": "nowhere"}) == {"x": "text\n"}


def test_the_name_of_a_blob_is_that_of_git(repository) -> None:
    text = "caf\u00e9\n\udc80"
    named = repository.git("hash-object", "--stdin", stdin=bytes_of(text)).decode().strip()
    assert make({}, {"f": text}).files[0].blobs == ("0" * 40, named)


def test_equal_changes_have_equal_bytes_whatever_order_they_are_named_in() -> None:
    before, after = {"a": "1\n", "b": "2\n", "c": "3\n"}, {"c": "4\n", "d": "5\n", "a": "1\n"}
    shuffled = make(dict(reversed(before.items())), dict(reversed(after.items())))
    assert shuffled.data == make(before, after).data
    assert hashlib.sha256(shuffled.data).digest() != hashlib.sha256(reverse(shuffled).data).digest()


@pytest.mark.parametrize(
    "text",
    [
        "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
        "--- f\t2026-01-01 00:00:00\n+++ f\t2026-01-02 00:00:00\n@@ -2 +2 @@ def x():\n-b\n+c\n",
        "diff --git i/f w/f\nindex 123456..789abc 100644\n--- i/f\n+++ w/f\n@@ -2 +2 @@\n-b\n+c\n",
        "From 0123 Mon\nSubject: x\n---\n f | 2 +-\n\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n"
        "@@ -1,2 +1,2 @@\n a\n-b\n+c\n-- \n2.39.5\n\n",
    ],
)
def test_diffs_of_other_tools_are_read(text: str) -> None:
    assert apply(parse(text), {"f": "a\nb\n"}) == {"f": "a\nc\n"}


def test_an_empty_context_line_that_lost_its_space_is_read() -> None:
    assert apply(parse("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n\n-b\n+c\n"), {"f": "\nb\n"}) == {"f": "\nc\n"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n", 6, "lacks 0 - and 1 \\+ lines; the text ends"),
        ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-b\n+c\n+d\n", 6, "more lines than"),
        ("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-b\n?\n", 5, "there is"),
        ("--- a/f\n+++ b/f\n@@ one @@\n", 3, "expected @@"),
        ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n a\n", 3, "changes nothing"),
        ("@@ -1 +1 @@\n-a\n+b\n", 1, "without lines"),
        ("diff --git a/x y z b/k\nnew file mode 100644\n", 1, "names no file"),
    ],
)
def test_what_is_no_diff_is_named_by_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(NotADiff, match=f"line {line} of the diff: .*{why}"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "diff --git a/x b/x\nindex 12345..6789a\nBinary files a/x and b/x differ\n",
        "diff --git a/x b/x\nindex 12345..6789a\nGIT binary patch\nliteral 3\n",
        "diff --git a/x b/y\nsimilarity index 90%\ncopy from x\ncopy to y\n",
        "diff --cc x\nindex 1..2\n",
    ],
)
def test_diffs_of_other_kinds_are_refused(text: str) -> None:
    with pytest.raises(FormatRefused, match=r"line \d of the diff: "):
        parse(text)
    with pytest.raises(FormatRefused, match="f: it holds null bytes"):
        make({}, {"f": "a\0b"})


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", ".git/hooks/x", "", "a//b", ".GIT/config"]
)
def test_no_diff_reaches_out_of_its_folder(path: str) -> None:
    with pytest.raises(UserError, match="in a diff: "):
        make({}, {path: "x\n"})


@pytest.mark.parametrize(
    "hunks",
    [
        (Hunk(3, 3, ("-a\n",)), Hunk(1, 1, ("-b\n",))),
        (Hunk(1, 1, ("-a\n",)), Hunk(5, 5, ("-b\n",))),
        (Hunk(1, 1, (" a\n",)),),
        (Hunk(1, 1, ("a\n",)),),
        (Hunk(1, 1, ("-a\n+b\n",)),),
        (Hunk(1, 1, ("-a", "-b\n")),),
    ],
)
def test_hunks_that_no_text_can_have_are_refused(hunks: tuple[Hunk, ...]) -> None:
    with pytest.raises(UserError, match=r"^f: "):
        FileDiff("f", "f", hunks)


def test_a_file_that_is_not_there_has_no_lines_there() -> None:
    with pytest.raises(UserError, match="not there"):
        FileDiff(None, "f", (Hunk(1, 1, ("-a\n",)),), modes=(None, "100644"))
    with pytest.raises(UserError, match="more than once"):
        Diff((FileDiff("f", "f", modes=("100644", "100755")), FileDiff("f", "g")))


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({}, "not there"),
        ({"f": "a\nb\nX\nd\n"}, "f:3: the diff expects 'c"),
        ({"f": "a\nb\n"}, "f:3: .*the end of the file"),
        ({"f": "a\nb\nc\nd\n", "g": ""}, "g: the diff makes it"),
        ({"f": "a\nb\nc\nd"}, "f:4: "),
    ],
)
def test_texts_other_than_the_base_are_refused(texts: dict, why: str) -> None:
    diff = make({"f": "a\nb\nc\nd\n"}, {"f": "a\nb\nC\nd\n", "g": "x\n"})
    with pytest.raises(DoesNotApply, match=why):
        apply(diff, texts)


def test_a_last_line_without_its_end_fits_only_at_the_end() -> None:
    diff = make({"f": "a\n"}, {"f": "b"}, context=0)
    with pytest.raises(DoesNotApply, match="expects 1 lines, here are 2"):
        apply(diff, {"f": "a\nc\n"})


def test_touched_lines_are_told_on_both_sides_without_context() -> None:
    (file,) = make({"f": "1\n2\n3\n4\n5\n6\n7\n"}, {"f": "0\n1\n2\nx\ny\n4\n5\n7\n"}).files
    assert file.before_spans == (Span(1, 1), Span(3, 4), Span(6, 7))
    assert file.after_spans == (Span(1, 2), Span(4, 6), Span(8, 8))


@given(TEXTS, TEXTS)
def test_lines_outside_the_touched_ones_are_the_same(before: str, after: str) -> None:
    assume(before != after)
    (file,) = make({"f": before}, {"f": after}).files
    kept = []
    for text, spans in ((before, file.before_spans), (after, file.after_spans)):
        touched = {line for span in spans for line in range(span.first, span.stop)}
        lines = text.split("\n")
        kept.append([line for number, line in enumerate(lines, 1) if number not in touched and line])
    assert kept[0] == kept[1]


@given(st.data())
@settings(max_examples=60)
def test_diffs_that_do_not_overlap_merge_cleanly_and_those_that_do_conflict(tmp_path_factory, data) -> None:
    """Lines are all different, so that there is one way to align them; changes differ, so that none agree."""
    base = [f"line {i}\n" for i in range(12)]
    mine, theirs = (_edited(data, base, name) for name in ("mine", "theirs"))
    texts = ["".join(lines) for lines in (mine, base, theirs)]
    assume(texts[1] not in (texts[0], texts[2]))
    met = overlaps(make({"f": texts[1]}, {"f": texts[0]}), make({"f": texts[1]}, {"f": texts[2]}))
    folder = tmp_path_factory.mktemp("merge")
    for name, text in zip("mbt", texts, strict=True):
        (folder / name).write_text(text)
    merged = subprocess.run(["git", "merge-file", "-p", *"mbt"], cwd=folder, capture_output=True, check=False)
    assert bool(met) == (merged.returncode != 0)


def _edited(data: st.DataObject, base: list[str], name: str) -> list[str]:
    """One to three edits, each of lines that no other of its edits borders on."""
    lines: list[str] = []
    for number, line in enumerate(base):
        change = data.draw(st.sampled_from([*["keep"] * 6, "replace", "insert"]))
        lines += {
            "keep": [line],
            "replace": [f"{name} {number}\n"],
            "insert": [f"{name} above {number}\n", line],
        }[change]
    return lines


def test_a_file_that_one_diff_deletes_overlaps_with_any_change_of_it() -> None:
    base = {"f": "a\nb\n", "g": "x\n"}
    change, gone = make(base, {**base, "f": "A\nb\n"}), make(base, {"g": "x\n"})
    moved = make(base, {"h": "a\nb\n", "g": "x\n"}, renamed={"f": "h"})
    assert [(one.path, one.level, one.where) for one in overlaps(change, gone)] == [("f", "file", "deleted")]
    assert [one.where for one in overlaps(moved, change)] == ["renamed"]
    assert overlaps(change, make(base, {**base, "g": "y\n"})) == ()
    fresh = make(base, {**base, "h": "1\n"})
    assert [one.where for one in overlaps(fresh, moved)] == ["made and renamed"]


def test_bytes_that_are_not_utf_8_are_kept_and_characters_that_no_file_holds_are_refused() -> None:
    assert text_of(b"\xff\n") == "\udcff\n"
    assert make({}, {"f": text_of(b"\xff\n")}).data.endswith(b"\n+\xff\n")
    with pytest.raises(UserError, match="line 2: "):
        make({}, {"f": "a\n\ud800"})


def test_two_long_unlike_texts_are_compared_in_counted_work() -> None:
    """Quadratic alignment of 20,000 equal lines on both sides would take hours; here it is left out."""
    before = "".join("same\n" if i % 2 else f"{i}\n" for i in range(20_000))
    after = "".join("same\n" if i % 2 else f"x{i}\n" for i in range(20_000))
    assert apply(make({"f": before}, {"f": after}), {"f": before}) == {"f": after}
