"""Tables that people can read: whole words, columns that fit, human numbers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bloomery.cli import wording
from bloomery.cli.options import plain
from bloomery.cli.tables import print_evidence, print_fields, print_table
from bloomery.core.evidence import Bar, Check, Measured, measure, not_run

PROSE = "a long note that says what happened, why, and what a person can do about it, in so many words"


def test_prose_is_wrapped_between_words_and_names_never(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    print_table(["name", "note"], [["a_name_that_is_long", PROSE], ["b", "short"]], wrapped=["note"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 60
    assert out.split() == ["name", "note", "a_name_that_is_long", *PROSE.split(), "b", "short"]


def test_a_pipe_gets_whole_lines(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(["name", "note"], [["a", PROSE * 10]], wrapped=["note"])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_numbers_stand_to_the_right_and_nothing_ends_in_blanks(capsys):
    print_table(["n", "word"], [[1, "a"], [1000, ""]])
    assert capsys.readouterr().out == "    n  word\n    1  a\n1,000\n"


def test_an_empty_table_says_so(capsys):
    print_table(["n"], [], title="runs", empty="none yet")
    assert capsys.readouterr().out == "runs\nnone yet\n"


def test_fields_without_a_value_are_left_out(capsys):
    print_fields([("run", "r1"), ("finished", None), ("seed", 3)])
    assert capsys.readouterr().out == "run   r1\nseed  3\n"


def test_evidence_shows_three_states_in_words_and_what_decides(capsys):
    accurate = Check(name="accurate", bar=Bar(op=">=", value=0.9), unit="accuracy")
    quick = Check(name="quick", bar=Bar(op="<", value=100), unit="ms", required=False)
    print_evidence(
        [
            measure(accurate, lambda: Measured(value=0.93251, interval=(0.9, 0.95), chance=0.1)),
            measure(quick, lambda: 250.0),
            not_run(accurate, "no GPU"),
        ]
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        "accurate passed 0.933 (0.9 to 0.95; chance 0.1) >= 0.9 gate",
        "quick failed 250 ms < 100 report",
        "accurate not run not measured: no GPU >= 0.9 gate",
    ]


def test_colour_is_for_terminals_only(capsys):
    print_evidence([not_run(Check(name="x", bar=Bar(op=">", value=0)), "why")])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (163108, "163,108"),
        (163108.0, "163,108"),
        (0.93251, "0.933"),
        (0, "0"),
        (1.2e-7, "1.2e-07"),
        (1234.5, "1,234"),
        (999.6, "1,000"),
        (-0.0052, "-0.0052"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_in_words(value, words):
    assert wording.number(value) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (4_300_000, "4.3 MB"),
        (999_600, "1 MB"),
        (5e9, "5 GB"),
        (2e15, "2,000.0 TB"),
    ],
)
def test_sizes_in_words(size, words):
    assert wording.size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.24, "0.2 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (None, ""),
    ],
)
def test_spans_in_words(seconds, words):
    assert wording.span(seconds) == words


def test_moments_are_in_local_time(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert wording.moment(datetime(2026, 1, 1, 20, 0, tzinfo=UTC)) == "2026-01-02 01:30"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json_holds_nothing_that_a_strict_reader_refuses():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert plain({"a": float("nan"), "b": (1, Path("x")), "c": moment, "d": Bar(op=">", value=1)}) == {
        "a": None,
        "b": [1, "x"],
        "c": "2026-01-01T00:00:00+00:00",
        "d": {"op": ">", "value": 1.0},
    }
    assert plain({"e": timedelta(seconds=1)}) == {"e": "0:00:01"}
