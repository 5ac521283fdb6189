"""bloomery optimize, patches and rollback, on a small repository with a planted effect."""

import hashlib
import json

import pytest

from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import approve, findings, open_ledger
from bloomery.optimize.changes.rules import DEFAULT
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, Saying, decide, private_git, quick, shop

__all__ = ["private_git", "quick", "shop"]


@pytest.fixture
def site(shop, quick, monkeypatch):
    """The repository as the place where commands are given; proposals are judged by counting."""
    from bloomery.optimize.surveying import survey as real

    seen = []
    monkeypatch.chdir(shop.root)
    monkeypatch.setattr("bloomery.optimize.optimizing.usual_validation", lambda _: decide)
    monkeypatch.setattr("bloomery.optimize.verifying.usual_validation", lambda _: decide)
    monkeypatch.setattr(
        "bloomery.optimize.putting_up.survey", lambda *a, **k: seen.append(a) or real(*a, **k)
    )
    shop.tested = seen
    return shop


@pytest.fixture
def patch(site, bloomery):
    """The one that `bloomery optimize` puts up."""
    said = bloomery("optimize", "src/shop/orders.py", "--proposer", "rewrites", "--json")
    assert said.code == 0, said.err
    (kept,) = [one for one in json.loads(said.out)["report"]["tried"] if one["fate"] == "kept"]
    return kept["patch"]


def test_optimize_tells_what_was_tried_and_what_to_type_next(site, bloomery):
    said = bloomery("optimize", "src", "--proposer", "rewrites")
    assert said.code == 0
    assert "1 tried, 1 kept" in said.out
    assert "list-to-set" in said.out
    assert said.out.splitlines()[-1].startswith("next: bloomery patches apply bafk")
    assert (site.root / "src/shop/orders.py").read_text() == SLOW + OTHER
    again = bloomery("optimize", "src", "--proposer", "rewrites")
    assert "1 verdicts are of an earlier run" in again.out


def test_a_mistake_is_one_line_and_exit_code_2(site, bloomery):
    site.write("src/shop/orders.py", QUICK + OTHER)
    said = bloomery("optimize", "src")
    assert said.code == 2
    assert "not committed (src/shop/orders.py)" in said.err
    assert len(said.err.splitlines()) == 1
    assert bloomery("optimize", "src", "--proposer", "repare").code == 2


def test_where_nothing_fixes_it_the_exit_code_is_1(site, bloomery, monkeypatch):
    from bloomery.optimize.surveying import Survey
    from bloomery.source.covering import Covered
    from bloomery.source.outcomes import Outcome, Results

    failing = Survey(
        (), Covered(Results((Outcome("tests/test_orders.py::test_paid", "failed"),), ()), {}, {})
    )
    monkeypatch.setattr("bloomery.optimize.optimizing.survey", lambda *_, **__: failing)
    said = bloomery("optimize", "src", "--goal", "fix", "--proposer", "rewrites")
    assert said.code == 1
    assert "nobody proposed anything" in said.out


def test_patches_are_listed_and_shown(patch, bloomery):
    (listed,) = json.loads(bloomery("patches", "list", "--json").out)
    assert (listed["cid"], listed["status"]) == (patch, "validated")
    assert patch[:14] in bloomery("patches", "list").out
    shown = bloomery("patches", "show", patch[:20]).out
    assert "list-to-set" in shown
    assert "behaviour" in shown
    assert "set(paid_ids)" in shown


def test_apply_asks_a_person_puts_it_in_and_rollback_takes_it_out(site, patch, bloomery):
    before = site.files
    asked = bloomery("patches", "apply", patch, "--by", "Ada")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert site.files == before
    said = bloomery("patches", "apply", patch, "--by", "Ada", "--yes")
    assert said.code == 0, said.err
    assert "set(paid_ids)" in (site.root / "src/shop/orders.py").read_text()
    assert site.tested
    assert bloomery("patches", "list", "--status", "applied", "--json").out.count(patch) == 1
    planned = json.loads(bloomery("rollback", patch, "--plan", "--json").out)
    assert [one["cid"] for one in planned["steps"]] == [patch]
    assert bloomery("rollback", patch, "--by", "Ada").code == 0
    assert site.files == before


