"""What is reviewed, and what becomes of a review."""

from decimal import Decimal

import pytest

from bloomery.agents.answers import Analysis
from bloomery.agents.errors import NoModel
from bloomery.agents.questions import Answer
from bloomery.core.errors import UnknownName, UserError
from bloomery.optimize.reviewing import review

PLAIN = "def area(a, b):\n    return a * b\n"
EMPTY = PLAIN + "\n\ndef later(a):\n    raise NotImplementedError\n"


def lines(found):
    return [(one.path, one.line) for one in found.findings if one.check == "placeholders"]


def test_each_way_to_name_a_range_reviews_that_range(site):
    first = site.commit({"a.py": PLAIN})
    site.git("checkout", "-q", "-b", "other")
    second = site.commit({"b.py": EMPTY})
    site.git("checkout", "-q", "main")
    site.commit({"c.py": EMPTY.replace("area", "volume")})
    site.write({"d.py": EMPTY})
    only = "placeholders"
    assert lines(site.review("", only)) == [("d.py", 5)]
    assert lines(site.review(f"{first}..", only)) == [("c.py", 5)]
    assert lines(site.review(f"{first}..{second}", only)) == [("b.py", 5)]
    assert lines(site.review(first, only)) == [("c.py", 5), ("d.py", 5)]
    assert lines(site.review("main...other", only)) == [("b.py", 5)]
    assert site.review("main..other", only).paths == ("b.py",)  # which c.py became


def test_a_moved_file_is_compared_with_itself(site):
    site.commit({"a.py": EMPTY})
    site.write({"a.py": None, "b.py": EMPTY})
    site.git("add", "-A")
    found = site.review("", "placeholders", "public API")
    assert [one.what for one in found.findings] == ["the module was a.py"]


def test_what_is_no_text_is_left_out_and_said(site):
    (site.root / "a.bin").write_bytes(b"\0\1")
    (site.root / "b.txt").write_bytes(b"\xff\xfe")
    (site.root / "c").symlink_to("README")
    site.commit()
    assert site.review("HEAD~1..").left_out == (
        "a.bin: binary",
        "b.txt: not UTF-8",
        "c: no file (a link or a submodule)",
    )


def test_errors_stop_a_change_and_warnings_only_where_they_are_to(site):
    site.write({"a.py": EMPTY})
    found = site.review("", "placeholders")
    assert (found.passes(), found.passes(strict=True)) == (True, False)
    site.write({"a.py": "def broken(:\n"})
    assert not site.review("", "syntax").passes()


def test_a_check_that_did_not_run_is_not_passed(site):
    found = site.review("", "syntax")
    assert {one.check for one in found.looked if one.state == "passed"} == {"syntax"}


def test_quality_is_measured_on_both_sides(site):
    site.commit({"a.py": PLAIN})
    site.write({"a.py": PLAIN.replace("return", "if a:\n        return 1\n    return")})
    by_name = {one.metric: one for one in site.review("", "syntax").figures}
    assert (by_name["complexity"].before, by_name["complexity"].after) == (1, 2)


@pytest.mark.parametrize("revisions", ["nowhere", "HEAD..nowhere", "--help", "HEAD~99"])
def test_a_revision_that_is_none_is_said_to_be(site, revisions):
    with pytest.raises(UserError, match="a branch, a tag or a commit"):
        site.review(revisions)


def test_a_check_that_is_none_is_said_to_be(site):
    with pytest.raises(UnknownName, match="placeholders"):
        review(site.root, without=["placeholder"])


def test_the_working_tree_is_not_touched(site):
    site.commit({"a.py": PLAIN, "test_a.py": "def test_it():\n    assert True\n"})
    site.write({"a.py": EMPTY})
    before = site.git("status", "--porcelain"), (site.root / ".git/index").read_bytes()
    site.review("HEAD~1")
    assert (site.git("status", "--porcelain"), (site.root / ".git/index").read_bytes()) == before


def test_a_models_remarks_stand_aside_and_decide_nothing(site):
    site.commit({"a.py": PLAIN})
    site.write({"a.py": EMPTY.replace("raise NotImplementedError", "return a + 1"), "key.txt": "none\n"})
    asked = []

    def ask(prompt, form, **_):
        asked.append(prompt.user)
        near = {"line": 5, "kind": "bug", "claim": "it is off by one", "suggestion": "leave it out"}
        far = near | {"line": 90}
        said = {"findings": [near, far]} if "later" in prompt.user else {"findings": []}
        return Answer(
            value=form.model_validate(said),
            model="tiny",
            cached=False,
            tokens=1,
            dollars=Decimal(0),
            cid=None,
        )

    found = site.review("", "syntax", ask=ask)
    assert [(one.model, one.path, one.line) for one in found.opinions] == [("tiny", "a.py", 5)]
    assert found.passes(strict=True)
    assert found.findings == ()
    assert ">    5 def later(a):" in asked[0]
    assert Analysis.model_validate({"findings": []}).findings == []


def test_without_a_model_the_review_says_why(site):
    def ask(*_, **__):
        raise NoModel("no model is configured")

    site.write({"a.py": PLAIN})
    assert site.review("", "syntax", ask=ask).why_no_opinions == "no model is configured"
