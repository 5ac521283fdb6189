"""An equal question costs nothing the second time, and is never answered by what is damaged or another's."""

from decimal import Decimal
from pathlib import Path

import pytest

from bloomery.agents.answers import Critique, Finding
from bloomery.agents.caching import key_of
from bloomery.agents.connecting import asked_with
from bloomery.agents.prompting import Prompt
from bloomery.core.catalog import SpendLimit
from bloomery.core.workspace import Workspace
from tests.agents.fakes import CRITIQUE, PRICED, Fake, entry, settings


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "w")


def router(fake: Fake, workspace: Workspace, **changes: object):
    how = settings({"tiny": entry(**PRICED)}, **changes)
    return fake.router(how, ledger=workspace.catalog.calls, store=workspace.store)


def test_an_equal_question_is_answered_from_the_store_for_nothing_and_that_is_recorded(workspace, question):
    fake = Fake({"tiny": [CRITIQUE]})
    first = router(fake, workspace).ask(question, Critique)
    spent = workspace.catalog.calls.spent(SpendLimit(name="all"))
    again = router(Fake({}), Workspace.open(workspace.root)).ask(question, Critique)  # another session
    assert (again.value, again.cached, again.tokens, again.dollars) == (first.value, True, 0, Decimal(0))
    assert again.cid == first.cid
    assert workspace.catalog.calls.spent(SpendLimit(name="all")) == spent
    assert [one.state for one in workspace.catalog.calls.all()] == ["settled", "cached"]


def test_a_kept_answer_is_given_where_the_budget_is_spent(workspace, question):
    from tests.agents.fakes import budget

    router(Fake({"tiny": [CRITIQUE]}), workspace).ask(question, Critique)
    poor = router(Fake({}), workspace, budgets=budget(dollars=0.0))
    assert poor.ask(question, Critique).cached


def test_a_cache_that_is_off_asks_again(workspace, question):
    fake = Fake({"tiny": [CRITIQUE]})
    for _ in range(2):
        assert not router(fake, workspace, cache=False).ask(question, Critique).cached
    assert len(fake.asked) == 2


def test_a_damaged_or_lost_answer_is_asked_for_again(workspace, question):
    fake = Fake({"tiny": [CRITIQUE]})
    cid = router(fake, workspace).ask(question, Critique).cid
    path = workspace.store.path(cid)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.9"))
    assert router(fake, workspace).ask(question, Critique).value.correct == 0.5
    workspace.store.remove(cid)
    assert router(fake, workspace).ask(question, Critique).value.correct == 0.5
    assert len(fake.asked) == 3


def test_an_answer_that_is_objected_to_now_is_not_taken_from_the_store(workspace, question):
    fake = Fake({"tiny": [CRITIQUE, {**CRITIQUE, "speedup": 1.0}]})
    router(fake, workspace).ask(question, Critique)
    answer = router(fake, workspace).ask(
        question, Critique, object_to=lambda one: "no" if one.speedup > 1 else ""
    )
    assert (answer.value.speedup, answer.cached) == (1.0, False)


def test_an_answer_that_was_given_up_is_not_kept(workspace, question):
    from bloomery.agents.errors import NoAnswer

    fake = Fake({"tiny": [{"correct": 9}]})
    for _ in range(2):
        with pytest.raises(NoAnswer):
            router(fake, workspace, reasks=0).ask(question, Critique)
    assert len(fake.asked) == 2


BASE = {"model": entry(), "prompt": Prompt(purpose="p", skill="code", system="s", user="u"), "variant": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"model": entry(model="other")},
        {"model": entry(base_url="http://127.0.0.1:2/v1")},
        {"model": entry(temperature=0.5)},
        {"model": entry(max_tokens=5)},
        {"model": entry(thinking="high")},
        {"model": entry(answers="native")},
        {"prompt": Prompt(purpose="p", skill="code", system="s2", user="u")},
        {"prompt": Prompt(purpose="p", skill="code", system="s", user="u2")},
        {"form": Finding},
        {"variant": 1},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(change):
    assert key(**change) != key()


@pytest.mark.parametrize(
    "change",
    [
        {"model": entry(timeout_s=5.0)},
        {"model": entry(input_price=1.0, priced_on="2026-11-22")},
        {"model": entry(key_name="OTHER_KEY")},
        {"prompt": Prompt(purpose="another", skill="tests", system="s", user="u")},
    ],
)
def test_what_cannot_change_the_answer_leaves_the_key(change):
    assert key(**change) == key()


def key(**change: object) -> str:
    given = {"form": Critique, **BASE, **change}
    asked = asked_with(given["model"], settings())
    return key_of(given["model"], asked, given["prompt"], given["form"].model_json_schema(), given["variant"])
