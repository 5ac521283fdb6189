"""The harness flags what became worse, and only that."""

import copy
import json
from pathlib import Path

import pytest

from benchmarks import harness


def row(**changes) -> dict:
    plain = {"what": "forward", "ours": 1.0, "peer": 2.0, "ratio": 2.0, "unit": "s", "bar": ">= 2"}
    return {**plain, "higher_is_better": True, "met": True, "note": "", **changes}


def results(*rows: dict, name: str = "memory") -> dict:
    around = {
        "processor": "P",
        "cores": 2,
        "python": "3.11",
        "versions": {"torch": "2"},
        "date": "2026-01-01",
    }
    one = {"name": name, "command": f"python benchmarks/{name}.py", "seconds": 3.0, "rows": list(rows)}
    return {"benchmarks": [{**one, "surroundings": around}]}


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        (row(), row(), False),
        (row(ratio=2.0), row(ratio=1.51), False),
        (row(ratio=2.0), row(ratio=1.49), True),
        (row(ratio=2.0), row(ratio=9.0), False),
        (row(ratio=2.0, higher_is_better=False), row(ratio=2.49, higher_is_better=False), False),
        (row(ratio=2.0, higher_is_better=False), row(ratio=2.51, higher_is_better=False), True),
        (row(), row(met=False), True),
        (row(), row(met=None), True),
        (row(met=False), row(met=False), False),
        (row(), row(ratio=None), True),
        (row(ratio=None), row(ratio=0.1), False),
        (row(ours=1.0), row(ours=100.0), False),
    ],
)
def test_only_a_worse_ratio_or_a_lost_bar_is_a_regression(before: dict, now: dict, worse: bool) -> None:
    assert bool(harness.regressions(results(before), results(now), 0.25)) is worse


def test_a_row_that_vanished_is_a_regression() -> None:
    found = harness.regressions(results(row(), row(what="backward")), results(row()))
    assert [(one.what, one.now) for one in found] == [("backward", "not measured")]


def test_a_benchmark_that_was_not_run_is_not_compared() -> None:
    assert harness.regressions(results(row()), results(row(ratio=0.1), name="recall")) == []


def test_the_table_says_what_was_missed_and_where_it_was_measured() -> None:
    text = harness.table(results(row(met=False, note="a | b", peer=None)))
    assert "| forward | 1 s |  | 2 | >= 2 | **no** | a \\| b |" in text
    assert "`python benchmarks/memory.py`, 3 s on P, 2 cores; Python 3.11, torch 2; 2026-01-01." in text


def test_a_benchmark_that_failed_stays_visible() -> None:
    broken = results()
    broken["benchmarks"][0]["failed"] = "exit code 3, no result"
    assert "Did not finish: exit code 3, no result." in harness.table(broken)


def test_the_table_replaces_what_stood_between_its_marks_and_nothing_else() -> None:
    page = "before\n<!-- bench-table:begin (why) -->\nold\n<!-- bench-table:end -->\nafter\n"
    once = harness.with_table(page, "new")
    assert once == "before\n<!-- bench-table:begin (why) -->\n\nnew\n\n<!-- bench-table:end -->\nafter\n"
    assert harness.with_table(once, "new") == once


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        harness.with_table("no marks", "new")


@pytest.mark.parametrize("lost", ["what", "ratio", "met"])
def test_a_result_that_lacks_a_field_is_refused(lost: str) -> None:
    incomplete = copy.deepcopy(results(row())["benchmarks"][0])
    del incomplete["rows"][0][lost]
    with pytest.raises(ValueError, match=f"lacks rows\\[\\].{lost}"):
        harness.checked(incomplete, "memory.py")


@pytest.mark.parametrize("result", [[row()], None, "text", {"rows": [1]}, {"rows": "text"}])
def test_a_result_of_another_form_is_refused(result: object) -> None:
    with pytest.raises(ValueError, match=r"its (JSON is no object|rows are no list of objects)"):
        harness.checked(result, "memory.py")


@pytest.mark.parametrize(("key", "value"), [("bar", None), ("met", "yes"), ("ratio", "2"), ("note", 3)])
def test_a_field_of_another_kind_is_refused(key: str, value: object) -> None:
    one = results(row(**{key: value}))["benchmarks"][0]
    with pytest.raises(ValueError, match=f"of another kind than told: rows\\[\\].{key}"):
        harness.checked(one, "memory.py")


