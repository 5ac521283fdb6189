import json
from dataclasses import replace

import pytest

from bloomery.core import remote
from bloomery.core.errors import BloomeryError, DamagedArtifact, FormatRefused, MissingFile, UserError
from bloomery.core.evidence import Bar, Check
from bloomery.optimize.changes import (
    About,
    Access,
    Rules,
    apply,
    approve,
    approve_automatically,
    attach,
    check,
)
from bloomery.optimize.changes.access import RECEIVED
from bloomery.optimize.changes.kubo import Kubo, Unreachable
from bloomery.optimize.changes.patch import Base, Content
from bloomery.optimize.changes.sharing import (
    Meeting,
    broadcast,
    export,
    fetch,
    import_file,
    meeting_at,
    receive,
)
from bloomery.optimize.validating.levels import EQUIVALENCE, required
from tests.optimize.changes.nodes import TOKEN, babble, drop, fail, hang, lie, node, raw_cid, trickle

__all__ = ["node"]

SAME = {check.name for check in EQUIVALENCE if check.required}
PASSWORD = "example-of-ours-7"  # looks like a placeholder, so that nothing but the rule for URLs takes it out


@pytest.fixture
def meeting(node, tmp_path) -> Meeting:
    return Meeting(str(tmp_path / "shared"), Kubo(f"http://127.0.0.1:{node.server_port}", timeout_s=0.3))


@pytest.fixture
def two(make_site):
    """Two clones, each with a workspace of its own."""
    return make_site("one"), make_site("two")


def test_a_patch_goes_over_a_node_under_the_same_cid_and_is_applied_elsewhere(two, node, meeting, measured):
    one, other = two
    texts = {"a.py": one.edit(l3="three"), "ü.py": "x = 'é'\n"}
    patch = one.propose(texts, description="faster", goal="speed")
    shared = broadcast(one.ledger, patch.cid[:16], meeting)
    assert (shared.cid, shared.places, shared.notes) == (patch.cid, (f"ipfs://{patch.cid}",), ())
    assert node.pins == {patch.cid, shared.about} == set(node.blocks)
    got = fetch(other.ledger, patch.cid, meeting, about=shared.about)
    assert (got.cid, got.content, got.about.goal, got.about.description) == (
        patch.cid, patch.content, "speed", "faster",
    )  # fmt: skip
    with pytest.raises(UserError, match="never validated"):
        apply(other.ledger, got.cid, by="Ada")
    attach(other.ledger, got.cid, [measured()], by="v")
    approve(other.ledger, got.cid, by="Ada")
    assert apply(other.ledger, got.cid, by="Ada").paths == ("a.py", "ü.py")
    assert [entry.event for entry in one.ledger.records.audit()] == ["proposed", "shared"]
    assert other.ledger.records.audit()[0].event == "received"


def test_without_a_node_the_folder_is_where_workspaces_meet(two, tmp_path) -> None:
    one, other = two
    meeting = Meeting(f"file://{tmp_path}/shared")
    patch = one.propose({"a.py": one.edit(l3="three")}, description="d")
    shared = broadcast(one.ledger, patch.cid, meeting)
    assert shared.places == (f"file://{tmp_path}/shared/{patch.cid}.tar",)
    assert fetch(other.ledger, patch.cid, meeting, about=shared.about).about.description == "d"


def test_the_cid_alone_is_enough(two, meeting) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    broadcast(one.ledger, patch.cid, meeting)
    got = fetch(other.ledger, patch.cid, meeting)
    assert (got.content, got.about.facts["sender"]["proposer"]) == (patch.content, "unknown")


@pytest.mark.parametrize(
    ("mood", "well"),
    [(drop, 0), (drop, 1), (drop, 3), (hang, 1), (trickle, 0), (fail, 2), (lie, 3), (babble, 1)],
)
def test_a_node_that_goes_down_in_the_middle_loses_nothing(two, node, meeting, mood, well) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    node.moods = [None] * well + [mood]
    shared = broadcast(one.ledger, patch.cid, meeting)
    assert shared.places == (f"file://{meeting.folder}/{patch.cid}.tar",)
    (note,) = shared.notes
    assert "the folder is used instead" in note
    assert TOKEN not in note + str(one.ledger.records.audit())
    node.moods = [mood] * 9
    assert fetch(other.ledger, patch.cid, meeting, about=shared.about).content == patch.content
    assert check(one.ledger) + check(other.ledger) == []


