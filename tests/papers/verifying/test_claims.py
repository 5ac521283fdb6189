"""How near a measured number is to the claimed one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.core.evidence import State
from bloomery.papers.verifying.claim import Claim, Point
from bloomery.papers.verifying.claims import band, compare, deviation, shortfall
from bloomery.papers.verifying.results import Result, read_results, write_results

BANDS = [
    (100.0, "match"),
    (101.0, "match"),  # exactly 1 %
    (101.01, "close"),
    (103.0, "close"),
    (103.01, "stretch"),
    (105.0, "stretch"),
    (105.01, "success"),
    (110.0, "success"),
    (110.01, "deviation"),
    (99.0, "match"),
    (98.99, "better"),
    (50.0, "better"),
]


@pytest.mark.parametrize(("measured", "expected"), BANDS)
def test_of_what_should_be_low_a_higher_number_falls_into_a_band(measured, expected):
    assert band(100.0, measured, "lower") == expected


@given(st.floats(0.1, 1e6), st.floats(0.5, 1.5))
def test_the_bands_of_both_directions_mirror_each_other(claimed, factor):
    measured = claimed * factor
    assert band(-claimed, -measured, "higher") == band(claimed, measured, "lower")


def test_a_claimed_zero_is_compared_absolutely():
    assert (band(0.0, 0.0, "lower"), band(0.0, 0.02, "lower"), band(0.0, 0.2, "lower")) == (
        "match",
        "close",
        "deviation",
    )
    assert deviation(0.0, -0.25) == 0.25


def test_the_good_side_falls_short_of_nothing():
    assert shortfall(2.0, 1.0, "lower") == 0.0
    assert shortfall(2.0, 1.0, "higher") == 0.5


def claimed(**fields: object) -> Claim:
    given = {"id": "loss", "value": 2.0, "metric": "loss", "direction": "lower", "source": "Table 1"}
    return Claim(**{**given, **fields})


def test_beyond_its_tolerance_a_claim_is_not_reproduced_and_still_accounted_for():
    near, far = (Result(state="measured", value=value, samples=(value,)) for value in (2.15, 2.25))
    assert compare("fade", claimed(), near).reproduced
    report = compare("fade", claimed(), far)
    assert (report.band, report.reproduced, report.accounted) == ("deviation", False, True)
    assert report.evidence().state is State.FAILED
    assert not report.evidence().required
    assert not compare("fade", claimed(tolerance=0.05), near).reproduced
    edge = Result(state="measured", value=2.2, samples=(2.2,))
    assert compare("fade", claimed(), edge).reproduced  # exactly 10 %


def test_nothing_measured_is_accounted_for_only_with_a_reason():
    silent = compare("fade", claimed(command="a:b"), None)
    assert (silent.band, silent.accounted) == ("not run", False)
    assert silent.evidence().state is State.NOT_RUN
    said = compare("fade", claimed(not_reproduced="it needs a cluster"), None)
    assert (said.accounted, said.reason) == (True, "it needs a cluster")


def test_a_curve_is_as_near_as_its_worst_point():
    claim = claimed(value=None, curve=(Point(at=0, value=4.0), Point(at=10, value=2.0)))
    report = compare("fade", claim, Result(state="measured", curve=((0.0, 4.0), (10.0, 2.08))))
    assert [point.band for point in report.points] == ["match", "stretch"]
    assert (report.band, report.shortfall) == ("stretch", 0.04)


def test_a_curve_that_lacks_a_point_is_not_run():
    claim = claimed(curve=(Point(at=0, value=4.0), Point(at=10, value=2.0)))
    report = compare("fade", claim, Result(state="measured", curve=((0.0, 4.0),)))
    assert (report.band, report.accounted) == ("not run", False)
    assert report.reason == "the result lacks the value, the point at 10"


def test_results_are_read_as_they_were_written(tmp_path):
    results = {"loss": Result(state="measured", value=2.0, samples=(2.0,), curve=((0.0, 1.0),), seeds=(1,))}
    write_results(tmp_path, "fade", results)
    assert read_results(tmp_path) == results
    assert read_results(tmp_path / "elsewhere") == {}


def test_what_was_not_run_has_no_number():
    with pytest.raises(ConfigError, match="has no number and says why"):
        Result(state="not run", reason="no data", value=1.0)
    with pytest.raises(ConfigError, match="has no number and says why"):
        Result(state="not run")
    with pytest.raises(ConfigError, match="has a value or a curve"):
        Result(state="measured")


def test_a_results_file_of_another_form_is_refused_with_its_place(tmp_path):
    path = tmp_path / "RESULTS.json"
    path.write_text("{")
    with pytest.raises(FormatRefused, match=r"RESULTS.json:1: expected JSON"):
        read_results(tmp_path)
    path.write_text(json.dumps({"schema": 2, "paper": "fade", "results": {}}))
    with pytest.raises(ConfigError, match="'schema' is 2, expected 1"):
        read_results(tmp_path)
    path.write_text(json.dumps({"schema": 1, "paper": "fade", "results": {"loss": {"state": "done"}}}))
    with pytest.raises(ConfigError, match=r"'results.loss.state' is 'done'"):
        read_results(tmp_path)
