"""Of made-up results the long benchmarks tell rows that the harness takes, with bars that can fail."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import faults, harness, policy, repair, telling, testgen
from benchmarks.github import __main__ as github
from benchmarks.github.replaying import Day
from benchmarks.slow import __main__ as slow
from benchmarks.slow.corpus import Case
from bloomery.optimize.proposal import Proposal


def taken(rows: list[dict]) -> dict[str, dict]:
    """The rows by what they tell, once the harness has taken them."""
    harness.checked({"name": "n", "command": "c", "seconds": 1.0, "rows": json.loads(json.dumps(rows))}, "n")
    assert len({row["what"] for row in rows}) == len(rows)
    assert all(row["bar"] or row["met"] is None for row in rows)
    return {row["what"]: row for row in rows}


def test_what_is_written_is_what_the_harness_takes(tmp_path: Path) -> None:
    telling.write(tmp_path / "out", "slow", telling.share("s", 9, 10, least=0.9), 2.0, "--seed 1")
    told = harness.checked(json.loads((tmp_path / "out").read_text()), "out")
    assert (told["command"], told["rows"][0]["met"]) == ("python -m benchmarks.slow --seed 1", True)
    assert "| s | 0.9 share |" in harness.table({"benchmarks": [{**told, "surroundings": AROUND}]})


AROUND = {"processor": "P", "cores": 2, "python": "3.11", "versions": {}, "date": "2026-01-01"}


def test_every_benchmark_that_the_harness_finds_writes_rows() -> None:
    for path in harness.scripts():
        text = path.read_text()
        assert "telling.write(" in text or '"rows"' in text, path.name


WEAK = faults.Row("a", "k", "held", True, True, (), (), 4, 1.0, "m")


def test_faults_tell_what_was_found_and_whom_they_accused() -> None:
    weak = [WEAK, replace(WEAK, mended=False, alarms=("one", "two"))]
    rows = taken(faults.rows(weak))
    assert (
        rows["planted weaknesses found, held"]["ours"],
        rows["planted weaknesses mended, held"]["ours"],
    ) == (
        1.0,
        0.5,
    )
    accused = rows["sound twins accused, held"]
    assert (accused["ours"], accused["note"], accused["met"]) == (1.0, "1 of 2; 2 claims", None)


FIXED = repair.Row("a", "k", "tuned", True, True, 119.0, 60.0, 9, "op", 1)


@pytest.mark.parametrize(("right", "met"), [(9, True), (8, False)])
def test_repairs_meet_the_bar_by_their_share_of_correct_ones(right: int, met: bool) -> None:
    rows = taken(repair.rows([replace(FIXED, correct=at < right) for at in range(10)]))
    assert rows["repaired correctly, all"]["met"] is met
    assert rows["repaired correctly, tuned"]["note"] == f"{right} of 10; 10 repaired"
    assert "repaired correctly, held" not in rows


@pytest.mark.parametrize(("seconds", "met"), [(120.0, True), (121.0, False)])
def test_a_search_beyond_two_minutes_misses_the_bar(seconds: float, met: bool) -> None:
    row = taken(repair.rows([FIXED, replace(FIXED, seconds=seconds)]))["slowest search"]
    assert (row["ours"], row["met"]) == (seconds, met)


def module(ours: int, theirs: int | None, rate: tuple[float, float] | None = None) -> dict:
    def suite(killed: int) -> dict:
        return {"killed": killed, "mutants": 20, "cosmic_killed": killed, "cosmic": 20, "cpu_s": 3.0}

    row = {"set": "held", "bloomery": suite(ours)} | ({} if theirs is None else {"pynguin": suite(theirs)})
    if rate:
        row["rate"] = {"bloomery_mutants": 10, "mutmut_mutants": 10}
        row["rate"] |= {"bloomery_per_cpu_s": rate[0], "mutmut_per_cpu_s": rate[1]}
    return row


@pytest.mark.parametrize(("theirs", "met"), [(9, True), (10, False), (None, None)])
def test_generated_tests_have_to_kill_more_than_pynguins(theirs: int | None, met: bool | None) -> None:
    rows = taken(testgen.rows({"a": module(10, theirs), "b": module(10, theirs)}))
    row = rows["mutants killed (ours), all modules"]
    assert (row["ours"], row["met"]) == (20.0, met)
    assert ("without Pynguin" in row["note"]) is (theirs is None)


@pytest.mark.parametrize(
    ("rates", "ratio"), [([(2.0, 2.0)], 1.0), ([(1.0, 2.0), (5.0, 2.0)], 20 / 12 * 10 / 20), ([], None)]
)
def test_mutants_a_second_are_of_all_modules_together(rates: list, ratio: float | None) -> None:
    """In the second case 10 s and 2 s against 5 s and 5 s."""
    found = {str(at): module(1, 1, rate) for at, rate in enumerate(rates)}
    row = taken(testgen.rows(found))["mutants a CPU second"]
    assert row["ratio"] == (None if ratio is None else pytest.approx(ratio))
    assert row["met"] is (None if ratio is None else ratio >= 1)


DAY = Day(
    seed=0,
    runs=96,
    runs_with_news=60,
    requests=200,
    reads=100,
    hits=70,
    charged=30,
    merged=5,
    faults=9,
    waiting=0,
)
SECOND = {"first_requests": 99, "second_requests": 12, "second_304": 12, "second_charged": 0}
FAULTS = {
    "requests_of_the_way": 9,
    "tried": 8,
    "ended_otherwise": [],
    "cut_short": 3,
    "cut_short_in_silence": [],
}


def test_the_worst_day_decides_about_the_hit_rate() -> None:
    row = taken(github.rows({"days": [DAY, replace(DAY, hits=69)]}))["reads answered 304, worst day"]
    assert (row["ours"], row["met"]) == (0.69, False)
    assert taken(github.rows({"days": [DAY]}))["reads answered 304, worst day"]["met"] is True


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("second", {"second_charged": 1}),
        ("second", {"second_304": 11}),
        ("faults", {"ended_otherwise": [1]}),
        ("faults", {"cut_short_in_silence": [1]}),
    ],
)
def test_quota_and_loss_and_silence_miss_their_bars(part: str, changed: dict) -> None:
    sound = {"second": SECOND, "faults": FAULTS}
    assert all(row["met"] for row in taken(github.rows(sound)).values())
    rows = taken(github.rows({**sound, part: sound[part] | changed}))
    assert [row["met"] for row in rows.values()].count(False) == 1


def verdict(half: str, *, faster: bool, to_best: float = 1.0, wrong: int = 0) -> slow.Verdict:
    case = Case("f", "reason", half, "", "", "")
    return slow.Verdict(case, 2, (Proposal("p", "o", "", {}, "f"),) * wrong, None, 2.0, to_best, faster)


@pytest.mark.parametrize(("solved", "met"), [(8, True), (7, False)])
def test_slow_functions_are_solved_by_a_share(solved: int, met: bool) -> None:
    some = [verdict("held_out", faster=True, to_best=1.5 if at < solved else 1.6) for at in range(10)]
    row = taken(slow.rows(some))["slow functions solved, all"]
    assert (row["ours"], row["met"]) == (solved / 10, met)


@pytest.mark.parametrize("faster", [True, False])
def test_no_optimal_function_may_be_claimed_faster(faster: bool) -> None:
    rows = taken(slow.rows([verdict("optimal", faster=faster, wrong=1), verdict("tuned", faster=True)]))
    assert rows["optimal functions claimed faster"]["met"] is not faster
    assert rows["wrong proposals"]["note"].startswith("1 of 4")


def offered(name: str, *rewards: float) -> policy.Offered:
    features = tuple({"a": float(at)} for at in range(len(rewards)))
    return policy.Offered(name, "tuned", tuple("abc")[: len(rewards)], features, rewards)


@pytest.mark.parametrize(("earned", "met"), [(1.0, True), (0.5, False)])
def test_the_policy_meets_its_bar_where_the_interval_excludes_chance(earned: float, met: bool) -> None:
    corpus = [offered(f"f{at}", 0.0, 1.0) for at in range(20)]
    told = policy.compared("second pass", corpus, [{one.name: earned for one in corpus}])
    row = taken([policy.row_of("a corpus", told, judged=True)])["a corpus: second pass"]
    assert (row["ours"], row["peer"], row["met"]) == (earned, 0.5, met)