def test_a_node_that_is_not_there_is_told(two, tmp_path) -> None:
    one, other = two
    meeting = Meeting(str(tmp_path / "shared"), Kubo("http://127.0.0.1:9", timeout_s=0.3))
    patch = one.propose({"a.py": one.edit(l3="three")})
    (note,) = broadcast(one.ledger, patch.cid, meeting).notes
    assert "http://127.0.0.1:9 cannot be reached" in note
    assert fetch(other.ledger, patch.cid, meeting).cid == patch.cid
    with pytest.raises(Unreachable, match="cannot be reached"):
        Kubo("nonsense://x").add(b"x")


@pytest.mark.parametrize("mood", [drop, hang, trickle, fail, lie, babble])
def test_a_password_in_the_url_of_a_node_is_shown_nowhere(site, node, tmp_path, capsys, mood) -> None:
    kubo = Kubo(f"http://ada:{PASSWORD}@127.0.0.1:{node.server_port}", timeout_s=0.3)
    patch = site.propose({"a.py": site.edit(l3="three")})
    node.moods = [mood]
    shared = broadcast(site.ledger, patch.cid, Meeting(str(tmp_path / "shared"), kubo))
    node.moods = [mood]
    with pytest.raises(MissingFile) as missing:
        fetch(site.ledger, raw_cid(b"nobody has this"), Meeting(str(tmp_path / "shared"), kubo))
    said = [repr(kubo), *shared.notes, str(missing.value), str(site.ledger.records.audit())]
    assert PASSWORD not in "".join(said) + "".join(capsys.readouterr())
    assert f"http://ada:[redacted]@127.0.0.1:{node.server_port}" in shared.notes[0] or mood is babble
    with pytest.raises(Unreachable) as unusable:
        Kubo(f"http://ada:{PASSWORD}@127.0.0.1:no").add(b"x")
    assert PASSWORD not in str(unusable.value)


class Away:
    """A remote that names its whole address in its errors."""

    def __init__(self, url: str) -> None:
        self.url = url

    def exists(self, _path: str) -> bool:
        raise OSError(f"{self.url} is away")

    def open(self, *_: str) -> None:
        raise OSError(f"{self.url} is away")


def test_a_password_in_the_url_of_a_folder_is_shown_nowhere(site, monkeypatch) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    url = f"nonsense://ada:{PASSWORD}@example.org/x"

    def told() -> str:
        with pytest.raises(BloomeryError) as pushed:
            broadcast(site.ledger, patch.cid, Meeting(url))
        with pytest.raises(MissingFile) as missing:
            fetch(site.ledger, raw_cid(b"nobody has this"), Meeting(url))
        return f"{pushed.value} {missing.value} {Meeting(url)} {site.ledger.records.audit()}"

    unknown = told()
    monkeypatch.setattr(remote, "url_to_fs", lambda url: (Away(url), url))
    away = told()
    assert "is not a URL of a remote" in unknown
    assert "example.org/x is away" in away
    assert PASSWORD not in unknown + away


def test_what_nobody_has_is_told_with_what_each_said(site, meeting) -> None:
    with pytest.raises(MissingFile, match=r"nobody has bafk.*not found locally.*push it from a store"):
        fetch(site.ledger, raw_cid(b"nobody has this"), meeting)
    with pytest.raises(UserError, match="not a CID"):
        fetch(site.ledger, "../../etc/passwd", meeting)


def test_what_a_node_gives_under_a_false_name_is_refused(two, node, meeting) -> None:
    one, other = two
    patch, worse = (one.propose({"a.py": one.edit(l3=word)}) for word in ("three", "worse"))
    node.blocks[patch.cid] = worse.content.encoded()
    with pytest.raises(MissingFile, match="something else as"):
        fetch(other.ledger, patch.cid, meeting)
    node.blocks[patch.cid] = b"x" * (17 * 2**20)
    with pytest.raises(MissingFile, match="sent more than"):
        fetch(other.ledger, patch.cid, meeting)
    assert other.ledger.records.patches() == []


def test_the_token_for_a_node_is_sent_and_kept_nowhere(site, node, meeting, monkeypatch) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    node.wants = "a-Secret-for-the-Node-1234"
    assert "refused add (403)" in broadcast(site.ledger, patch.cid, meeting).notes[0]
    monkeypatch.setenv("BLOOMERY_KUBO_TOKEN", node.wants)
    assert broadcast(site.ledger, patch.cid, meeting).places == (f"ipfs://{patch.cid}",)
    kept = [path for path in site.home.rglob("*") if path.is_file()]
    assert [path for path in kept if node.wants.encode() in path.read_bytes()] == []


