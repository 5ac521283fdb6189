import errno
import shutil
import subprocess
from pathlib import Path

import pytest

from bloomery.core.errors import DiskFull, GateFailed, UserError, WorkspaceBusy
from bloomery.core.evidence import Bar, Check
from bloomery.optimize.changes import (
    Access,
    Rules,
    apply,
    approve,
    approve_automatically,
    attach,
    check,
    plan_rollback,
    roll_back,
)
from bloomery.optimize.changes.journal import Placing
from bloomery.optimize.changes.lock import held
from bloomery.optimize.changes.sharing import receive


def events(site) -> list[str]:
    return [entry.event for entry in site.ledger.records.audit()]


def test_an_approved_patch_is_applied_as_git_would_and_taken_back_to_the_byte(site) -> None:
    texts = {"a.py": site.edit(l3="three"), "new/deep/d.py": "x = 1\n", "pkg/c.py": None}
    (site.root / "a.py").chmod(0o600)
    before = site.snapshot()
    patch = site.approved(texts)
    applied = apply(site.ledger, patch.cid, by="Ada")
    assert (applied.paths, applied.merged) == (("a.py", "new/deep/d.py", "pkg/c.py"), False)
    assert (site.read("a.py"), site.read("new/deep/d.py")) == (texts["a.py"], "x = 1\n")
    assert not (site.root / "pkg").exists()
    assert (site.root / "a.py").stat().st_mode & 0o777 == 0o600
    assert site.git("status", "--porcelain") == "M  a.py\nA  new/deep/d.py\nD  pkg/c.py\n"
    assert site.ledger.records.patch(patch.cid).status == "applied"
    assert roll_back(site.ledger, patch.cid[:16], by="Ada") == (patch.cid,)
    assert site.snapshot() == before
    assert events(site) == ["proposed", "validated", "approved", "applied", "rolled_back"]
    assert check(site.ledger) == []


def test_git_itself_agrees_with_what_was_applied(site, make_site) -> None:
    twin = make_site("twin")
    patch = site.approved({"a.py": site.edit(l3="three"), "n.py": "x\n", "b.py": None})
    for one in (site, twin):
        one.write("a.py", one.edit(l18="eighteen"))
        one.commit()
    assert apply(site.ledger, patch.cid, by="Ada").merged
    twin.git("apply", "--3way", stdin=patch.content.diff)
    assert site.head().split()[1:] == twin.head().split()[1:]
    assert site.read("a.py") == twin.read("a.py") == site.edit(l3="three", l18="eighteen")


def test_a_moved_base_that_does_not_merge_is_refused_with_nothing_touched(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "b.py": site.edit(l3="three")})
    site.write("a.py", site.edit(l3="trois"))
    site.commit()
    before = site.snapshot()
    with pytest.raises(UserError, match=r"does not merge with what is in a\.py now"):
        apply(site.ledger, patch.cid, by="Ada")
    assert site.snapshot() == before
    assert site.ledger.records.applications() == []


@pytest.mark.parametrize("how", ["edited", "staged", "staged and put back", "removed", "untracked", "mode"])
def test_a_touched_file_with_changes_of_its_own_is_refused(site, how) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "n.py": "x\n"})
    if how == "untracked":
        site.write("n.py", "mine\n")
    elif how == "removed":
        (site.root / "a.py").unlink()
    elif how == "mode":
        (site.root / "a.py").chmod(0o755)
    else:
        site.write("a.py", site.edit(l18="mine"))
        if how != "edited":
            site.git("add", "a.py")
        if how == "staged and put back":
            site.write("a.py", site.edit())
    before = site.snapshot()
    with pytest.raises(UserError, match=r"not committed|does not track"):
        apply(site.ledger, patch.cid, by="Ada")
    assert site.snapshot() == before


