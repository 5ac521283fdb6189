"""The claims of recall count what is above every rival, and say which model's needles they found."""

import pytest

from benchmarks import recall_claims

RIGHT = {
    "window": {"recall": 3, "needle": 10}, "linear": {"recall": 97, "needle": 60},
    "lstm": {"recall": 4, "needle": 20}, "lmm": {"recall": 99, "needle": 97},
    "mac": {"recall": 4, "needle": 11}, "mag": {"recall": 60, "needle": 95},
    "mal": {"recall": 98, "needle": 62}, "yaad": {"recall": 50, "needle": 40},
    "hope": {"recall": 2, "needle": 30},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    def told(name, task, seed):
        return {"seed": seed, "right": RIGHT[name][task] + seed, "total": 101, "parameters": 7}

    monkeypatch.setattr(recall_claims, "measured", told)


@pytest.mark.parametrize(
    ("claim", "share"),
    [
        (recall_claims.titans_above_window, 6 / 8),
        (recall_claims.titans_above_recurrent, 2 / 8),  # LMM's and MAG's needles
        (recall_claims.yaad_above_window, 1.0),
        (recall_claims.yaad_above_recurrent, 0.0),
        (recall_claims.hope_above_window, 0.5),
        (recall_claims.hope_above_recurrent, 0.0),
    ],
)
def test_an_ordering_is_the_share_that_is_above_every_rival_with_intervals_apart(claim, share):
    assert claim(1) == share


@pytest.mark.parametrize("name", ["lmm", "mac", "yaad", "hope", "linear"])
def test_a_needle_claim_is_the_percentage_of_the_model_that_it_names(name):
    claim = getattr(recall_claims, f"{name}_needle")
    assert claim(1) == pytest.approx(100 * (RIGHT[name]["needle"] + 1) / 101)
