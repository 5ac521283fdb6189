"""bloomery queue, agents and stats, on a small repository where an edit takes the optimizer's place."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from bloomery.core.evidence import judge
from bloomery.optimize.changes import apply, approve, roll_back
from bloomery.optimize.validating.verdict import Verdict
from tests.optimize.coordinating.conftest import make_shop, private_git, shop, shop_template
from tests.optimize.coordinating.working import PASSES, editing, edits

__all__ = ["make_shop", "private_git", "shop", "shop_template"]


@dataclass
class Kept:
    patch: str


@dataclass
class Report:
    kept: tuple[Kept, ...]


def optimize(workspace, task, *, method, progress, rules):
    progress("judging", 1, 2, "")
    job = SimpleNamespace(workspace=workspace, agent=method, rules=rules, record=SimpleNamespace(name="it"))
    return Report(tuple(Kept(cid) for cid in editing(task, task.root, job).patches))


def validate(root, proposal, *, goal, level, tests, seed):
    space: dict[str, object] = {}
    exec(proposal.texts["ops.py"], space)
    sound = space["total"]([1, 2]) == 3 and space["LIMIT"] >= 10
    return Verdict(level, (judge(PASSES, float(not sound), how="a call", duration_s=0.0),))


@pytest.fixture
def site(shop, monkeypatch):
    """The place where commands are given."""
    doors = {"optimize": optimize, "validate": validate}
    monkeypatch.setattr("bloomery.optimize.coordinating.jobs._door", lambda name: doors[name.split(":")[1]])
    monkeypatch.chdir(shop.root)
    monkeypatch.setenv("BLOOMERY_WORKSPACE", str(shop.home))
    return shop


@pytest.fixture
def say(site, bloomery, monkeypatch):
    """A command in that place, its JSON read where it is asked for."""

    def command(*arguments: object, code: int = 0) -> object:
        monkeypatch.setenv("BLOOMERY_WORKSPACE", str(site.home))  # `bloomery` takes it away
        said = bloomery(*arguments)
        assert said.code == code, said.err
        return json.loads(said.out) if "--json" in arguments else said.out + said.err

    return command


def ask(say, *pairs: tuple[str, str], **options: object) -> dict[str, object]:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    (task,) = say("queue", "add", "ops.py", "--description", edits(*pairs), *words, "--json")
    return task


def test_tasks_are_added_listed_by_priority_and_cleared(say) -> None:
    low = ask(say, ("LIMIT = 10", "LIMIT = 20"), priority=10)
    high = ask(say, ("found = 0", "found = 0.0"), priority=90, goal="memory", method="adversarial")
    assert [task["name"] for task in say("queue", "list", "--json")] == [high["name"], low["name"]]
    told = say("queue", "list", "--state", "waiting")
    assert "adversarial" in told
    assert "memory" in told
    assert "0 tasks removed" in say("queue", "clear")
    assert say("queue", "clear", low["name"], "--json") == {"removed": [low["name"]]}
    assert say("queue", "clear", "--waiting", "--json") == {"removed": [high["name"]]}
    assert "nothing; `bloomery queue add FILE`" in say("queue", "list")


def test_asked_twice_it_is_one_task(say) -> None:
    assert ask(say, ("LIMIT = 10", "LIMIT = 20"))["name"] == ask(say, ("LIMIT = 10", "LIMIT = 20"))["name"]


def test_process_does_what_waits_and_says_what_to_type_next(say, site) -> None:
    ask(say, ("found = found + item", "found += item"))
    task = ask(say, ("    found = 0\n", "    found = 0  # of numbers\n"))
    before = site.snapshot()
    told = say("queue", "process", "--engine", "inline", "--agents", 1)
    assert "2 done" in told
    assert "1, 0 of them for a person" in told
    (ready,) = site.offers("ready")
    assert f"next: bloomery patches show {ready[:14]}" in told
    assert site.snapshot() == before
    assert "merged" in say("queue", "show", task["name"][:5])
    (agent,) = say("agents", "list", "--json")
    assert (agent["name"], agent["state"], agent["done"]) == ("agent-1", "stopped", 2)
    assert "ops.py" in say("agents", "status", "agent-1")


def test_agents_obey_the_rules_of_the_repository(say, site) -> None:
    site.write("bloomery.toml", '[rules.everyone]\npaths = ["notes.txt"]\n')
    ask(say, ("found = found + item", "found += item"))
    assert "1 waiting" in say("queue", "process", "--engine", "inline")
    site.write("bloomery.toml", '[rules.agents.agent-1]\npaths = ["*.py"]\nbranchs = []\n')
    assert "bloomery.toml: unknown key 'rules.agents.agent-1.branchs'" in say("queue", "process", code=2)
    site.write("bloomery.toml", '[rules.everyone]\npaths = ["*.py"]\n')
    assert "1 done" in say("queue", "process", "--engine", "inline", "--agents", 1, "--no-network")


def test_what_a_person_has_to_decide_is_listed_shown_and_resolved(say, site) -> None:
    for number in (20, 30):
        ask(say, ("LIMIT = 10", f"LIMIT = {number}"))
    done = say("queue", "process", "--engine", "inline", "--json")
    assert [one["state"] for one in done["conflicts"]] == ["open"]
    assert "1 conflicts wait for a person" in say("queue", "list")
    (conflict,) = say("queue", "list", "--escalated", "--json")
    page = say("queue", "show", conflict["name"])
    assert "+LIMIT = 20" in page
    assert "+LIMIT = 30" in page
    assert f"bloomery queue show {conflict['name']}" in say("queue", "list", "--escalated")
    assert "by Ada" in say("queue", "resolve", conflict["name"], "other", "--by", "Ada")
    say("queue", "process", "--engine", "inline")
    (ready,) = site.offers("ready")
    assert "LIMIT = 30" in site.result(ready)
    assert say("queue", "list", "--escalated", "--json") == []


def test_a_task_that_failed_can_be_tried_again(say, site) -> None:
    task = ask(say, ("no such text", "x"))
    say("queue", "process", "--engine", "inline")
    (failed,) = say("queue", "list", "--state", "failed", "--json")
    assert (failed["name"], failed["attempts"]) == (task["name"], 1)
    assert "has no 'no such text'" in failed["reason"]
    say("queue", "retry", task["name"])
    assert [one["state"] for one in say("queue", "list", "--json")] == ["waiting"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("queue", "add", "nowhere.py"), "nowhere.py"),
        (("queue", "show", "zzz"), "unknown task 'zzz'"),
        (("queue", "resolve", "abcdef", "one", "--by", "Ada"), "unknown conflict"),
        (("agents", "status", "agent-7"), "unknown agent 'agent-7'"),
        (("queue", "retry", "zzz"), "unknown task"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(say, words: tuple[str, ...], told: str) -> None:
    said = say(*words, code=2)
    assert told in said
    assert said.count("\n") == 1


def figures(say) -> dict[str, tuple[float | None, int | None]]:
    return {one["name"]: (one["value"], one["of"]) for one in say("stats", "--json")}


def test_what_was_never_recorded_is_unknown(say) -> None:
    found = say("stats", "--json")
    assert {(one["state"], one["value"]) for one in found} == {("not_run", None)}
    assert all(one["note"] for one in found)
    assert "unknown" in say("stats")


@pytest.mark.slow
def test_stats_count_what_happened(say, site) -> None:
    ask(say, ("found = found + item", "found += item"))
    ask(say, ("    found = 0\n", "    found = 0  # of numbers\n"))
    for number in (20, 30):
        ask(say, ("LIMIT = 10", f"LIMIT = {number}"))
    ask(say, ("found + item", "found - item"), priority=10)
    ask(say, ("no such text", "x"), priority=5)
    say("queue", "process", "--engine", "inline")
    merged = next(cid for cid in site.offers("ready") if "+=" in site.result(cid))
    approve(site.ledger, merged, by="Ada")
    apply(site.ledger, merged, by="Ada")
    roll_back(site.ledger, merged, by="Ada")
    found = figures(say)
    assert found["tasks done"] == (pytest.approx(4 / 6), 6)  # one failed, one failed anew on top
    assert found["resolved without a person"] == (0.5, 2)
    assert found["that wait for a person"] == (1, 2)
    assert found["rolled back"][0] == 1
    assert found["approved"] == (1.0, 1)
    assert 0 <= found["time to approval"][0] < 1
    assert found["calls of language models"] == (None, 0)
    assert found["requests to GitHub"] == (None, 0)
    assert "█" in say("stats")