def test_changes_in_other_files_are_nobodys_business(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    site.write("b.py", "mine\n")
    site.write("untracked.py", "mine\n")
    site.write("pkg/c.py", "staged\n")
    site.git("add", "pkg/c.py")
    apply(site.ledger, patch.cid, by="Ada")
    assert site.git("status", "--porcelain") == "M  a.py\n M b.py\nM  pkg/c.py\n?? untracked.py\n"
    roll_back(site.ledger, patch.cid, by="Ada")
    assert site.git("status", "--porcelain") == " M b.py\nM  pkg/c.py\n?? untracked.py\n"


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_a_link_in_the_way_is_not_followed(site, tmp_path: Path, swap) -> None:
    patch = site.approved({"pkg/c.py": site.edit(l3="three")})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c.py").write_text(site.edit())
    if swap == "file":
        (site.root / "pkg/c.py").unlink()
        (site.root / "pkg/c.py").symlink_to(outside / "c.py")
    else:
        (site.root / "pkg").rename(tmp_path / "moved")
        (site.root / "pkg").symlink_to(outside)
    with pytest.raises(UserError, match="not a plain f"):
        apply(site.ledger, patch.cid, by="Ada")
    assert (outside / "c.py").read_text() == site.edit()


def test_only_approval_with_the_newest_evidence_counts(site, measured) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    for step, message in (
        (lambda: None, "never validated"),
        (lambda: attach(site.ledger, patch.cid, [measured()], by="v"), "not approved"),
        (
            lambda: (
                approve(site.ledger, patch.cid, by="Ada"),
                attach(site.ledger, patch.cid, [measured(), measured("speed", 1.2)], by="v"),
            ),
            "other evidence does not count",
        ),
        (
            lambda: attach(site.ledger, patch.cid, [measured(measured=0.5)], by="v"),
            "did not pass: tests: failed",
        ),
    ):
        step()
        with pytest.raises(UserError, match=message):
            apply(site.ledger, patch.cid, by="Ada")
    attach(site.ledger, patch.cid, [measured()], by="v")  # the very evidence that was approved
    assert apply(site.ledger, patch.cid, by="Ada").paths == ("a.py",)


def test_a_protected_branch_wants_a_person(site, measured) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    evidence = [measured(), measured("speedup", 1.5, bar=1.1)]
    attach(site.ledger, patch.cid, evidence, by="v")
    threshold = [Check(name="speedup", bar=Bar(op=">=", value=1.2))]
    approve_automatically(site.ledger, patch.cid, threshold)
    site.git("checkout", "--quiet", "-b", "main")
    with pytest.raises(UserError, match="main is protected: a person has to approve"):
        apply(site.ledger, patch.cid, by="auto")
    approve(site.ledger, patch.cid, by="Ada")
    assert apply(site.ledger, patch.cid, by="Ada").paths == ("a.py",)


def test_rules_that_became_narrower_hold_when_applying(make_site, measured) -> None:
    site = make_site(rules=Rules(agents={"agent": Access(network=True)}))
    patch = site.propose({"a.py": site.edit(l3="three")}, proposer="agent", network=True)
    attach(site.ledger, patch.cid, [measured()], by="v")
    approve(site.ledger, patch.cid, by="Ada")
    for access, message in (
        (Access(paths=("pkg/**",)), "agent may not change a.py"),
        (Access(branches=("other",), network=True), "may not go to branch dev"),
        (Access(network=False), "agent may not use the network"),
    ):
        site.rules = Rules(agents={"agent": access})
        with pytest.raises(UserError, match=message):
            apply(site.ledger, patch.cid, by="Ada")
    assert site.git("status", "--porcelain") == ""


def test_a_detached_head_is_told(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    site.git("checkout", "--quiet", "--detach")
    with pytest.raises(UserError, match="detached HEAD"):
        apply(site.ledger, patch.cid, by="Ada")


def test_an_unfinished_merge_is_told(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    site.git("checkout", "--quiet", "-b", "other")
    site.write("a.py", site.edit(l9="theirs"))
    site.commit()
    site.git("checkout", "--quiet", "dev")
    site.write("a.py", site.edit(l9="ours"))
    site.commit()
    subprocess.run(["git", "merge", "--quiet", "other"], cwd=site.root, capture_output=True, check=False)
    before = site.snapshot()
    with pytest.raises(UserError, match="conflict that is not resolved"):
        apply(site.ledger, patch.cid, by="Ada")
    assert site.snapshot() == before


def test_a_patch_is_applied_once(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    with pytest.raises(UserError, match="applied already"):
        apply(site.ledger, patch.cid, by="Ada")
    roll_back(site.ledger, patch.cid, by="Ada")
    assert apply(site.ledger, patch.cid, by="Ada").paths == ("a.py",)
    site.commit()
    assert roll_back(site.ledger, patch.cid, by="Ada") == (patch.cid,)
    assert site.read("a.py") == site.edit()


def test_what_is_there_already_is_told(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    site.write("a.py", site.edit(l3="three"))
    site.commit()
    with pytest.raises(UserError, match="changes nothing"):
        apply(site.ledger, patch.cid, by="Ada")


def test_a_patch_on_another_branch_is_not_in_this_one(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    site.commit()
    site.git("checkout", "--quiet", "-b", "other", "HEAD~1")
    with pytest.raises(UserError, match="not applied on the branch"):
        plan_rollback(site.ledger, patch.cid)
    assert apply(site.ledger, patch.cid, by="Ada").paths == ("a.py",)


def test_a_child_waits_for_its_parent(site) -> None:
    parent = site.approved({"a.py": site.edit(l3="three")})
    child = site.approved({"a.py": site.edit(l3="three", l4="four")}, parents=(parent.cid,))
    with pytest.raises(UserError, match=f"builds on {parent.cid}, which is not in the tree"):
        apply(site.ledger, child.cid, by="Ada")
    apply(site.ledger, parent.cid, by="Ada")
    apply(site.ledger, child.cid, by="Ada")
    assert site.read("a.py") == site.edit(l3="three", l4="four")


def test_the_base_must_be_here_to_merge(site, make_site, measured) -> None:
    other = make_site("other")
    site.write("a.py", "other words\n" + site.edit())
    site.commit()
    patch = site.propose({"a.py": "other words\n" + site.edit(l3="three")})
    received = receive(other.ledger, patch.content.encoded(), patch.about)
    attach(other.ledger, received.cid, [measured()], by="v")
    approve(other.ledger, received.cid, by="Ada")
    with pytest.raises(UserError, match=f"fetch the commit {patch.about.commit[:12]}"):
        apply(other.ledger, received.cid, by="Ada")


@pytest.mark.parametrize("how", ["fails", "nothing measured", "raises", "interrupted"])
def test_what_does_not_hold_after_applying_is_taken_back_out(site, measured, how) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "n/n.py": "x\n", "b.py": None})
    before, seen = site.snapshot(), []

    def validate(root: Path):
        seen.append((root / "a.py").read_text())
        if how == "raises":
            raise ValueError("the checks broke")
        if how == "interrupted":
            raise KeyboardInterrupt
        return [measured(measured=0.5)] if how == "fails" else []

    error = {"raises": ValueError, "interrupted": KeyboardInterrupt}.get(how, GateFailed)
    with pytest.raises(error):
        apply(site.ledger, patch.cid, by="Ada", validate=validate)
    assert seen == [site.edit(l3="three")]
    assert site.snapshot() == before
    assert events(site)[-1] == "taken_out"
    assert site.ledger.records.patch(patch.cid).status == "approved"
    assert site.ledger.records.applications(all=True) == []


def test_what_holds_after_applying_stays(site, measured) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(
        site.ledger, patch.cid, by="Ada", validate=lambda root: [measured(), measured("x", 0, required=False)]
    )
    assert site.read("a.py") == site.edit(l3="three")


def test_what_was_staged_during_validation_survives_the_undo(site, measured) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})

    def validate(root: Path):
        site.write("b.py", "staged meanwhile\n")
        site.git("add", "b.py")
        return []

    with pytest.raises(GateFailed):
        apply(site.ledger, patch.cid, by="Ada", validate=validate)
    assert site.git("status", "--porcelain") == "M  b.py\n"
    assert site.read("a.py") == site.edit()


def test_an_edit_during_validation_is_never_overwritten(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "b.py": site.edit(l3="three")})

    def validate(root: Path):
        site.write("a.py", "my own work\n")
        return []

    with pytest.raises(UserError, match=r"a\.py changed while a patch was being applied.*before"):
        apply(site.ledger, patch.cid, by="Ada", validate=validate)
    assert (site.read("a.py"), site.read("b.py")) == ("my own work\n", site.edit(l3="three"))
    with pytest.raises(UserError, match=r"a\.py changed while"):
        _ = site.ledger
    site.write("a.py", site.edit())
    assert site.ledger.records.applications() == []
    assert (site.read("b.py"), site.git("status", "--porcelain")) == (site.edit(), "")


def test_independent_patches_go_in_any_order(site) -> None:
    first = site.approved({"a.py": site.edit(l3="three")})
    second = site.approved({"a.py": site.edit(l15="fifteen")})
    for patch in (first, second):
        apply(site.ledger, patch.cid, by="Ada")
    assert site.read("a.py") == site.edit(l3="three", l15="fifteen")
    plan = plan_rollback(site.ledger, first.cid)
    assert ([step.cid for step in plan.steps], plan.conflict) == ([first.cid], None)
    roll_back(site.ledger, first.cid, by="Ada")
    assert site.read("a.py") == site.edit(l15="fifteen")
    roll_back(site.ledger, second.cid, by="Ada")
    assert site.read("a.py") == site.edit()


def test_dependents_are_planned_in_reverse_order_and_named_first(site) -> None:
    base = site.approved({"a.py": site.edit(l3="three")})
    child = site.approved({"b.py": site.edit(l3="b")}, parents=(base.cid,))
    on_top = site.approved({"a.py": site.edit(l3="drei")}, parents=(base.cid,))
    apart = site.approved({"pkg/c.py": site.edit(l3="c")})
    for patch in (base, child, on_top, apart):
        apply(site.ledger, patch.cid, by="Ada")
    before = site.snapshot()
    plan = plan_rollback(site.ledger, base.cid)
    assert [step.cid for step in plan.steps] == [on_top.cid, child.cid, base.cid]
    assert plan.steps[0].why == f"it builds on {base.cid}"
    with pytest.raises(UserError, match=f"cannot go alone; first would go: {on_top.cid}.*{child.cid}"):
        roll_back(site.ledger, base.cid, by="Ada")
    assert site.snapshot() == before
    assert roll_back(site.ledger, base.cid, by="Ada", dependents=True)[-1] == base.cid
    assert site.git("status", "--porcelain") == "M  pkg/c.py\n"
    assert [one.cid for one in site.ledger.records.applications()] == [apart.cid]


def test_a_later_patch_in_the_same_lines_is_a_dependent_that_nobody_declared(site) -> None:
    first = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, first.cid, by="Ada")
    site.commit()
    second = site.approved({"a.py": site.edit(l3="drei")})
    apply(site.ledger, second.cid, by="Ada")
    plan = plan_rollback(site.ledger, first.cid)
    assert [(step.cid, step.why) for step in plan.steps] == [
        (second.cid, "it changed the same lines later"),
        (first.cid, "it was asked for"),
    ]
    roll_back(site.ledger, first.cid, by="Ada", dependents=True)
    assert site.read("a.py") == site.edit()


