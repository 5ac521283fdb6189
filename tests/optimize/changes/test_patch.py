import json
import subprocess

import pytest

from bloomery.core.errors import DamagedArtifact, FormatRefused, UnknownName, UserError
from bloomery.core.retention import Retention, clean
from bloomery.optimize.changes import About, Access, Repository, Rules, check, open_ledger, propose
from bloomery.optimize.changes.patch import Base, Content, secrets_added

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


def test_equal_changes_of_the_same_tree_are_one_patch(site) -> None:
    text = site.edit(l3="three")
    first = site.propose({"a.py": text}, description="faster", goal="speed")
    site.write("a.py", text)
    for context in ("1", "3", "9"):
        diff = site.git("diff", f"--unified={context}")
        site.git("checkout", "--quiet", "a.py")
        again = propose(site.ledger, About(proposer="somebody"), diff=diff)
        assert (again.cid, again.about.description) == (first.cid, "faster")
        site.write("a.py", text)
    site.git("checkout", "--quiet", "a.py")
    plain = "--- a/a.py\n+++ b/a.py\n@@ -2,3 +2,3 @@\n line 2\n-line 3\n+three\n line 4\n"
    assert propose(site.ledger, About(proposer="somebody"), diff=plain).cid == first.cid
    assert len(site.ledger.records.patches()) == 1


def test_another_base_or_another_diff_is_another_patch(site) -> None:
    cids = {site.propose({"a.py": site.edit(l3=word)}).cid for word in ("x", "y")}
    site.write("b.py", "moved on\n")
    site.commit()
    cids.add(site.propose({"a.py": site.edit(l3="x")}).cid)
    assert len(cids) == 3


def test_the_diff_is_what_git_would_write_and_leads_to_the_texts(site) -> None:
    texts = {"a.py": site.edit(l1="first", l20="last"), "new/d.py": "x = 1\n", "b.py": None}
    before = site.snapshot()
    patch = site.propose(texts)
    assert site.snapshot() == before
    assert patch.paths == ("a.py", "b.py", "new/d.py")
    assert patch.content.base.blobs["new/d.py"] is None
    assert patch.content.base.blobs["a.py"] == site.git("rev-parse", "HEAD:a.py").strip()
    assert patch.content.base.tree == site.git("rev-parse", "HEAD^{tree}").strip()
    site.git("apply", stdin=patch.content.diff)
    assert (site.read("a.py"), site.read("new/d.py")) == (texts["a.py"], "x = 1\n")
    assert not (site.root / "b.py").exists()


def test_what_the_owner_of_a_machine_configured_changes_nothing(site) -> None:
    text = site.edit(l3="three")
    cid = site.propose({"a.py": text}).cid
    for setting in (
        "diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.algorithm=histogram", "diff.context=9",
        "core.abbrev=5", "diff.external=false", "color.ui=always", "diff.renames=copies",
    ):  # fmt: skip
        site.git("config", *setting.split("="))
    site.write(".git/info/attributes", "*.py -diff\n")
    site.write("pkg/d.py", text)
    assert site.propose({"a.py": text}).cid == cid


def test_a_file_with_dos_lines_keeps_them(site) -> None:
    (site.root / "dos.py").write_bytes(b"one\r\ntwo\r\n")
    site.commit()
    patch = site.propose({"dos.py": "one\nzwei\n"})
    assert patch.content.diff.count("\r\n") == 3
    assert "-two\r\n+zwei\r\n" in patch.content.diff


def test_a_patch_in_the_store_that_was_altered_is_refused(site) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    assert check(site.ledger) == []
    stored = site.home / "store" / "objects" / patch.cid
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes().replace(b"three", b"seven"))
    with pytest.raises(DamagedArtifact, match=patch.cid):
        site.ledger.load(patch.cid)
    assert any(patch.cid in problem for problem in check(site.ledger))


def test_what_was_said_cannot_be_moved_to_another_patch(site) -> None:
    one, two = (site.propose({"a.py": site.edit(l3=word)}, description=word) for word in ("x", "y"))
    records = site.ledger.records
    with pytest.raises(FormatRefused, match="another patch"):
        About.decode(site.workspace.store.read(records.patch(one.cid).about), two.cid)


def test_a_patch_is_found_by_the_beginning_of_its_cid(site) -> None:
    one, two = (site.propose({"a.py": site.edit(l3=word)}) for word in ("x", "y"))
    assert site.ledger.find(one.cid[:20]) == one.cid
    assert site.ledger.load(two.cid[:20]).content == two.content
    with pytest.raises(UserError, match="too short"):
        site.ledger.find(one.cid[:7])
    with pytest.raises(UnknownName):
        site.ledger.find("bafkreiaaaaaaaaaaaaaaaa")