OPTION = '# parser.add_argument("--json", type=Path)\n'


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two benchmarks, one of which fails, and a script that is none."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "benchmarks.md").write_text("<!-- bench-table:begin -->\n<!-- bench-table:end -->\n")
    result = json.dumps(results(row())["benchmarks"][0])
    (folder / "memory.py").write_text(
        f"{OPTION}import sys; assert sys.argv[1] == \"--json\"; open(sys.argv[2], 'w').write('''{result}''')"
    )
    (folder / "broken.py").write_text(f"{OPTION}import sys; sys.exit(3)")
    (folder / "tool.py").write_text('command = ["train", "--json"]')
    monkeypatch.setattr(harness, "FOLDER", folder)
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    monkeypatch.setattr(harness, "LATEST", tmp_path / ".benchmarks" / "latest.json")
    monkeypatch.setattr(harness, "BASELINE", folder / "baseline.json")
    monkeypatch.setattr(harness, "PAGE", tmp_path / "docs" / "benchmarks.md")
    return tmp_path


def test_a_baseline_is_stored_and_compared_with(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.main(["--only", "memory", "--save-baseline", "--table"]) == 0
    assert "| forward |" in harness.PAGE.read_text()
    assert harness.main(["--only", "memory", "--compare"]) == 0
    better = harness.load(harness.BASELINE)
    better["benchmarks"][0]["rows"][0]["ratio"] = 4.0
    harness.BASELINE.write_text(json.dumps(better))
    assert harness.main(["--no-run", "--compare"]) == 1
    assert "worse than the baseline: memory: forward: ratio 4, bar met -> ratio 2" in capsys.readouterr().out


def test_a_failed_benchmark_fails_the_whole_and_stores_no_baseline(house: Path) -> None:
    assert harness.main(["--save-baseline"]) == 1
    assert not harness.BASELINE.exists()
    assert [one["name"] for one in harness.load(harness.LATEST)["benchmarks"]] == ["broken", "memory"]


@pytest.mark.parametrize("told", ["[]", "{", '{"rows": []}', ""])
def test_a_broken_result_ends_no_other_benchmark(
    house: Path, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (harness.FOLDER / "broken.py").write_text(
        f"{OPTION}import sys; open(sys.argv[2], 'w').write({told!r})",
    )
    assert harness.main(["--table"]) == 1
    broken, memory = harness.load(harness.LATEST)["benchmarks"]
    assert memory["rows"] == [row()]
    assert f"Did not finish: {broken['failed']}." in harness.PAGE.read_text()
    assert f"broken did not finish: {broken['failed']}" in capsys.readouterr().out


def test_a_package_is_a_benchmark_by_the_name_of_its_folder(house: Path) -> None:
    package = harness.FOLDER / "slowly"
    package.mkdir()
    result = json.dumps(results(row(what="of a package"), name="slowly")["benchmarks"][0])
    (package / "helper.py").write_text(f"RESULT = {result!r}")
    (package / "__main__.py").write_text(
        f"{OPTION}import sys\nfrom benchmarks.slowly.helper import RESULT\n"
        "open(sys.argv[sys.argv.index('--json') + 1], 'w').write(RESULT)"
    )
    assert harness.main(["--only", "slowly"]) == 0
    (one,) = harness.load(harness.LATEST)["benchmarks"]
    assert one["rows"] == [row(what="of a package")]


def test_running_one_keeps_the_others_results(house: Path) -> None:
    harness.main([])
    harness.main(["--only", "memory"])
    assert [one["name"] for one in harness.load(harness.LATEST)["benchmarks"]] == ["broken", "memory"]


def test_an_unknown_benchmark_is_named(house: Path) -> None:
    with pytest.raises(SystemExit, match="no benchmark named smelting; there are broken, memory"):
        harness.main(["--only", "smelting"])


def test_no_results_and_no_run_says_what_to_do(house: Path) -> None:
    with pytest.raises(SystemExit, match="run once without --no-run"):
        harness.main(["--no-run"])
