"""A real client against a server of this process: what goes over the wire, and what its failures do."""

import json

import pytest

from bloomery.agents.answers import Critique
from bloomery.agents.errors import NoAnswer
from bloomery.agents.ledger import MemoryLedger
from tests.agents.fakes import CRITIQUE, PRICED, completion


class Waited(list):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def test_a_server_is_asked_in_its_protocol_and_what_it_counted_is_paid(server, served, question) -> None:
    server.will(completion(CRITIQUE))
    ledger = MemoryLedger()
    answer = served(key="secret-word", how={"ledger": ledger}, temperature=0.5, **PRICED).ask(
        question, Critique
    )
    assert answer.value == Critique(**CRITIQUE)
    (sent,) = server.seen
    assert sent["path"] == "/v1/chat/completions"
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("tiny", 0.5, 8192)
    assert [message["content"] for message in sent["messages"]] == [question.system, question.user]
    assert sent["tools"][0]["function"]["parameters"]["required"] == [
        "correct", "speedup", "readability", "doubts",
    ]  # fmt: skip
    assert server.headers[0]["authorization"] == "Bearer secret-word"
    (call,) = ledger.all()
    assert (call.state, call.input_tokens, call.output_tokens, call.tokens) == ("settled", 30, 7, 37)
    assert call.cost_pico == 30 * 10**6 + 7 * 2 * 10**6


@pytest.mark.parametrize("answers", ["prompted", "native"])
def test_a_server_without_tools_may_answer_in_text(server, served, question, answers) -> None:
    server.will(completion(text=json.dumps(CRITIQUE)))
    assert served(answers=answers).ask(question, Critique).value == Critique(**CRITIQUE)
    assert "tools" not in server.seen[0]
    asked = json.dumps(server.seen[0])
    assert "speedup" in asked  # the form is told, in words or as a schema
    assert ("response_format" in server.seen[0] and "json_schema" in asked) == (answers == "native")


def test_a_429_waits_as_long_as_it_says_and_costs_nothing(server, served, question) -> None:
    server.will({"error": {"message": "slow down"}}, status=429, retry_after="3")
    server.will(completion(CRITIQUE))
    waited, ledger = Waited(), MemoryLedger()
    router = served(how={"sleep": waited, "ledger": ledger, "attempts": 2})
    assert router.ask(question, Critique).value.speedup == 2.0
    assert waited == [3.0]
    assert [(call.state, call.tokens) for call in ledger.all()] == [("refused", 0), ("settled", 37)]


def test_a_500_is_tried_again(server, served, question) -> None:
    server.will({"error": "oops"}, status=500)
    server.will(completion(CRITIQUE))
    waited = Waited()
    assert served(how={"sleep": waited, "pause_s": 0.25}).ask(question, Critique).value.speedup == 2.0
    assert waited == [0.25]


def test_a_500_that_stays_is_asked_so_often_and_no_more(server, served, question) -> None:
    for _ in range(5):
        server.will({"error": "oops"}, status=500)
    with pytest.raises(NoAnswer, match="500"):
        served(how={"attempts": 3}).ask(question, Critique)
    assert len(server.seen) == 3  # the client's own retries are off


@pytest.mark.parametrize("body", ["{not json", '{"choices": []}', "", "<html>busy</html>"])
def test_an_answer_that_is_no_answer_is_a_failure_that_may_have_been_billed(server, served, question, body):
    for _ in range(2):
        server.will(body)
    ledger = MemoryLedger()
    with pytest.raises(NoAnswer, match="no language model answered 'critic': tiny: "):
        served(how={"ledger": ledger, "attempts": 2, "reasks": 0}, **PRICED).ask(question, Critique)
    assert {call.state for call in ledger.all()} == {"unknown"}
    assert all(call.cost_pico > 0 for call in ledger.all())


def test_arguments_that_are_no_json_are_asked_for_again(server, served, question) -> None:
    broken = completion(CRITIQUE)
    broken["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"correct": '
    server.will(broken)
    server.will(completion(CRITIQUE))
    assert served(how={"reasks": 1}).ask(question, Critique).value.speedup == 2.0
    assert len(server.seen) == 2
    assert len(server.seen[1]["messages"]) > 2  # the model sees its answer and what is wrong with it


def test_a_slow_answer_is_given_up_in_time_and_stays_paid_with_its_bound(server, served, question) -> None:
    server.will(completion(CRITIQUE), delay_s=1.0)
    ledger = MemoryLedger()
    with pytest.raises(NoAnswer, match="Time"):
        served(how={"ledger": ledger, "attempts": 1}, timeout_s=0.1, **PRICED).ask(question, Critique)
    (call,) = ledger.all()
    assert (call.state, call.input_tokens) == ("unknown", None)
    assert call.tokens > 8192  # the prompt's bytes and the longest answer


def test_a_server_that_is_not_there_cost_nothing(served, server, question) -> None:
    ledger = MemoryLedger()
    router = served(how={"ledger": ledger, "attempts": 2}, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(NoAnswer, match="tiny: ModelConnectionError"):
        router.ask(question, Critique)
    assert [(call.state, call.tokens) for call in ledger.all()] == [("refused", 0)] * 2


def test_a_server_that_counts_no_tokens_is_paid_with_the_bound(server, served, question) -> None:
    server.will(completion(CRITIQUE, usage=None))
    ledger = MemoryLedger()
    served(how={"ledger": ledger}, **PRICED).ask(question, Critique)
    (call,) = ledger.all()
    assert call.state == "unknown"
    assert call.tokens > 8192


def test_what_the_request_holds_is_within_the_bound(server, served, question) -> None:
    """The bound on the prompt covers every byte of the request that the client really sends."""
    server.will(completion(CRITIQUE, usage=None))
    ledger = MemoryLedger()
    served(how={"ledger": ledger, "max_tokens": 1}).ask(question, Critique)
    sent = {name: value for name, value in server.seen[0].items() if name in ("messages", "tools")}
    assert len(json.dumps(sent, ensure_ascii=False).encode()) < ledger.all()[0].tokens
