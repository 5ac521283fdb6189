"""What the benchmark of the code model tells of made-up parts."""

import json

from benchmarks import code_model as bench
from benchmarks import harness


def part(value, steps=10):
    bits = {"bits_per_byte": value, "error": 0.01, "draws": 20, "files": 3, "size_bytes": 9_000}
    chosen = [[5, value + 1], [10, value]]
    return {"bits": bits, "steps": steps, "chosen": chosen, "processor_s": 120.0}


FLOORS = {
    "ngrams": {"1": 4.5, "3": 2.6, "5": 2.0}, "xz": 1.7, "xz_primed": 1.5,
    "counting": {"bits_per_byte": 2.1},
}  # fmt: skip


def test_rows_tell_the_bar_the_floors_the_twin_and_places(tmp_path):
    found = {"masked": part(2.4), "floors": FLOORS, "autoregressive": part(1.8)}
    found |= {"told-0": part(2.8, 4), "plain-0": part(2.9, 4), "told-1": part(2.7, 4)}
    rows = bench.rows(found)
    told = {"name": "code_model", "command": "c", "seconds": 1.0, "rows": json.loads(json.dumps(rows))}
    harness.checked(told, "code_model")
    by_name = {row["what"]: row for row in rows}
    bar = by_name["masked code model"]
    assert (bar["ours"], bar["bar"], bar["met"]) == (2.4, "below 2.67", True)
    assert bar["note"] == "± 0.010 over 20 draws; 10 steps, 2 minutes of a core; 3 files, 9,000 bytes"
    assert by_name["against a byte 5-gram"]["ratio"] == 2.4 / 2.0
    assert by_name["against the same net, autoregressive"]["peer"] == 1.8
    places = by_name["places told, against plain positions, 4 steps, seed 0"]
    assert (places["ours"], places["peer"]) == (2.8, 2.9)
    assert len(rows) == 1 + 3 + 3 + 1 + 1  # of seed 1 one half is missing
    bench.plot(found, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_missed_bar_is_told():
    assert bench.rows({"masked": part(2.7)})[0]["met"] is False


def test_a_part_that_was_measured_is_not_measured_again(tmp_path):
    made = iter([{"a": 1}])
    assert bench.kept(tmp_path, "x", lambda: next(made)) == {"a": 1}
    assert bench.kept(tmp_path, "x", lambda: next(made)) == {"a": 1}
