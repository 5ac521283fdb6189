"""The flow from a task to patches."""

from dataclasses import dataclass

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import Bar, Check, not_run
from bloomery.optimize.changes import findings, open_ledger
from bloomery.optimize.changes.rules import DEFAULT
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.validating.verdict import Verdict
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, WRONG, Saying, decide


def run(shop, *proposers, validate=decide, task=None, **how):
    names = tuple(one.name for one in proposers)
    task = task or shop.task(proposers=names)
    return optimize(shop.workspace, task, proposers=proposers, validate=validate, **how)


@pytest.mark.usefixtures("quick")
def test_the_planted_improvement_is_put_up_with_its_evidence_and_the_tree_is_left_alone(shop):
    before = shop.files
    report = run(shop, Saying("teller", (QUICK + OTHER,)))
    (kept,) = report.kept
    assert kept.gain > 10
    assert report.next == f"bloomery patches apply {kept.patch}"
    ledger = open_ledger(shop.workspace, shop.root, DEFAULT)
    assert [one.check for one in findings(ledger, kept.patch)[1].evidence] == ["behaviour", "speed", "gain"]
    assert "+    paid = set(paid_ids)" in ledger.load(kept.patch).content.diff
    assert shop.files == before


@pytest.mark.usefixtures("quick")
def test_where_nothing_is_planted_nothing_is_kept(shop):
    shop.write("src/shop/orders.py", QUICK + OTHER)
    shop.commit()
    report = run(shop, Saying("teller", (SLOW + OTHER, QUICK + OTHER + "\n")))
    assert [one.fate for one in report.tried] == ["failed", "failed"]
    assert not report.kept
    assert not report.next


@pytest.mark.usefixtures("quick")
def test_a_lying_proposer_is_never_believed(shop):
    lies = [
        WRONG + OTHER,
        SLOW.replace("if number in", "if number not in") + OTHER,
        "def paid(a, b): return []\n",
    ]
    report = run(shop, Saying("liar", tuple(lies)), Saying("teller", (QUICK + OTHER,)))
    fates = {one.operator + one.proposer: one.fate for one in report.tried}
    assert [fate for name, fate in fates.items() if "liar" in name] == ["failed"] * 3
    assert [one.proposer for one in report.kept] == ["teller"]
    assert "differences" not in report.kept[0].reason
    assert report.tried[0].suggestion == "give the same"


@pytest.mark.usefixtures("quick")
def test_a_proposal_that_changes_another_file_is_out_of_scope_and_is_not_even_judged(shop):
    class Reaching(Saying):
        def propose(self, target, goal, *, rng):
            for one in super().propose(target, goal, rng=rng):
                yield type(one)(**{**vars(one), "texts": {**one.texts, "tests/test_orders.py": "pass\n"}})

    report = run(shop, Reaching("reaching", (QUICK + OTHER,)), validate=lambda *_, **__: 1 / 0)
    assert [one.fate for one in report.tried] == ["failed"]
    assert "scope" in report.tried[0].reason


@pytest.mark.usefixtures("quick")
def test_of_proposals_for_the_same_lines_the_best_is_kept_and_others_beside_it(shop):
    both = QUICK.replace(
        "    kept = []\n    for number in orders:\n", "    kept = []\n    for number in list(orders):\n"
    )
    apart = SLOW + OTHER.replace("sum(amounts)", "sum(list(amounts))")

    def lenient(root, proposal, **how):
        verdict = decide(root, proposal, **how)
        measured = 1.5 if "list(amounts)" in str(proposal.texts) else verdict.evidence[1].measured
        better = type(verdict.evidence[1])(
            **{**vars(verdict.evidence[1]), "measured": measured, "state": "passed", "reason": ""}
        )
        return type(verdict)(verdict.level, (verdict.evidence[0], better), {}, verdict.claims)

    report = run(shop, Saying("teller", (both + OTHER, QUICK + OTHER, apart)), validate=lenient)
    assert {one.operator: one.fate for one in report.tried} == {
        "saying 0": "accepted", "saying 1": "kept", "saying 2": "kept",
    }  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_a_run_that_was_killed_goes_on_with_what_was_judged(shop):
    proposer = Saying("teller", (WRONG + OTHER, QUICK + OTHER))
    judged = []

    def dying(root, proposal, **how):
        judged.append(proposal.operator)
        if len(judged) == 2:
            raise KeyboardInterrupt
        return decide(root, proposal, **how)

    with pytest.raises(KeyboardInterrupt):
        run(shop, proposer, validate=dying)
    report = run(shop, proposer, validate=dying)
    assert judged == ["saying 0", "saying 1", "saying 1"]
    assert report.remembered == 1
    assert len(report.kept) == 1


