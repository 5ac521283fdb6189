"""What the pages say of claims: which were measured at the paper's scale, and with which seeds."""

import pytest

from bloomery.papers.verifying.claim import Claim, Point
from bloomery.papers.verifying.claims import ClaimReport, compare
from bloomery.papers.verifying.pages import claimed, results_page, summary
from bloomery.papers.verifying.results import Result
from bloomery.papers.verifying.verified import PaperReport, Verified


def measured(name: str, value: float, scale: str, seeds: tuple[int, ...] = ()) -> ClaimReport:
    given = {"metric": "loss", "direction": "lower", "source": "Table 1"}
    claim = Claim(id=name, value=2.0, scale=scale, **given)  # type: ignore[arg-type]
    return compare("fade", claim, Result(state="measured", value=value, command="measure", seeds=seeds))


def verified(*claims: ClaimReport) -> Verified:
    return Verified((PaperReport("fade", "Fading", (), claims),), (), (), True)


@pytest.mark.parametrize(
    ("scales", "said"),
    [
        (("paper", "paper"), "2 of 2 claims reproduced, 0 of 1 yardsticks met at our scale;"),
        (("paper", "ours"), "1 of 1 claims reproduced, 1 of 2 yardsticks met at our scale;"),
        (("ours", "ours"), "0 of 0 claims reproduced, 2 of 3 yardsticks met at our scale;"),
    ],
)
def test_a_yardstick_met_at_our_scale_is_no_reproduced_claim(scales, said):
    good = [measured(f"good-{at}", 2.0, scale) for at, scale in enumerate(scales)]
    assert said in summary(verified(*good, measured("bad", 4.0, "ours")))
    assert [one.reproduced for one in good] == [scale == "paper" for scale in scales]
    assert all(one.within for one in good)


def test_the_page_of_results_says_that_a_number_at_another_scale_is_a_yardstick():
    page = results_page("fade", [measured("small", 1.0, "ours")])
    assert "| better | ours |" in page
    assert "a yardstick there, and better is no better result" in page


def test_what_took_no_seed_says_so():
    page = results_page("fade", [measured("one", 2.0, "paper"), measured("two", 2.0, "paper", (1, 2))])
    assert "- one: `measure`, no seed, " in page
    assert "- two: `measure`, seeds 1, 2, " in page


@pytest.mark.parametrize(("places", "said"), [((19,), "a curve of 1 point"), ((1, 2), "a curve of 2 points")])
def test_a_curve_is_told_by_the_number_of_its_points(places, said):
    points = tuple(Point(at=at, value=2.0) for at in places)
    claim = Claim(id="c", curve=points, metric="loss", direction="lower", source="Figure 1")
    assert claimed(compare("fade", claim, None)) == said