def test_cleaning_the_workspace_keeps_patches(site) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    clean(site.workspace, Retention(keep_days=0, keep_runs=0, remove_unknown=True))
    assert site.ledger.load(patch.cid) == patch


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "empty"),
        ({"a.py": None, "b.py": "x\n", "zzz.py": None}, "zzz.py is to be removed and is not there"),
        ({"../out.py": "x"}, "not a path inside"),
        ({"/etc/out.py": "x"}, "not a path inside"),
        ({"a//b.py": "x"}, "not a path inside"),
        ({"pkg/./c.py": "x"}, "not a path inside"),
        ({"a\\b.py": "x"}, "not a path inside"),
        ({"": "x"}, "not a path inside"),
        ({"new\nline.py": "x"}, "unprintable"),
        ({".git/hooks/pre-commit": "x"}, "belongs to git"),
        ({"pkg/.GIT/config": "x"}, "belongs to git"),
        ({"git~1/config": "x"}, "belongs to git"),
        ({".gitmodules": "x"}, "may not change"),
        ({".github/workflows/ci.yml": "x"}, "may not change"),
        ({"a.py": "x\0y"}, "binary"),
        ({"image.png": "x"}, "binary"),
        ({"pkg": "x"}, "pkg is a folder"),
        ({"a.py/deeper.py": "x"}, "a.py is a file"),
        ({"link": "x"}, "symbolic link"),
        ({"folder-link/x.py": "x"}, "symbolic link"),
        ({"sub": "x"}, "submodule"),
        ({"sub/x.py": "x"}, "sub is a submodule"),
    ],
)
def test_a_change_that_no_patch_may_make_is_refused_by_name(site, texts, message) -> None:
    (site.root / "link").symlink_to("a.py")
    (site.root / "folder-link").symlink_to("pkg")
    (site.root / "image.png").write_bytes(b"\x89PNG\0\0")
    subprocess.run(["git", "clone", "--quiet", site.root, site.root / "sub"], check=True)
    site.git("-c", "advice.addEmbeddedRepo=false", "add", "--all")
    site.git("commit", "--quiet", "-m", "odd things")
    with pytest.raises(UserError, match=message):
        site.propose(texts)
    assert site.ledger.records.patches() == []


LINK = """diff --git a/l b/l
new file mode 120000
index 0000000..1d1c1e1
--- /dev/null
+++ b/l
@@ -0,0 +1 @@
+a.py
\\ No newline at end of file
"""
SUBMODULE = """diff --git a/s b/s
new file mode 160000
index 0000000..1d1c1e1d1c1e1d1c1e1d1c1e1d1c1e1d1c1e1d1c
--- /dev/null
+++ b/s
@@ -0,0 +1 @@
+Subproject commit 1d1c1e1d1c1e1d1c1e1d1c1e1d1c1e1d1c1e1d1c
"""
BINARY = "diff --git a/x b/x\nindex 1d1c1e1..2d1c1e1 100644\nBinary files a/x and b/x differ\n"


