import math

import pytest
from sqlalchemy import delete, insert, text, update

from bloomery.core.catalog.tables import approvals, audit, patches
from bloomery.core.errors import FormatRefused, UserError
from bloomery.core.evidence import Bar, Check, not_run
from bloomery.optimize.changes import (
    Rules,
    apply,
    approve,
    approve_automatically,
    attach,
    check,
    findings,
    reject,
)
from bloomery.optimize.changes.approving import Findings

SPEED = Check(name="speedup", bar=Bar(op=">=", value=1.2))


@pytest.fixture
def patch(site, measured):
    patch = site.propose({"a.py": site.edit(l3="three")})
    attach(site.ledger, patch.cid, [measured(), measured("speedup", 1.3, bar=1.1)], by="validation")
    return patch


def test_evidence_is_kept_under_its_cid_and_comes_back_as_it_was(site, measured) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    given = [measured(), not_run(SPEED, "no clock here"), measured("x", math.inf, required=False)]
    digest = attach(site.ledger, patch.cid, given, by="v")
    assert findings(site.ledger, patch.cid) == (digest, Findings(patch.cid, tuple(given)))
    assert attach(site.ledger, patch.cid, given, by="v") == digest
    assert attach(site.ledger, patch.cid, given[:1], by="v") != digest


def test_evidence_about_another_patch_does_not_count(site, patch, measured) -> None:
    other = site.propose({"b.py": site.edit(l3="three")})
    digest, _ = findings(site.ledger, patch.cid)
    with site.workspace.catalog._database.writing() as connection:
        connection.execute(update(patches).where(patches.c.cid == other.cid).values(evidence=digest))
    with pytest.raises(FormatRefused, match="not about"):
        approve(site.ledger, other.cid, by="Ada")


@pytest.mark.parametrize(
    ("evidence", "objection"),
    [
        (lambda measured: [], "nothing that is required"),
        (lambda measured: [measured(required=False)], "nothing that is required"),
        (lambda measured: [measured(), measured("types", 0)], "types: failed"),
        (
            lambda measured: [measured(), not_run(SPEED, "no clock here")],
            "speedup: not_run",
        ),
    ],
)
def test_nobody_can_approve_what_did_not_pass(site, measured, evidence, objection) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    attach(site.ledger, patch.cid, evidence(measured), by="v")
    assert site.ledger.records.patch(patch.cid).status == "failed"
    with pytest.raises(UserError, match=objection):
        approve(site.ledger, patch.cid, by="Ada")
    with pytest.raises(UserError, match=objection):
        approve_automatically(site.ledger, patch.cid, [Check(name="tests", bar=Bar(op=">=", value=1))])
    reject(site.ledger, patch.cid, by="Ada")


def test_a_decision_is_made_by_name_and_not_by_an_agent(site, patch) -> None:
    site.rules = Rules(agents={"agent-7": Rules().everyone})
    for name in ("", "  ", "auto", "rewrites", " rewrites ", "agent-7"):
        with pytest.raises(UserError, match=r"by name|no person"):
            approve(site.ledger, patch.cid, by=name)
    assert approve(site.ledger, patch.cid, by=" Ada ").by == "Ada"


def test_a_person_approves_the_evidence_that_the_person_has_seen(site, patch, measured) -> None:
    seen, _ = findings(site.ledger, patch.cid)
    attach(site.ledger, patch.cid, [measured()], by="v")
    with pytest.raises(UserError, match=f"not {seen}: read it"):
        approve(site.ledger, patch.cid, by="Ada", evidence=seen)
    newest, _ = findings(site.ledger, patch.cid)
    assert approve(site.ledger, patch.cid, by="Ada", evidence=newest).evidence == newest


def test_automatic_approval_goes_by_the_threshold_alone(site, patch) -> None:
    for threshold, objection in (
        ([Check(name="speedup", bar=Bar(op=">=", value=1.4))], "speedup: measured 1.3"),
        ([Check(name="memory", bar=Bar(op="<=", value=1))], "memory: no evidence"),
        ([], "would approve anything"),
        ([Check(name="speedup", bar=Bar(op=">=", value=1.0), required=False)], "would approve anything"),
    ):
        with pytest.raises(UserError, match=objection):
            approve_automatically(site.ledger, patch.cid, threshold)
    assert site.ledger.records.decisions() == []
    approval = approve_automatically(site.ledger, patch.cid, [SPEED])
    assert (approval.kind, approval.by, approval.reason) == ("auto", "auto", "speedup >= 1.2")
    assert apply(site.ledger, patch.cid, by="auto").paths == ("a.py",)


@pytest.mark.parametrize(
    ("branch", "protected"), [("main", ("main", "master")), ("release/2", ("release/*",))]
)
def test_nothing_automatic_for_a_protected_branch(make_site, measured, branch, protected) -> None:
    site = make_site(branch=branch, rules=Rules(protected=protected))
    patch = site.propose({"a.py": site.edit(l3="three")})
    attach(site.ledger, patch.cid, [measured("speedup", 9.0)], by="v")
    with pytest.raises(UserError, match=f"branch {branch} is protected"):
        approve_automatically(site.ledger, patch.cid, [SPEED])
    approve_automatically(site.ledger, patch.cid, [SPEED], branch="dev")  # meant for another branch
    with pytest.raises(UserError, match=f"branch {branch} is protected"):
        apply(site.ledger, patch.cid, by="auto")


def test_a_persons_no_stands_until_a_person_says_yes(site, patch) -> None:
    approve(site.ledger, patch.cid, by="Ada")
    reject(site.ledger, patch.cid, by="Grace", reason="too clever")
    with pytest.raises(UserError, match="rejected by Grace: too clever"):
        apply(site.ledger, patch.cid, by="Ada")
    with pytest.raises(UserError, match="only a person can approve it now"):
        approve_automatically(site.ledger, patch.cid, [SPEED])
    approve(site.ledger, patch.cid, by="Grace")
    assert apply(site.ledger, patch.cid, by="Ada").paths == ("a.py",)


def test_an_approval_written_into_the_catalog_by_hand_does_not_count(site, patch) -> None:
    digest, _ = findings(site.ledger, patch.cid)
    row = {"seq": 77, "cid": patch.cid, "evidence": digest, "decision": "approved", "kind": "person"}
    with site.workspace.catalog._database.writing() as connection:
        connection.execute(insert(approvals), row | {"by": "Ada", "reason": ""})
    with pytest.raises(UserError, match="not in the audit: somebody wrote into the catalog"):
        apply(site.ledger, patch.cid, by="Ada")
    assert any("decision 77 by Ada" in problem for problem in check(site.ledger))


def test_the_check_finds_a_row_that_says_something_else(site, patch) -> None:
    assert check(site.ledger) == []
    with site.workspace.catalog._database.writing() as connection:
        connection.execute(update(patches).values(proposer="somebody else"))
    assert check(site.ledger) == [f"patch {patch.cid}: the catalog's row is not what was said of it"]


def test_the_end_of_the_audit_cannot_be_cut_off_unseen(site, patch) -> None:
    approve(site.ledger, patch.cid, by="Ada")
    with site.workspace.catalog._database.writing() as connection:
        connection.execute(text("DROP TRIGGER audit_no_delete"))
        connection.execute(delete(approvals))
        connection.execute(delete(audit).where(audit.c.seq == 3))
    assert check(site.ledger) == ["entry 3 was there once and is gone or altered: the audit was cut off"]