def test_an_agent_without_network_reaches_no_node(two, node, meeting) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    with pytest.raises(UserError, match="agent may not use the network"):
        broadcast(one.ledger, patch.cid, meeting, agent="agent")
    with pytest.raises(UserError, match="agent may not use the network"):
        fetch(other.ledger, patch.cid, meeting, agent="agent")
    assert node.calls == []
    one.rules = Rules(agents={"agent": Access(network=True)})
    assert broadcast(one.ledger, patch.cid, meeting, agent="agent").notes == ()


def test_a_patch_that_shows_a_token_stays_here(site, meeting, tmp_path, node) -> None:
    site.write("a.py", f"key = '{TOKEN}'\n")
    site.commit()
    patch = site.propose({"a.py": "key = None\n"})
    for act in (
        lambda: broadcast(site.ledger, patch.cid, meeting),
        lambda: export(site.ledger, patch.cid, tmp_path / "p.json"),
    ):
        with pytest.raises(UserError, match="shows a GitHub token"):
            act()
    assert node.calls == []
    assert not (tmp_path / "p.json").exists()


def test_a_patch_travels_as_a_file(two, tmp_path) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")}, description="faster", facts={"speedup": 1.5})
    path = export(one.ledger, patch.cid, tmp_path / "p.json")
    assert import_file(other.ledger, path).content == patch.content
    plain = export(one.ledger, patch.cid, tmp_path / "p.diff")
    other.git("apply", str(plain))
    assert other.read("a.py") == one.edit(l3="three")


def test_a_file_that_was_altered_is_refused(two, tmp_path) -> None:
    one, other = two
    path = export(one.ledger, one.propose({"a.py": one.edit(l3="three")}).cid, tmp_path / "p.json")
    path.write_text(path.read_text().replace("+three", "+seven"))
    with pytest.raises(DamagedArtifact, match="was altered"):
        import_file(other.ledger, path)
    for text in ("", "[]", "{}", '{"cid": 1, "content": {}, "about": {}}', "\udcff"):
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(FormatRefused):
            import_file(other.ledger, path)
    with pytest.raises(MissingFile):
        import_file(other.ledger, tmp_path / "nowhere.json")


@pytest.mark.parametrize("on", ["its own", "a later one", "f" * 40, "HEAD~1"])
def test_who_sends_a_patch_says_neither_which_tests_judge_it_nor_on_what_tree(two, on) -> None:
    one, other = two
    facts = {"tests": ["tests/test_nothing.py"], "merged": ["x"], "speedup": 1.5}
    patch = one.propose({"a.py": one.edit(l3="three")}, facts=facts)
    other.write("b.py", "x = 1\n")
    other.commit()
    named = {"its own": patch.about.commit, "a later one": other.git("rev-parse", "HEAD").strip()}
    about = replace(patch.about, commit=named.get(on, on))
    got = receive(other.ledger, patch.content.encoded(), about).about
    assert got.commit == (patch.about.commit if on == "its own" else None)
    to_fetch = {"fetch": on} if on == "f" * 40 else {}  # only told, where the patch does not merge
    assert got.facts == {"sender": {"proposer": patch.about.proposer, "goal": ""}} | to_fetch


SAYS = {"fix": "", "robustness": "", "security": "", "coverage": "", "speed": "speed", "nonsense": ""}


@pytest.mark.parametrize(("goal", "kept"), SAYS.items())
def test_who_sends_a_patch_does_not_say_that_it_may_change_what_the_code_does(two, goal, kept) -> None:
    one, other = two
    about = About(proposer="agent", goal=goal, network=True, facts={"level": "basic"})
    patch = one.propose({"a.py": one.edit(l3="three")})
    got = receive(other.ledger, patch.content.encoded(), about).about
    assert (got.proposer, got.goal, got.network) == (RECEIVED, kept, False)
    assert got.facts["sender"]["goal"] == goal
    assert set(SAME) <= required("basic", got.goal)


