"""bloomery patches share, fetch, export, import: from one workspace to another, over a folder and a node."""

import json
from pathlib import Path

import pytest

from tests.optimize.changes.conftest import make_site, private_git, template
from tests.optimize.changes.nodes import drop, lie, node, raw_cid

__all__ = ["make_site", "node", "private_git", "template"]


@pytest.fixture
def here(make_site, bloomery, monkeypatch):
    """Commands in a clone of the repository, each with a workspace of its own; what they say as JSON."""
    for name in ("BLOOMERY_IPFS", "BLOOMERY_MEETING", "BLOOMERY_KUBO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    sites = {name: make_site(name) for name in ("one", "two")}

    def say(name: str, verb: str, *words: object, code: int = 0) -> object:
        site = sites[name]
        said = bloomery("patches", verb, *words, "-C", site.root, "-w", site.home, "--json")
        assert said.code == code, said.err
        return json.loads(said.out) if code == 0 else said.err

    say.sites = sites
    return say


@pytest.fixture
def patch(here):
    site = here.sites["one"]
    return site.propose({"a.py": site.edit(l3="three")}, description="faster", goal="speed")


@pytest.fixture
def url(node) -> str:
    return f"http://127.0.0.1:{node.server_port}"


def is_a_proposal_with_the_same_bytes(site, patch) -> bool:
    (record,) = site.ledger.records.patches()
    kept = site.workspace.store.read(record.cid)
    return (record.cid, record.status, kept) == (raw_cid(kept), "proposed", patch.content.encoded())


def test_a_patch_goes_over_a_folder(here, patch, tmp_path):
    shared = here("one", "share", patch.cid[:16], "--to", tmp_path / "shared")
    assert Path(shared["places"][0].removeprefix("file://")).is_file()
    got = here("two", "fetch", shared["cid"], "--about", shared["about"], "--from", tmp_path / "shared")
    assert (got["cid"], got["paths"], got["about"]["description"]) == (patch.cid, ["a.py"], "faster")
    assert is_a_proposal_with_the_same_bytes(here.sites["two"], patch)
    assert here("two", "verify")["wrong"] == []


def test_a_patch_goes_over_a_node_that_the_environment_names(here, patch, node, url, monkeypatch):
    monkeypatch.setenv("BLOOMERY_IPFS", url)
    shared = here("one", "share", patch.cid)
    assert (shared["places"], node.pins) == ([f"ipfs://{patch.cid}"], {patch.cid, shared["about"]})
    assert here("two", "fetch", patch.cid)["about"]["facts"]["sender"]["proposer"] == "unknown"
    assert is_a_proposal_with_the_same_bytes(here.sites["two"], patch)


@pytest.mark.parametrize("well", [0, 1, 2, 3])
def test_a_node_lost_in_the_middle_is_told_and_the_folder_is_used(here, patch, node, url, tmp_path, well):
    node.moods = [None] * well + [drop]
    places = ("--ipfs", url)
    shared = here("one", "share", patch.cid, "--to", tmp_path, *places)
    assert shared["places"] == [f"file://{tmp_path}/{patch.cid}.tar"]
    assert "the folder is used instead" in shared["notes"][0]
    node.moods = [drop]
    got = here("two", "fetch", patch.cid, "--from", tmp_path, *places)
    assert "cannot be reached" in got["notes"][0]
    assert is_a_proposal_with_the_same_bytes(here.sites["two"], patch)


def test_a_person_reads_what_to_type_next(here, patch, bloomery, tmp_path):
    one, two = here.sites["one"], here.sites["two"]
    said = bloomery("patches", "share", patch.cid, "--to", tmp_path, "--ipfs", "http://127.0.0.1:9",
                    "-C", one.root, "-w", one.home)  # fmt: skip
    *_, note, _, after = said.out.splitlines()
    assert note.startswith("note: the node http://127.0.0.1:9 cannot be reached")
    words = after.removeprefix("elsewhere: bloomery ").split()
    got = bloomery(*words, "--from", tmp_path, "-C", two.root, "-w", two.home)
    assert got.code == 0, got.err
    assert got.out.splitlines()[-1] == f"next: bloomery patches verify {patch.cid[:14]}"


def test_altered_bytes_are_refused(here, patch, node, url, tmp_path):
    one = here.sites["one"]
    worse = one.propose({"a.py": one.edit(l3="worse")})
    node.blocks[patch.cid] = worse.content.encoded()
    here("one", "share", patch.cid, "--to", tmp_path)
    here("one", "share", worse.cid, "--to", tmp_path)
    (tmp_path / f"{worse.cid}.tar").replace(tmp_path / f"{patch.cid}.tar")
    said = here("two", "fetch", patch.cid, "--from", tmp_path, "--ipfs", url, code=2)
    assert "something else as" in said
    assert patch.cid in said
    assert here.sites["two"].ledger.records.patches() == []


def test_a_patch_goes_as_a_file_and_an_altered_one_is_refused(here, patch, tmp_path):
    file = tmp_path / "p.json"
    here("one", "export", patch.cid, "-o", file)
    whole = file.read_text()
    file.write_text(whole.replace("+three", "+seven"))
    assert "was altered" in here("two", "import", file, code=1)
    file.write_text(whole)
    assert here("two", "import", file)["cid"] == patch.cid
    assert is_a_proposal_with_the_same_bytes(here.sites["two"], patch)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("share", "CID"), "BLOOMERY_MEETING"),
        (("share", "bafkreinobodyhasthis", "--to", "x"), "unknown patch"),
        (("fetch", "bafkreishort", "--from", "x"), "not a CID"),
        (("fetch", raw_cid(b"nobody"), "--from", "x"), "nobody has"),
        (("fetch", raw_cid(b"nobody"), "--from", "x", "--ipfs", "127.0.0.1:9"), "cannot be reached"),
        (("import", "nowhere.json"), "does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(here, patch, words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verb, *rest = (patch.cid if word == "CID" else word for word in words)
    said = here("one", verb, *rest, code=2)
    assert told in said
    assert said.count("\n") == 1


def test_a_node_that_alone_was_named_and_fails_is_an_error(here, patch, node, url):
    node.moods = [lie]
    assert "by another name" in here("one", "share", patch.cid, "--ipfs", url, code=1)