@pytest.mark.usefixtures("quick")
def test_what_is_edited_and_committed_during_a_run_changes_nothing_of_it(shop):
    """Proposals, judgement and patch are all about the commit at the beginning."""
    begun = shop.git("rev-parse", "HEAD").strip()

    @dataclass(frozen=True)
    class Meanwhile(Saying):
        def propose(self, target, goal, *, rng):
            shop.write("src/shop/orders.py", "import nothing_of_this\n" + SLOW)
            shop.commit()
            shop.write("src/shop/orders.py", "half a\n")
            text = target.text.replace("    kept = []\n", "    paid_ids = set(paid_ids)\n    kept = []\n")
            yield Proposal(self.name, "a set", "", {target.path: text}, "paid")

    report = run(shop, Meanwhile("teller", ()))
    (kept,) = report.kept
    assert (report.commit, report.root) == (begun, shop.root)
    patch = open_ledger(shop.workspace, shop.root).load(kept.patch)
    assert patch.about.commit == begun
    assert "nothing_of_this" not in patch.content.diff
    assert (shop.root / "src/shop/orders.py").read_text() == "half a\n"
    assert shop.git("worktree", "list").count("\n") == 1


def test_tests_that_are_not_committed_are_told_of(shop):
    shop.write("tests/test_more.py", "def test_more():\n    assert 1\n")
    with pytest.raises(UserError, match=r"tests/test_more\.py is not in the last commit"):
        run(shop, task=shop.task(tests=[shop.root / "tests/test_more.py"]))


@pytest.mark.parametrize(("lacking", "times"), [({"types"}, 2), ({"other"}, 1), (set(), 1)])
@pytest.mark.usefixtures("quick")
def test_a_verdict_for_want_of_a_tool_is_not_remembered_whatever_its_words(shop, lacking, times):
    asked = []
    types = Check(name="types", bar=Bar(op="==", value=0))
    other = Check(name="other", bar=Bar(op="==", value=0), required=False)

    def lame(root, proposal, **how):
        asked.append(proposal.operator)
        evidence = (not_run(types, "nobody would install this"), not_run(other, "-"))
        return Verdict("standard", evidence, lacking=frozenset(lacking))

    for _ in range(2):
        run(shop, Saying("teller", (QUICK + OTHER,)), validate=lame)
    assert len(asked) == times


@pytest.mark.usefixtures("quick")
def test_at_most_the_budget_is_judged_and_nothing_twice(shop):
    texts = tuple(SLOW + OTHER + "\n" * number for number in (1, 2, 2, 3, 4, 5))
    report = run(shop, Saying("teller", texts), task=shop.task(proposers=("teller",), most=3))
    assert [one.operator for one in report.tried] == ["saying 0", "saying 1", "saying 3"]


@pytest.mark.usefixtures("quick")
def test_auto_applies_what_meets_its_bars_and_a_protected_branch_needs_a_person(shop, monkeypatch):
    monkeypatch.setattr("bloomery.optimize.putting_up.survey", _passing)
    shop.git("checkout", "--quiet", "-b", "main")
    held = run(shop, Saying("teller", (QUICK + OTHER,)), approve="auto")
    assert not held.applied
    assert any("branch main is protected" in note for note in held.notes)
    shop.git("checkout", "--quiet", "dev")
    done = run(shop, Saying("teller", (QUICK + OTHER,)), approve="auto")
    assert done.applied == (done.kept[0].patch,)
    assert done.next == f"bloomery rollback {done.applied[0]}"
    assert (shop.root / "src/shop/orders.py").read_text() == QUICK + OTHER


@pytest.mark.usefixtures("quick")
def test_auto_takes_out_again_what_fails_a_test_once_it_is_in(shop, monkeypatch):
    monkeypatch.setattr("bloomery.optimize.putting_up.survey", _failing)
    report = run(shop, Saying("teller", (QUICK + OTHER,)), approve="auto")
    assert not report.applied
    assert any("taken back out" in note for note in report.notes)
    assert (shop.root / "src/shop/orders.py").read_text() == SLOW + OTHER


def _passing(root, tests, *_, **__):
    return _survey("passed")


def _failing(root, tests, *_, **__):
    return _survey("failed")


def _survey(status):
    from bloomery.optimize.surveying import Survey
    from bloomery.source.covering import Covered
    from bloomery.source.outcomes import Outcome, Results

    return Survey((), Covered(Results((Outcome("tests/test_orders.py::test_paid", status),), ()), {}, {}))


def test_tests_that_fail_before_any_change_are_told_and_nothing_begins(shop):
    shop.write(
        "tests/test_orders.py",
        "from shop.orders import paid\n\n\ndef test_paid():\n    assert paid([1], [1]) == [2]\n",
    )
    shop.commit()
    with pytest.raises(UserError, match=r"1 tests fail before any change \(tests/test_orders.py::test_paid"):
        run(shop, Saying("teller", (QUICK + OTHER,)))


@pytest.mark.usefixtures("quick")
def test_to_fix_what_passes_is_refused(shop):
    with pytest.raises(UserError, match="all 2 tests pass"):
        run(shop, task=shop.task("fix"))
