from pathlib import Path

import pytest

from benchmarks.github.fake import Fault
from bloomery.core.errors import Failure, GateFailed, UserError
from bloomery.optimize.changes import check as check_ledger
from bloomery.optimize.github import approving
from bloomery.optimize.github.approving import Ask
from bloomery.optimize.github.outbox import Outbox
from bloomery.optimize.github.publishing import Wanted, publish
from bloomery.optimize.github.reverting import reverse
from bloomery.optimize.validating import Verdict


@pytest.fixture
def outbox(site) -> Outbox:
    return Outbox.of(site.ledger.workspace, "ada/engine")


@pytest.fixture
def put_up(fake, site, github, outbox, tmp_path: Path):
    """A patch as an open pull request that closes an issue; the publication."""
    number = fake.open_issue("total is slow")
    publish(site.ledger, github, outbox, [site.propose().cid], Wanted(issue=number, files=tmp_path / "files"))
    (one,) = outbox.all()
    return one


@pytest.fixture
def validate(measured):
    """A validation that remembers what it was given; `.says` is whether it passes."""

    def judge(proposal, about) -> Verdict:
        judge.seen.append((dict(proposal.texts), about.goal))
        return Verdict("standard", tuple(measured(judge.says)))

    judge.seen, judge.says = [], True
    return judge


def ask(number: int, **how: object) -> Ask:
    return Ask(**{"pull": number, "by": "ada", "kind": "comment", **how})


def commit_on_main(fake, site, path: str, text: str) -> None:
    (site.root / path).write_text(text)
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message", "more")
    site.git("push", "--quiet", "origin", "HEAD:main")


def test_what_is_approved_is_validated_merged_and_written_down(fake, site, github, outbox, put_up, validate):
    commit_on_main(fake, site, "README.md", "newer\n")
    judged = approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    assert judged.patch == put_up.patch  # the same change, by its content
    assert validate.seen == [({"src/engine.py": "def total(values):\n    return sum(values)\n"}, "speed")]
    merged = approving.merge(github, site.ledger, outbox, ask(put_up.pull))
    assert merged.merged
    assert fake.git("rev-parse", "main^{tree}").strip() == judged.tree
    assert fake.issues[put_up.issue]["state"] == "closed"
    assert fake.statuses[merged.head][-1]["state"] == "success"
    assert outbox.all()[0].stage == "merged"
    (decision,) = site.ledger.records.decisions(put_up.patch)
    assert (decision.by, decision.kind, decision.decision) == ("ada", "person", "approved")
    assert [entry.event for entry in site.ledger.records.audit()][-2:] == ["approved", "merged"]
    assert check_ledger(site.ledger) == []
    approving.merge(github, site.ledger, outbox, ask(put_up.pull))  # again: nothing more happens
    assert fake.count("PUT") == 1
    assert [entry.event for entry in site.ledger.records.audit()].count("merged") == 1


def test_what_no_longer_passes_is_not_merged_and_is_told_once(fake, site, github, outbox, put_up, validate):
    validate.says = False
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    for _ in range(2):
        with pytest.raises(GateFailed, match="tests: failed"):
            approving.merge(github, site.ledger, outbox, ask(put_up.pull))
    assert fake.count("PUT") == 0
    assert fake.statuses[fake.pulls[put_up.pull]["head"]["sha"]][-1]["state"] == "failure"
    assert len(fake.comments[put_up.pull]) == 1


def test_nothing_is_merged_that_was_not_checked(site, github, outbox, put_up):
    with pytest.raises(UserError, match="was not checked"):
        approving.merge(github, site.ledger, outbox, ask(put_up.pull))


def test_where_the_base_moved_since_the_check_it_is_checked_again(
    fake, site, github, outbox, put_up, validate
):
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    commit_on_main(fake, site, "README.md", "newer\n")
    with pytest.raises(UserError, match="changed since it was checked"):
        approving.merge(github, site.ledger, outbox, ask(put_up.pull))
    assert fake.count("PUT") == 0


def test_an_old_checkout_validates_nothing(fake, site, github, outbox, put_up, validate):
    commit_on_main(fake, site, "README.md", "newer\n")
    site.git("reset", "--quiet", "--hard", "HEAD^")
    with pytest.raises(UserError, match="is checked out: update"):
        approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)


def test_a_conflict_is_said(fake, site, github, outbox, put_up, validate):
    commit_on_main(fake, site, "src/engine.py", "def total(values, start):\n    return 7\n")
    with pytest.raises(UserError, match="does not merge with main any more"):
        approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    assert validate.seen == []


@pytest.mark.parametrize("by", ["ben", "stranger", "ada[bot]"])
def test_who_may_not_write_approves_nothing(fake, site, github, outbox, put_up, validate, by):
    fake.permissions["ada[bot]"] = "write"
    with pytest.raises(UserError, match="may not write"):
        approving.check(github, site.ledger, outbox, ask(put_up.pull, by=by), validate)