def test_a_received_patch_is_held_to_the_rules_for_received_ones_whoever_is_said_to_have_made_it(two) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    trusted = replace(patch.about, proposer="trusted")
    other.rules = Rules(everyone=Access(paths=("docs/**",)), agents={"trusted": Access()})
    with pytest.raises(UserError, match=r"received may not change a\.py"):
        receive(other.ledger, patch.content.encoded(), trusted)
    other.rules = Rules(agents={RECEIVED: Access(branches=("incoming/**",)), "trusted": Access()})
    got = receive(other.ledger, patch.content.encoded(), trusted)
    with pytest.raises(UserError, match="patches of received may not go to branch"):
        apply(other.ledger, got.cid, by="Ada")


def test_a_received_patch_is_applied_by_no_threshold(two, measured) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    got = receive(other.ledger, patch.content.encoded(), patch.about)
    attach(other.ledger, got.cid, [measured()], by="v")
    with pytest.raises(UserError, match="came from elsewhere: a person has to approve it"):
        approve_automatically(
            other.ledger, got.cid, [Check(name=measured().check, bar=Bar(op=">=", value=1))], branch="work"
        )
    approve(other.ledger, got.cid, by="Ada")
    assert apply(other.ledger, got.cid, by="Ada").paths == ("a.py",)


@pytest.mark.parametrize(
    "said",
    [
        {"facts": []},
        {"proposer": 5},
        {"proposer": " "},
        {"goal": ["x"]},
        {"description": None},
        {"commit": 7},
    ],
)
def test_what_is_said_in_another_form_is_refused(two, tmp_path, said) -> None:
    one, other = two
    path = export(one.ledger, one.propose({"a.py": one.edit(l3="three")}).cid, tmp_path / "p.json")
    plain = json.loads(path.read_text())
    path.write_text(json.dumps(plain | {"about": plain["about"] | said}))
    with pytest.raises(FormatRefused, match="what is said of the patch"):
        import_file(other.ledger, path)


def test_what_comes_from_elsewhere_obeys_the_same_rules(site, make_site) -> None:
    patch = site.propose({"a.py": site.edit(l3="three")})
    base = patch.content.base
    for content, message in (
        (Content(patch.content.diff.replace("+three", f"+{TOKEN}"), base), "adds a GitHub token"),
        (Content(patch.content.diff.replace("a.py", "b.py"), base), "changes other files than it says"),
        (Content(patch.content.diff.replace("a.py", ".git/x"), Base(base.tree, {".git/x": None})), "git"),
        (Content(patch.content.diff.replace(" 100644", " 120000"), base), "symbolic link"),
        (Content("", base), "empty"),
    ):
        with pytest.raises(UserError, match=message):
            receive(site.ledger, content.encoded(), patch.about)
    assert [record.cid for record in site.ledger.records.patches()] == [patch.cid]


def test_where_workspaces_meet_is_given_or_comes_from_the_environment() -> None:
    there = {"BLOOMERY_MEETING": "s3://bucket/x", "BLOOMERY_IPFS": "http://127.0.0.1:5001"}
    assert meeting_at(environment=there) == Meeting("s3://bucket/x", Kubo("http://127.0.0.1:5001"))
    assert meeting_at("here", "http://n", there) == Meeting("here", Kubo("http://n"))
    assert meeting_at("here", environment={}).kubo is None
    with pytest.raises(UserError, match=r"where\? .*BLOOMERY_MEETING.*BLOOMERY_IPFS"):
        meeting_at(environment={})


def test_a_node_alone_is_enough_and_its_loss_is_no_success(two, node) -> None:
    one, other = two
    alone = Meeting(kubo=Kubo(f"http://127.0.0.1:{node.server_port}", timeout_s=0.3))
    patch = one.propose({"a.py": one.edit(l3="three")})
    node.moods = [drop]
    with pytest.raises(Unreachable):
        broadcast(one.ledger, patch.cid, alone)
    assert [entry.event for entry in one.ledger.records.audit()] == ["proposed"]
    assert broadcast(one.ledger, patch.cid, alone).places == (f"ipfs://{patch.cid}",)
    node.moods = [drop]
    with pytest.raises(MissingFile, match="nobody has"):
        fetch(other.ledger, patch.cid, alone)
    assert fetch(other.ledger, patch.cid, alone).content == patch.content


def test_what_did_not_work_before_a_patch_was_found_is_told(two, node, meeting) -> None:
    one, other = two
    patch = one.propose({"a.py": one.edit(l3="three")})
    broadcast(one.ledger, patch.cid, Meeting(meeting.folder))
    told = []
    node.moods = [drop]
    fetch(other.ledger, patch.cid, meeting, told=told.append)
    (why,) = told
    assert "cannot be reached" in why
