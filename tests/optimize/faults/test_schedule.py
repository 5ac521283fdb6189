from random import Random

from bloomery.optimize.faults.probing import merged
from bloomery.optimize.faults.schedule import KINDS, Crossing, Fault, Scenario, pairs, single, smaller
from bloomery.optimize.faults.weakness import Weakness

OPEN = Crossing("open to write", 0, "save", 3, "a.json")
WRITES = (Crossing("write", 0, "save", 4), Crossing("write", 1, "save", 4))


def test_every_kind_of_a_seam_is_tried_at_every_crossing_and_a_kill_before_each_change():
    schedules = [schedule[0] for schedule in single((OPEN, *WRITES))]
    for crossing in (OPEN, *WRITES):
        at = [one.kind for one in schedules if (one.seam, one.at) == (crossing.seam, crossing.number)]
        assert set(at) == set(KINDS[crossing.seam])
    assert [one.at for one in schedules if one.kind == "kill"] == [0, 1, 2]
    assert [one for one in schedules if one.lasting] == [Fault("write", "ENOSPC", 0, lasting=True)]


def test_what_is_wrong_with_json_is_not_tried_on_other_text():
    kinds = {
        form: {one[0].kind for one in single([Crossing("content", 0, "load", 1, form)])}
        for form in ("json", "text")
    }
    assert kinds["json"] - kinds["text"] == {"null", "object", "list"}


def test_equal_seeds_draw_equal_pairs_of_two_faults():
    drawn = [list(pairs((OPEN, *WRITES), Random(seed), 6)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {len(one) for one in drawn[0]} == {2}


def shrunk(schedule, fails):
    while less := next((one for one in smaller(schedule) if fails(one)), None):
        schedule = less
    return schedule


def test_a_failing_schedule_shrinks_to_the_one_fault_that_matters_at_its_first_place():
    given = (Fault("open", "EIO", 3), Fault("write", "ENOSPC", 9, lasting=True))
    fails = lambda schedule: any(f.seam == "write" and f.at >= 4 for f in schedule)  # noqa: E731
    assert shrunk(given, fails) == (Fault("write", "ENOSPC", 4),)


def test_a_weakness_that_several_scenarios_show_is_told_once():
    seen = [
        Weakness(kind, "a.py", function, 1, "", Scenario(name), (), call)
        for name, kind, function, call in (
            ("one", "leak", "read", "load"),
            ("two", "leak", "read", "sum_of"),
            ("three", "leak", "parse", "load"),
            ("four", "torn file", "read", "load"),
            ("five", "leak", "write", "save"),
        )
    ]
    assert [one.scenario.name for one in merged(seen)] == ["one", "four", "five"]
