"""A key goes to its provider and nowhere else: to no message, log, traceback, catalog or store."""

import copy
import pickle
import traceback
from pathlib import Path
from types import ModuleType

import pytest

from bloomery.agents.answers import Critique
from bloomery.agents.errors import NoAnswer
from bloomery.agents.keys import Key, find_key, masked
from bloomery.core.errors import ConfigError
from bloomery.core.log import log_to, set_level
from bloomery.core.workspace import Workspace
from tests.agents.fakes import CRITIQUE, PRICED, completion, entry, settings

SECRET = "word-that-nobody-may-see-0123456789"


@pytest.mark.parametrize(
    ("provider", "environment", "found"),
    [
        ("openai", {"OPENAI_API_KEY": "a"}, "a"),
        ("anthropic", {"ANTHROPIC_API_KEY": "b", "OPENAI_API_KEY": "a"}, "b"),
        ("google", {"GEMINI_API_KEY": "d", "GOOGLE_API_KEY": "c"}, "c"),
        ("google", {"GEMINI_API_KEY": "d"}, "d"),
        ("server", {"OPENAI_API_KEY": "a"}, None),  # another's key is not sent to one's own server
        ("openai", {"OPENAI_API_KEY": "  "}, None),
    ],
)
def test_a_key_comes_from_its_providers_variable(provider, environment, found) -> None:
    key = find_key(entry(provider=provider), environment)
    assert (key and key.reveal()) == found


def test_a_key_may_lie_in_the_systems_keyring(monkeypatch) -> None:
    keyring = ModuleType("keyring")
    held = {("bloomery", "OPENAI_API_KEY"): "from the keyring"}
    keyring.get_password = lambda service, name: held.get((service, name))
    monkeypatch.setitem(__import__("sys").modules, "keyring", keyring)
    assert find_key(entry(provider="openai"), {}).reveal() == "from the keyring"
    assert find_key(entry(provider="openai"), {"OPENAI_API_KEY": "nearer"}).reveal() == "nearer"
    assert find_key(entry(provider="anthropic"), {}) is None


def test_a_system_without_a_keyring_has_no_key(monkeypatch) -> None:
    keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")

    class KeyringError(Exception):
        pass

    def locked(service: str, name: str) -> str:
        raise KeyringError

    errors.KeyringError, keyring.errors, keyring.get_password = KeyringError, errors, locked
    monkeypatch.setitem(__import__("sys").modules, "keyring", keyring)
    assert find_key(entry(provider="openai"), {}) is None


def test_a_key_shows_itself_in_no_form_and_is_not_written() -> None:
    key = Key(SECRET)
    assert SECRET not in f"{key} {key!r} {[key]} {vars(type(key))}"
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written"):
            write(key)


@pytest.mark.parametrize(
    "text",
    [
        f"refused: {SECRET}",
        "Incorrect API key provided: sk-proj-abcdefghijklmnop",
        "Authorization: Bearer abcdefghijklmnop",
        "key AIzaSyA0123456789abcdefghijklmnopqrst",
        "http://user:hunter22@127.0.0.1/v1",
    ],
)
def test_what_looks_like_a_key_is_masked(text) -> None:
    told = masked(text, [Key(SECRET)])
    assert "[redacted]" in told
    for secret in (SECRET, "abcdefghijklmnop", "0123456789abc", "hunter22"):
        assert secret not in told


def everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_provider_that_echoes_the_key_does_not_get_it_into_anything_that_we_keep_or_show(
    server, served, question, tmp_path, capsys, status
) -> None:
    set_level("debug")
    workspace = Workspace.open(tmp_path / "w")
    for _ in range(4):
        server.will({"error": {"message": f"bad key {SECRET}", "code": SECRET}}, status=status, x_key=SECRET)
    how = {"ledger": workspace.catalog.calls, "store": workspace.store, "attempts": 2}
    router = served(key=SECRET, how=how, **PRICED)
    with log_to(tmp_path / "log.jsonl"), pytest.raises(NoAnswer) as caught:
        router.ask(question, Critique)
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"  # the provider has it
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(router.candidates)
    assert "[redacted]" in shown
    assert SECRET not in shown
    assert (error.__cause__, error.__context__) == (None, None)
    captured = capsys.readouterr()
    assert "no answer" in captured.err
    assert SECRET not in captured.err + captured.out
    assert SECRET.encode() not in everything_under(tmp_path)


def test_an_answer_that_holds_the_key_is_thrown_away(server, served, question, tmp_path) -> None:
    workspace = Workspace.open(tmp_path / "w")
    server.will(completion({**CRITIQUE, "doubts": [f"is {SECRET} yours?"]}))
    router = served(key=SECRET, how={"ledger": workspace.catalog.calls, "store": workspace.store})
    with pytest.raises(NoAnswer, match="its answer holds the key"):
        router.ask(question, Critique)
    assert SECRET.encode() not in everything_under(tmp_path)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_each_provider_is_asked_at_its_address_with_its_key_and_a_refusal_is_masked(
    server, question, provider
) -> None:
    from pydantic_ai import models

    from bloomery.agents.keys import NAMES
    from bloomery.agents.routing import Router

    url = server.url.removesuffix("/v1") if provider != "openai" else server.url
    server.will({"error": {"message": f"no such key {SECRET}", "type": "authentication_error"}}, status=401)
    far = entry(provider=provider, model="m-1", base_url=url)
    router = Router(settings({"far": far}), environment={NAMES[provider][0]: SECRET})
    with models.override_allow_model_requests(True), pytest.raises(NoAnswer) as caught:
        router.ask(question, Critique)
    assert SECRET in str(server.headers[0])
    assert "401" in str(caught.value)
    assert SECRET not in str(caught.value)
    path, sent = server.seen[0]["path"], str(server.seen[0])
    assert (
        path
        == {
            "openai": "/v1/responses",
            "anthropic": "/v1/messages?beta=true" if "beta" in path else "/v1/messages",
            "google": "/v1beta/models/m-1:generateContent",
        }[provider]
    )
    assert "8192" in sent  # the longest answer is told to each


@pytest.mark.parametrize("line", ["api_key: x", "models: {m: {api_key: x}}", "token: x", "secret: x"])
def test_a_key_in_a_file_is_refused_without_being_shown(tmp_path, line) -> None:
    from bloomery.agents.settings import Settings

    file = tmp_path / "models.yaml"
    file.write_text(line.replace("x", SECRET) + "\n")
    with pytest.raises(ConfigError, match="keys come from the environment or the keyring only") as caught:
        Settings.load(file)
    assert SECRET not in str(caught.value)


def test_a_password_in_an_address_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="base_url holds a user or a password") as caught:
        entry(base_url="http://me:hunter22@127.0.0.1/v1")
    assert "hunter22" not in str(caught.value)