@pytest.mark.parametrize(
    ("diff", "message"),
    [
        ("", "empty"),
        ("hello\n", "no diff that git can read"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,1 @@\n-no such line\n+x\n", "does not apply to its base"),
        ("--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n", "not a path inside|cannot|no diff"),
        ("--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n", "belongs to git"),
        (LINK, "symbolic link"),
        (SUBMODULE, "submodule|does not apply"),
        (BINARY, "binary|no diff"),
    ],
)
def test_a_diff_that_no_patch_may_be_is_refused(site, diff, message) -> None:
    before = site.snapshot()
    with pytest.raises(UserError, match=message):
        propose(site.ledger, About(proposer="rewrites"), diff=diff)
    assert site.snapshot() == before
    assert site.ledger.records.patches() == []


def test_a_patch_changes_neither_the_workspace_nor_what_its_agent_may_not(make_site) -> None:
    narrow = Access(paths=("pkg/**",), denied=("pkg/secret*",), branches=("dev", "agents/**"))
    site = make_site(rules=Rules(agents={"narrow": narrow}))
    site.home = site.root / ".bloomery"
    for path, message in (
        ("a.py", "narrow may not change a.py: allowed are"),
        ("pkg/secrets.py", "may not change"),
    ):
        with pytest.raises(UserError, match=message):
            site.propose({path: "x\n"}, proposer="narrow")
    assert site.propose({"pkg/deep/er.py": "x\n"}, proposer="narrow").paths == ("pkg/deep/er.py",)
    with pytest.raises(UserError, match="lies in the workspace"):
        site.propose({".bloomery/changes/x": "x\n"})
    with pytest.raises(UserError, match="narrow may not use the network"):
        site.propose({"pkg/c.py": "x\n"}, proposer="narrow", network=True)
    site.git("checkout", "--quiet", "-b", "release/1")
    with pytest.raises(UserError, match="may not go to branch release/1"):
        site.propose({"pkg/c.py": "x\n"}, proposer="narrow")
    assert propose(site.ledger, About(proposer="narrow"), texts={"pkg/c.py": "x\n"}, branch="agents/x").cid


def test_a_patch_that_adds_a_token_is_refused_and_the_token_is_kept_nowhere(site) -> None:
    with pytest.raises(UserError, match=r"adds a GitHub token \(line 9 of its diff\)") as caught:
        site.propose({"a.py": site.edit(l3=f"key = '{TOKEN}'")})
    assert TOKEN not in str(caught.value)
    site.propose({"a.py": site.edit(l4="four")}, description=f"uses {TOKEN}", facts={"prompt": [TOKEN]})
    kept = [path for path in site.home.rglob("*") if path.is_file()]
    assert len(kept) > 3
    assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []


def test_a_patch_that_removes_a_token_is_welcome(site) -> None:
    site.write("a.py", f"key = '{TOKEN}'\n")
    site.commit()
    assert secrets_added(site.propose({"a.py": "key = None\n"}).content.diff) == []


def test_a_patch_may_build_on_another(site) -> None:
    first = site.propose({"a.py": site.edit(l3="three")})
    second = site.propose({"a.py": site.edit(l3="three", l4="four")}, parents=(first.cid[:20],))
    assert second.about.parents == (first.cid,)
    assert second.content.diff.count("\n-") - second.content.diff.count("\n---") == 1
    site.propose({"b.py": site.edit(l1="b")})
    with pytest.raises(UnknownName):
        site.propose({"a.py": "x\n"}, parents=("bafkreiaaaaaaaaaaaaaaaa",))


def test_a_patch_in_another_form_has_no_second_name(site) -> None:
    content = site.propose({"a.py": site.edit(l3="three")}).content
    assert Content.decode(content.encoded()) == content
    spaced = json.dumps(json.loads(content.encoded())).encode()
    with pytest.raises(FormatRefused, match="canonical"):
        Content.decode(spaced)
    for data in (b"", b"[]", b"\xff", b"[" * 100_000, b'{"format":1}', content.encoded()[:-1]):
        with pytest.raises(FormatRefused):
            Content.decode(data)
    for base in (Base("HEAD", content.base.blobs), Base(content.base.tree, {"../x": None}), Base("", {})):
        with pytest.raises(UserError):
            Content.decode(Content(content.diff, base).encoded())


def test_a_place_that_is_no_repository_says_what_to_do(tmp_path, site) -> None:
    (tmp_path / "plain").mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "bare"], check=True)
    subprocess.run(["git", "init", "--quiet", tmp_path / "fresh"], check=True)
    for name, message in (
        ("plain", "not in a git repository: run `git init`"),
        ("bare", "no working tree"),
        ("fresh", "no commit yet"),
        ("nowhere", "does not exist"),
    ):
        with pytest.raises(UserError, match=message):
            open_ledger(site.workspace, tmp_path / name)
    with pytest.raises(UserError, match="no working tree"):
        open_ledger(site.workspace, site.root / ".git")
    assert Repository.open(site.root / "pkg" / "c.py").root == site.root


def test_variables_of_another_repository_do_not_lead_astray(site, make_site, monkeypatch) -> None:
    other = make_site("two")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    assert Repository.open(site.root).root == site.root


def test_a_file_is_patched_whatever_folders_stand_beside_those_that_it_lies_in(site) -> None:
    for path in ("src/pkg/inner/a.py", "src/pkg/other/b.py", "src/more/c.py"):
        site.write(path, site.read("a.py"))
    site.commit()
    patch = site.propose({"src/pkg/inner/a.py": site.edit(l3="other")})
    assert patch.paths == ("src/pkg/inner/a.py",)
    assert set(site.ledger.repository.listed("HEAD", ["src", "src/pkg", "src/pkg/inner/a.py"])) == {
        "src", "src/pkg", "src/pkg/inner/a.py",
    }  # fmt: skip
