"""Opening the models of a workspace, and what their use looks like afterwards."""

from decimal import Decimal
from pathlib import Path

import pytest

from bloomery.agents.answers import Critique
from bloomery.agents.breaker import Breaker
from bloomery.agents.errors import NoModel
from bloomery.agents.needing import needed
from bloomery.agents.opening import open_models
from bloomery.agents.usage import usage
from bloomery.core.catalog import SpendLimit
from bloomery.core.errors import CapabilityMissing
from bloomery.core.workspace import Workspace
from tests.agents.fakes import CRITIQUE, PRICED, Fake, entry, settings

MINE = "models: {mine: {provider: server, model: x, base_url: 'http://127.0.0.1:1/v1'}}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "w")


def names(router: object) -> list[str]:
    return [one.name for one in router.candidates]


def test_a_workspace_without_a_word_has_the_packaged_models_and_asks_none_without_a_key(workspace, question):
    router = open_models(workspace, environment={})
    assert "gpt-6-1-sol" in router.settings.models
    assert "no language model is configured" in router.why_not
    with pytest.raises(NoModel):
        router.ask(question, Critique)


def test_the_file_given_goes_before_the_environment_and_that_before_the_workspaces_own(workspace, tmp_path):
    for name, file in {"own": workspace.root / "models.yaml", "told": tmp_path / "b.yaml"}.items():
        file.write_text(MINE.replace("mine", name))
    (tmp_path / "c.yaml").write_text(MINE.replace("mine", "given"))
    environment = {"BLOOMERY_MODELS": str(tmp_path / "b.yaml")}
    assert names(open_models(workspace, environment={})) == ["own"]
    assert names(open_models(workspace, environment=environment)) == ["told"]
    assert names(open_models(workspace, tmp_path / "c.yaml", environment=environment)) == ["given"]


def test_a_session_of_its_own_is_another_scope_and_a_named_one_is_shared(workspace) -> None:
    first, second = (open_models(workspace, environment={}) for _ in range(2))
    assert first.scope != second.scope
    assert open_models(workspace, scope="run 7", environment={}).limits()[0].scope == "run 7"


def test_what_was_used_is_told_by_model_and_purpose(workspace, question) -> None:
    fake = Fake({"tiny": [CRITIQUE]}, used=(1000, 100))
    how = settings({"tiny": entry(**PRICED)})
    router = fake.router(how, ledger=workspace.catalog.calls, store=workspace.store)
    for _ in range(3):
        router.ask(question, Critique)
    workspace.catalog.calls.reserve(
        scope="dead", purpose="chaos", model="tiny", tokens=7, cost_pico=10**12, limits=[]
    )
    open_call, row = usage(Workspace.open(workspace.root).catalog.calls.all())
    assert (row.model, row.purpose, row.calls, row.settled, row.reused) == ("tiny", "critic", 1, 1, 2)
    assert (row.tokens, row.dollars) == (1100, Decimal("0.0012"))  # 1000 x $1/M + 100 x $2/M
    assert (open_call.purpose, open_call.unsure, open_call.dollars) == ("chaos", 1, Decimal(1))
    assert workspace.catalog.calls.spent(SpendLimit(name="all")).tokens == 1107


def test_a_missing_library_names_its_extra() -> None:
    with pytest.raises(CapabilityMissing, match=r"needs no_such_library: pip install 'bloomery\[llm\]'"):
        needed("no_such_library")


def test_the_room_opens_without_its_libraries() -> None:
    """Nothing that the command line needs to say 'no model is configured' imports pydantic-ai."""
    import subprocess
    import sys

    code = (
        "import sys, bloomery.agents.opening, bloomery.agents.usage\n"
        "from bloomery.agents.routing import Router\nfrom bloomery.agents.settings import Settings\n"
        "assert Router(Settings.load(), environment={}).why_not\n"
        "print(sorted({'pydantic_ai', 'openai', 'anthropic', 'google.genai'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr


def test_a_breaker_rests_for_its_time_then_lets_one_try_again() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, rest_s=10.0, clock=lambda: now[0])
    breaker.failed("m", "slow")
    assert breaker.why_not("m") == ""
    breaker.failed("m", "slow")
    assert breaker.why_not("m") == "left alone for 10 s after 2 failures: slow"
    assert breaker.why_not("other") == ""
    now[0] = 10.0
    assert breaker.why_not("m") == ""
    breaker.failed("m", "slow still")  # the trial fails: it rests again at once
    assert "slow still" in breaker.why_not("m")
    now[0] = 20.0
    breaker.succeeded("m")
    breaker.failed("m", "once")
    assert breaker.why_not("m") == ""


def test_a_model_that_is_shut_is_not_tried_again_however_long_one_waits() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, rest_s=10.0, clock=lambda: now[0])
    breaker.shut("m", "wrong key")
    now[0] = 1e9
    assert breaker.why_not("m") == "wrong key"