def test_what_somebody_changed_by_hand_since_is_told_before_anything_moves(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "b.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    site.write("a.py", site.edit(l3="by hand"))
    site.commit()
    plan = plan_rollback(site.ledger, patch.cid)
    assert (plan.conflict.cid, plan.conflict.paths) == (patch.cid, ("a.py",))
    before = site.snapshot()
    with pytest.raises(UserError, match=r"does not merge with what is in a\.py now"):
        roll_back(site.ledger, patch.cid, by="Ada", dependents=True)
    assert site.snapshot() == before


def test_what_was_taken_out_by_hand_is_recorded_as_gone(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    site.git("checkout", "--quiet", "HEAD", "--", "a.py")
    before = site.snapshot()
    assert roll_back(site.ledger, patch.cid, by="Ada") == (patch.cid,)
    assert site.snapshot() == before
    assert site.ledger.records.applications() == []


def test_a_patch_that_the_user_unstaged_can_still_be_taken_out(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    site.git("reset", "--quiet")
    assert site.git("status", "--porcelain") == " M a.py\n"
    roll_back(site.ledger, patch.cid, by="Ada")
    assert site.git("status", "--porcelain") == ""


def test_two_processes_do_not_change_one_tree_at_once(site) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    with held(site.ledger.folder / "tree.lock", "apply"):
        with pytest.raises(WorkspaceBusy, match="tree is in use by process"):
            apply(site.ledger, patch.cid, by="Ada")
        assert site.ledger.load(patch.cid) == patch  # reading goes on


def test_git_at_work_is_waited_for_and_then_named(site, monkeypatch) -> None:
    monkeypatch.setattr("bloomery.optimize.changes.index_lock.WAIT_S", 0.1)
    patch = site.approved({"a.py": site.edit(l3="three")})
    before = site.snapshot()
    lock = site.root / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(WorkspaceBusy, match=r"git is at work .*index\.lock"):
        apply(site.ledger, patch.cid, by="Ada")
    lock.unlink()
    assert site.ledger.records.applications() == []  # opening it undid what was begun
    assert site.snapshot() == before


def test_line_endings_that_git_converts_are_converted_in_the_tree(site) -> None:
    site.write(".gitattributes", "*.txt text eol=crlf\n")
    site.write("t.txt", "one\ntwo\n")
    site.commit()
    (site.root / "t.txt").unlink()
    site.git("checkout", "t.txt")
    assert (site.root / "t.txt").read_bytes() == b"one\r\ntwo\r\n"
    patch = site.approved({"t.txt": "one\nzwei\n"})
    assert "\r" not in patch.content.diff
    apply(site.ledger, patch.cid, by="Ada")
    assert (site.root / "t.txt").read_bytes() == b"one\r\nzwei\r\n"
    assert site.git("status", "--porcelain") == "M  t.txt\n"


def test_hooks_of_the_repository_do_not_run(site, tmp_path: Path) -> None:
    for name in ("post-checkout", "post-index-change", "pre-applypatch", "fsmonitor-watchman"):
        hook = site.root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    site.git("config", "core.fsmonitor", str(site.root / ".git/hooks/fsmonitor-watchman"))
    (tmp_path / "ran").unlink(missing_ok=True)
    patch = site.approved({"a.py": site.edit(l3="three")})
    apply(site.ledger, patch.cid, by="Ada")
    assert not (tmp_path / "ran").exists()
    assert site.read("a.py") == site.edit(l3="three")


@pytest.mark.parametrize("moment", ["while it is prepared", "while files take their places"])
def test_a_full_disk_leaves_the_tree_as_it_was(site, monkeypatch, moment) -> None:
    patch = site.approved({"a.py": site.edit(l3="three"), "b.py": site.edit(l3="three"), "n.py": "x\n"})
    before, copy, replace = site.snapshot(), shutil.copy2, Path.replace

    def full_copy(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    def full_replace(source, target):
        if Path(target).name == "b.py" and not source.name.startswith("old-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    with monkeypatch.context() as patched:
        if moment == "while it is prepared":
            patched.setattr(shutil, "copy2", full_copy)
        else:
            patched.setattr(Path, "replace", full_replace)
        with pytest.raises(DiskFull):
            apply(site.ledger, patch.cid, by="Ada")
    assert shutil.copy2 is copy
    assert site.ledger.records.applications() == []
    assert site.snapshot() == before


def test_a_tree_that_moves_while_a_patch_is_prepared_is_left_alone(site, monkeypatch) -> None:
    patch = site.approved({"a.py": site.edit(l3="three")})
    write = Placing.write

    def meanwhile(act):
        def write_after(placing):
            act()
            return write(placing)

        return write_after

    site.write("b.py", "mine\n")
    for act, error, message in (
        (lambda: site.git("add", "b.py"), WorkspaceBusy, "git changed the index meanwhile"),
        (lambda: site.write("a.py", "typed just now\n"), UserError, "was changed while"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(Placing, "write", meanwhile(act))
            with pytest.raises(error, match=message):
                apply(site.ledger, patch.cid, by="Ada")
    assert site.ledger.records.applications() == []
    assert site.read("a.py") == "typed just now\n"
    assert site.git("status", "--porcelain") == " M a.py\nM  b.py\n"
