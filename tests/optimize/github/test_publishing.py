import itertools
import json
import shutil
from pathlib import Path

import pytest

from benchmarks.github.fake import TOKEN, Fault
from bloomery.core.errors import DamagedArtifact, UserError
from bloomery.optimize.changes import About, attach, propose, reject
from bloomery.optimize.changes.proposing import result_tree
from bloomery.optimize.changes.sharing import import_file
from bloomery.optimize.github import errors
from bloomery.optimize.github.outbox import Outbox, Publication
from bloomery.optimize.github.publishing import Published, Wanted, publish, publishable

FAULTS = ["lost_after", "500", "502", "lost_before", "half", "429", "secondary"]
CHANGES = ["issues$", "git/trees", "git/commits$", "git/refs", "pulls$"]
PAIRS = list(zip(FAULTS, CHANGES, strict=False))  # each change once
OTHERS = [pair for pair in itertools.product(FAULTS, CHANGES) if pair not in PAIRS]


@pytest.fixture
def outbox(site) -> Outbox:
    return Outbox.of(site.ledger.workspace, "ada/engine")


@pytest.fixture
def send(site, opened, outbox, tmp_path: Path):
    """Publish in a process of its own, as it were."""

    def send_them(*patches: str, token: str | None = TOKEN, online: bool = True, **how: object) -> Published:
        wanted = Wanted(files=tmp_path / "patches", **how)
        if not online:
            return publish(site.ledger, None, outbox, patches, wanted)
        with opened(token) as github:
            return publish(site.ledger, github, outbox, patches, wanted)

    return send_them


def test_a_patch_becomes_a_draft_whose_tree_is_the_validated_one(fake, site, send):
    patch = site.propose(description="sum the values faster")
    told = send(patch.cid, open_issue=True)
    (one,) = told.publications
    assert (one.stage, told.problem, one.files) == ("open", None, ())
    pull = fake.pulls[one.pull]
    assert pull["draft"]
    assert pull["base"]["ref"] == "main"
    assert fake.git("rev-parse", f"{pull['head']['sha']}^{{tree}}").strip() == result_tree(site.ledger, patch)
    assert fake.git("rev-parse", "main") == site.git("rev-parse", "HEAD")
    assert f"Closes #{one.issue}" in pull["body"]
    assert fake.issues[one.issue]["labels"] == [{"name": "bloomery"}]


def test_an_unchanged_second_run_costs_no_quota(fake, site, send):
    patch = site.propose()
    first = send(patch.cid, open_issue=True)
    left, seen = fake.remaining, len(fake.calls)
    assert send(patch.cid, open_issue=True).publications == first.publications
    assert fake.remaining == left
    assert {status for _, _, status in fake.calls[seen:]} == {304}
    assert [entry.event for entry in site.ledger.records.audit()].count("open") == 1