def test_json_approves_nothing_by_itself(site, patch, bloomery):
    before = site.files
    said = bloomery("patches", "apply", patch, "--by", "Ada", "--json")
    assert (said.code, said.out, "--json" in said.err, "--yes" in said.err) == (2, "", True, True)
    assert site.files == before
    assert json.loads(bloomery("patches", "show", patch, "--json").out)["decisions"] == []
    done = bloomery("patches", "apply", patch, "--by", "Ada", "--json", "--yes", "--no-test")
    assert (done.code, json.loads(done.out)["cid"]) == (0, patch), done.err


def test_json_alone_puts_in_what_a_person_approved_before(site, patch, bloomery):
    ledger = open_ledger(Workspace.open(site.root / ".bloomery"), site.root, DEFAULT)
    approve(ledger, patch, by="Ada", evidence=findings(ledger, patch)[0])
    done = bloomery("patches", "apply", patch, "--by", "Ada", "--json", "--no-test")
    assert (done.code, json.loads(done.out)["cid"]) == (0, patch), done.err
    assert "set(paid_ids)" in (site.root / "src/shop/orders.py").read_text()


def test_who_decides_must_be_a_person_with_a_name(site, patch, bloomery):
    said = bloomery("patches", "apply", patch, "--yes", "--by", "rewrites")
    assert said.code == 2
    assert "must be somebody else" in said.err
    assert "by name" in bloomery("patches", "apply", patch, "--yes").err


def test_a_patch_whose_tests_fail_once_it_is_in_is_taken_out_again(site, patch, bloomery):
    site.write("tests/test_orders.py", "def test_paid():\n    assert False\n")
    site.commit()
    before = site.files
    said = bloomery("patches", "apply", patch, "--yes", "--by", "Ada")
    assert said.code == 1
    assert "taken back out" in said.err
    assert site.files == before


def test_verify_judges_anew_and_finds_what_was_altered(site, patch, bloomery):
    assert "as they were written" in bloomery("patches", "verify").out
    said = bloomery("patches", "verify", patch, "--json")
    assert (said.code, json.loads(said.out)["passed"]) == (0, True)
    blob = Workspace.open(site.root / ".bloomery").artifact(patch)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes().replace(b"set(", b"not("))
    assert bloomery("patches", "verify").code == 1


def test_export_writes_a_diff_that_git_applies(site, patch, bloomery, tmp_path):
    said = bloomery("patches", "export", patch, "-o", tmp_path / "faster.diff")
    assert said.out.strip() == str(tmp_path / "faster.diff")
    site.git("apply", "--check", str(tmp_path / "faster.diff"))


def test_own_proposers_are_asked_through_the_function(site):
    from bloomery.optimize.optimizing import optimize

    report = optimize(site.workspace, site.task(), proposers=(Saying("mine", (QUICK + OTHER,)),))
    assert "mine" in {one.proposer for one in report.tried}


def test_a_code_model_is_asked_by_the_name_of_its_weights(site, bloomery, monkeypatch, tmp_path):
    """What it is handed is a function; here one that says what a model might."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    name = f"code diffusion {hashlib.sha256(b'weights').hexdigest()[:8]}"

    def rewriter(folder):
        assert folder == tmp_path
        return lambda text, language, function, seed: iter([(QUICK + OTHER, f"in {language}")])

    monkeypatch.setattr("bloomery.diffusion.code.suggesting.infilling.rewriter", rewriter)
    said = bloomery("optimize", "src/shop/orders.py", "--code-model", tmp_path, "--proposer", name, "--json")
    assert said.code == 0, said.err
    assert [(one["proposer"], one["why"]) for one in json.loads(said.out)["report"]["tried"]] == [
        (name, "in python")
    ]


def test_a_code_model_that_is_not_there_is_a_mistake(site, bloomery, tmp_path):
    said = bloomery("optimize", "src", "--code-model", tmp_path)
    assert said.code == 2
    assert "bloomery diffuse train" in said.err
    assert bloomery("optimize", "src", "--code-model", tmp_path, "--agents", "2").code == 2


def test_what_is_applied_by_itself_meets_the_users_bar(site, bloomery):
    said = bloomery("optimize", "src", "--proposer", "rewrites", "--approve", "auto", "--least-gain", "500")
    assert said.code == 0
    assert "500 is the least that is applied without a person" in " ".join(said.out.split())
    assert (site.root / "src/shop/orders.py").read_text() == SLOW + OTHER
    refused = bloomery("optimize", "src", "--least-gain", "2")
    assert refused.code == 2
    assert "goes with --approve auto" in refused.err