def push_to_branch(fake, one, path: str, text: str) -> str:
    """Somebody else's commit on the pull request's branch."""
    head = fake.pulls[one.pull]["head"]["ref"]
    blob = fake.git("hash-object", "-w", "--stdin", stdin=text.encode()).strip()
    index = {"GIT_INDEX_FILE": str(fake.bare / "elsewhere")}
    fake.git("read-tree", head, **index)
    fake.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
    tree = fake.git("write-tree", **index).strip()
    who = {f"GIT_{role}_{what}": "eve" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    made = fake.git("commit-tree", tree, "-p", head, "-m", "more", **who).strip()
    fake.git("update-ref", f"refs/heads/{head}", made)
    return made


def test_what_was_pushed_after_it_was_looked_at_is_not_approved(fake, site, github, outbox, put_up, validate):
    looked_at = fake.pulls[put_up.pull]["head"]["sha"]
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    made = push_to_branch(fake, put_up, "src/engine.py", "import os\n")
    for kind, commit in (("comment", None), ("review", looked_at), ("hand", looked_at[:12])):
        with pytest.raises(UserError, match="look at it again"):
            approving.merge(github, site.ledger, outbox, ask(put_up.pull, kind=kind, commit=commit))
    judged = approving.check(github, site.ledger, outbox, ask(put_up.pull, commit=made[:12]), validate)
    assert judged.patch != put_up.patch  # what it is now, not what its text says
    assert validate.seen[-1][0] == {"src/engine.py": "import os\n"}


def test_a_branch_that_changes_workflows_is_refused(fake, site, github, outbox, put_up, validate):
    made = push_to_branch(fake, put_up, ".github/workflows/ci.yml", "on: push\n")
    with pytest.raises(UserError, match=r"may not change \.github"):
        approving.check(github, site.ledger, outbox, ask(put_up.pull, commit=made), validate)


@pytest.mark.parametrize("where", ["branch", "fork"])
def test_what_is_not_ours_is_left_alone(fake, site, github, outbox, put_up, validate, where):
    pull = fake.pulls[put_up.pull]
    if where == "fork":
        pull["head"]["repo"] = {"full_name": "eve/engine"}
    else:
        fake.git("branch", "feature", "main")
        pull["head"]["ref"] = "feature"
    with pytest.raises(UserError, match="is not ours"):
        approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)


@pytest.mark.parametrize("kind", ["lost_after", "502", "half"])
def test_a_loss_while_merging_merges_once(fake, site, github, outbox, put_up, validate, kind):
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    fake.faults = [Fault(kind, "PUT")]
    assert approving.merge(github, site.ledger, outbox, ask(put_up.pull)).merged
    assert fake.git("rev-list", "--count", "main").strip() == "2"


def test_a_merge_that_became_something_else_is_cried_out(
    fake, site, github, outbox, put_up, validate, monkeypatch
):
    judged = approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    real = approving.calls.merge

    def moved_first(*given):
        commit_on_main(fake, site, "README.md", "in between\n")
        return real(*given)

    monkeypatch.setattr(approving.calls, "merge", moved_first)
    with pytest.raises(Failure, match=f"{judged.tree[:12]} was validated"):
        approving.merge(github, site.ledger, outbox, ask(put_up.pull))


def test_what_was_merged_is_taken_out_again_by_a_pull_request(
    fake, site, github, outbox, put_up, validate, tmp_path
):
    before = site.git("rev-parse", "HEAD^{tree}")
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    approving.merge(github, site.ledger, outbox, ask(put_up.pull))
    with pytest.raises(UserError, match="fetch it first"):
        reverse(github, site.ledger, put_up.pull)
    site.pull()
    patch = reverse(github, site.ledger, put_up.pull)
    told = publish(site.ledger, github, outbox, [patch.cid], Wanted(files=tmp_path / "files"))
    one = next(one for one in told.publications if one.patch == patch.cid)
    approving.check(github, site.ledger, outbox, ask(one.pull), validate)
    approving.merge(github, site.ledger, outbox, ask(one.pull))
    assert fake.git("rev-parse", "main^{tree}") == before


def test_what_later_changes_are_in_the_way_of_is_not_taken_out(fake, site, github, outbox, put_up, validate):
    approving.check(github, site.ledger, outbox, ask(put_up.pull), validate)
    approving.merge(github, site.ledger, outbox, ask(put_up.pull))
    site.pull()
    commit_on_main(fake, site, "src/engine.py", "def total(values):\n    return sum(values, 1)\n")
    with pytest.raises(UserError, match="by hand"):
        reverse(github, site.ledger, put_up.pull)
