"""What a plan's boxes are of is stated by what was measured, and by nothing else."""

from pathlib import Path

import pytest

from bloomery.papers.context import Benchmarks, Context, Equation
from bloomery.papers.context import Result as Reported
from bloomery.papers.planning import asked, plan, progress
from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.claims import compare
from bloomery.papers.verifying.results import Result
from bloomery.papers.verifying.standing import standing, unmeasured
from bloomery.papers.verifying.verified import PaperReport, Verified
from bloomery.source.outcomes import Outcome, Results

LOSS = Reported("Puddles", "loss", "down", value="2.0 ± 0.1", source="Table 1")
NOTHING = Results((), ())
MADE = plan(
    [
        Context(
            "fade",
            title="Fading",
            equations=(Equation("1", "Fade", latex="(1 - a) s"),),
            benchmarks=Benchmarks(results=(LOSS,)),
        )
    ]
)


def states(claims=(), results=NOTHING, root=Path("/nowhere")):
    reports = tuple(
        compare("fade", one, value and Result(state="measured", value=value, samples=(value,)))
        for one, value in claims
    )
    return standing(MADE, root, Verified((PaperReport("fade", "Fading", (), reports),)), results)


def claim(**fields):
    given = {"id": "loss", "value": 2.0, "metric": "loss", "direction": "lower", "source": "Table 1"}
    return Claim(**(given | fields))


@pytest.mark.parametrize(
    ("measured", "fields", "expected"),
    [
        (2.05, {}, ("passing", "passing", "passing")),
        (2.16, {}, ("passing", "passing", "failing")),  # 8 % worse
        (2.16, {"tolerance": 0.05}, ("failing", "passing", "failing")),
        (2.5, {}, ("failing", "failing", "failing")),
        (2.05, {"scale": "ours"}, ("skipped", "skipped", "skipped")),
        (None, {"not_reproduced": "years"}, ("skipped", "skipped", "skipped")),
        (2.05, {"value": 2.1}, ("missing", "missing", "missing")),
    ],
)
def test_a_claim_is_as_far_as_it_was_measured_at_the_papers_scale(measured, fields, expected):
    found = states([(claim(**fields), measured)])
    keys = ("fade claim 1", "fade claim 1 within 10 %", "fade claim 1 within 5 %")
    assert tuple(found[key] for key in keys) == expected


def test_of_several_claims_of_a_number_that_of_its_source_counts():
    other = (claim(id="other", source="Table 7"), 9.0)
    assert states([(claim(), 2.0), other])["fade claim 1"] == "passing"
    assert states([(claim(source="Table 3"), 2.0), other])["fade claim 1"] == "failing"


def test_what_nobody_measured_has_no_state(tmp_path):
    found = progress(MADE, states(root=tmp_path))
    assert {"gate pytest", "gate git", "gate training 100 steps"} <= set(unmeasured(found))
    assert set(found.states) <= set(asked(MADE))


def test_a_test_file_that_did_not_run_is_not_passing(tmp_path):
    name = "tests/test_layers/test_config.py"
    (tmp_path / name).parent.mkdir(parents=True)
    assert states(root=tmp_path)[name] == "missing"
    (tmp_path / name).write_text("")
    assert states(root=tmp_path)[name] == "skipped"
    for status, state in (("passed", "passing"), ("failed", "failing"), ("skipped", "skipped")):
        results = Results((Outcome(f"{name}::test_it", status),), ())
        assert states(results=results, root=tmp_path)[name] == state


def test_a_module_is_as_far_as_the_worse_of_its_code_and_its_test(tmp_path):
    (part,) = MADE.parts
    for path, text in ((part.source, "def fade(s):\n    raise NotImplementedError\n"), (part.test, "")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    assert states(root=tmp_path)[part.source] == "failing"
    (tmp_path / part.source).write_text("def fade(s):\n    return s / 2\n")
    assert states(root=tmp_path)[part.source] == "passing"
    (tmp_path / part.source).write_text("def fade(:\n")
    assert states(root=tmp_path)[part.source] == "failing"