@pytest.mark.parametrize(
    ("kind", "path"), [*PAIRS, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in OTHERS)]
)
def test_a_passing_fault_at_any_change_makes_nothing_twice(fake, site, send, kind, path):
    patch = site.propose()
    fake.faults = [Fault(kind, "POST", path)]
    for _ in range(2):
        told = send(patch.cid, open_issue=True)
    (one,) = told.publications
    assert one.stage == "open"
    assert (len(fake.pulls), len(fake.issues)) == (1, 2)
    assert fake.git("for-each-ref", "--format=%(refname)").split() == [
        f"refs/heads/bloomery/{patch.cid[-12:]}",
        "refs/heads/main",
    ]


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("lived", [1, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 2, 4))])
def test_a_death_before_any_step_is_written_down_makes_nothing_twice(fake, site, send, monkeypatch, lived):
    patch, real, kept = site.propose(), Outbox.keep, []

    def keep(self, one, **changed):
        if len(kept) > lived:
            raise Killed
        kept.append(changed)
        return real(self, one, **changed)

    with monkeypatch.context() as dying:
        dying.setattr(Outbox, "keep", keep)
        with pytest.raises(Killed):
            send(patch.cid, open_issue=True)
    (one,) = send(patch.cid, open_issue=True).publications
    assert one.stage == "open"
    assert (len(fake.pulls), len(fake.issues)) == (1, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_the_network_is_lost_the_patches_lie_in_files_and_are_sent_next_time(
    fake, site, send, method, tmp_path: Path
):
    cids = [site.propose().cid, site.propose("def total(values):\n    return sum(list(values))\n").cid]
    fake.faults = [Fault("lost_before", method, times=1000)]
    told = send(*cids)
    assert isinstance(told.problem, errors.Unreachable)
    assert [one.stage for one in told.waiting] == ["waiting", "waiting"]
    assert all("GitHub" in one.why or "lost" in one.why for one in told.waiting)
    for one in told.waiting:
        assert all(Path(file).is_file() for file in one.files)
        site.git("apply", "--check", one.files[0])
        assert import_file(site.ledger, Path(one.files[1])).cid == one.patch
    fake.faults = []
    told = send()  # nothing new: what waits is sent
    assert [one.stage for one in told.publications] == ["open", "open"]
    assert len(fake.pulls) == 2


def test_near_the_limit_nothing_is_asked_and_the_patches_lie_in_files(fake, site, send):
    patch = site.propose()
    fake.limit, fake.remaining = 1000, 22
    told = send(patch.cid)
    assert isinstance(told.problem, errors.LimitReached)
    assert fake.remaining >= 20
    assert told.waiting[0].files
    assert not fake.pulls
    fake.remaining = 1000
    assert not send().waiting


def test_an_expired_token_is_said_and_loses_nothing(fake, site, send):
    patch = site.propose()
    told = send(patch.cid, token="ghp_" + "q4" * 20)
    assert isinstance(told.problem, errors.TokenExpired)
    assert [one.patch for one in told.waiting] == [patch.cid]
    assert send().publications[0].stage == "open"


def test_where_actions_may_open_no_pull_request_the_patch_lies_in_a_file(fake, site, send):
    patch = site.propose()
    fake.faults = [Fault("403", "POST", "pulls$")]
    told = send(patch.cid)
    assert isinstance(told.problem, errors.Forbidden)
    assert told.waiting[0].files


def test_offline_is_files_alone(fake, site, send):
    patch = site.propose()
    told = send(patch.cid, online=False)
    assert (told.problem, told.waiting[0].why) == (None, "GitHub was not asked")
    assert not fake.calls
    assert send().publications[0].stage == "open"


def test_a_patch_that_cannot_go_keeps_no_other_from_going(fake, site, send):
    (site.root / "README.md").write_text("not pushed\n")
    site.git("commit", "--quiet", "--all", "--message", "local")
    local = site.propose()
    site.git("reset", "--quiet", "--hard", "HEAD^")
    pushed = site.propose("def total(values):\n    return sum(list(values))\n")
    told = {one.patch: one for one in send(local.cid, pushed.cid).publications}
    assert told[pushed.cid].stage == "open"
    assert "push that commit first" in told[local.cid].why


def test_what_did_not_pass_or_was_rejected_is_not_put_up(fake, site, send):
    failed = site.propose(passes=False)
    with pytest.raises(UserError, match="did not pass"):
        send(failed.cid)
    passed = site.propose("def total(values):\n    return sum(list(values))\n")
    reject(site.ledger, passed.cid, by="Ada")
    with pytest.raises(UserError, match="Ada rejected"):
        send(passed.cid)
    assert publishable(site.ledger) == []
    assert not fake.calls


def test_a_pull_request_that_was_closed_is_not_opened_again(fake, site, send):
    patch = site.propose()
    (one,) = send(patch.cid).publications
    fake.pulls[one.pull]["state"] = fake.issues[one.pull]["state"] = "closed"
    assert send(patch.cid).publications[0].stage == "closed"
    assert send(patch.cid).publications[0].stage == "closed"
    assert len(fake.pulls) == 1


def test_another_workspace_does_not_open_again_what_was_closed(fake, site, send, outbox):
    patch = site.propose()
    (one,) = send(patch.cid).publications
    fake.pulls[one.pull]["state"] = fake.issues[one.pull]["state"] = "closed"
    shutil.rmtree(outbox.folder)
    assert send(patch.cid).publications[0].stage == "closed"
    assert len(fake.pulls) == 1


def test_a_branch_that_somebody_changed_is_left_alone(fake, site, send):
    patch = site.propose()
    fake.git("update-ref", f"refs/heads/bloomery/{patch.cid[-12:]}", fake.git("rev-parse", "main").strip())
    (one,) = send(patch.cid).publications
    assert (one.stage, len(fake.pulls)) == ("waiting", 0)
    assert "somebody has changed it" in one.why


def test_a_patch_on_another_patch_brings_both(fake, site, send, measured):
    first = site.propose()
    more = {"src/more.py": "def double(value):\n    return 2 * value\n"}
    second = propose(site.ledger, About(proposer="rewrites", parents=(first.cid,)), texts=more)
    attach(site.ledger, second.cid, measured(), by="validation")
    (one,) = send(second.cid).publications
    files = fake.git("diff", "--name-only", "main", one.commit).split()
    assert files == ["src/engine.py", "src/more.py"]


def test_the_outbox_forgets_no_step_and_says_what_is_damaged(outbox: Outbox, site):
    one = outbox.add(Publication(patch="b" + "a" * 20))
    outbox.keep(one, commit="c" * 40, why=f"token {TOKEN}")
    assert outbox.add(Publication(patch=one.patch)).commit == "c" * 40
    (path,) = outbox.folder.iterdir()
    assert TOKEN not in path.read_text()
    path.write_text(json.dumps({"patch": 1, "nothing": 2}))
    with pytest.raises(DamagedArtifact, match="no publication"):
        outbox.all()


def test_a_patch_that_todays_rules_forbid_is_not_sent_and_the_others_are(fake, site, send):
    one, other = site.propose(), site.propose(proposer="repair", text="def total(values):\n    return 0\n")
    site.root.joinpath("bloomery.toml").write_text('[rules.agents.rewrites]\nbranches = ["agents/*"]\n')
    del site.ledger  # it is opened anew
    told = {done.patch: done for done in send(one.cid, other.cid).publications}
    assert (told[one.cid].stage, told[other.cid].stage) == ("waiting", "open")
    assert "patches of rewrites may not go to branch main" in told[one.cid].why
    assert len(fake.pulls) == 1
