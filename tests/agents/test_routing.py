"""Which model is asked, when the next one is, and what a caller is told."""

import asyncio
from decimal import Decimal

import pytest
from pydantic_ai import models
from pydantic_ai.exceptions import ModelHTTPError

from bloomery.agents.answers import Critique
from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel
from bloomery.agents.routing import Router
from bloomery.agents.settings import Settings, Skills
from tests.agents.fakes import CRITIQUE, PRICED, Fake, budget, entry, settings

BROKEN = {"correct": 7}


def http(status: int, **headers: str) -> ModelHTTPError:
    return ModelHTTPError(status, "tiny", None, headers=headers)


def two(**changes: object) -> Settings:
    entries = {
        "first": entry(good_at=Skills(analysis=5), **PRICED),
        "second": entry(good_at=Skills(analysis=4), **PRICED),
    }
    return settings(entries, **changes)


def test_without_a_key_and_without_a_server_it_is_said_and_nothing_is_asked(question) -> None:
    router = Router(Settings.load(), environment={})
    assert "no language model is configured: set ANTHROPIC_API_KEY or" in router.why_not
    assert "what works without one goes on" in router.why_not
    with pytest.raises(NoModel, match="no language model is configured"):
        router.ask(question, Critique)
    assert router.ledger.all() == []


def test_one_key_makes_the_models_of_its_provider_answerable() -> None:
    router = Router(Settings.load(), environment={"ANTHROPIC_API_KEY": "k"})
    assert {one.entry.provider for one in router.candidates} == {"anthropic"}
    assert router.why_not == ""


def test_the_best_answers_and_the_others_are_not_asked(question) -> None:
    fake = Fake({"first": [CRITIQUE], "second": [CRITIQUE]})
    answer = fake.router(two()).ask(question, Critique)
    assert (answer.model, answer.value.speedup, answer.cached, answer.refusals) == ("first", 2.0, False, ())
    assert fake.asked == ["first"]
    assert (answer.tokens, answer.dollars) == (15, Decimal("0.00002"))  # 10 x $1/M + 5 x $2/M


def test_real_requests_are_banned_in_tests(question) -> None:
    assert not models.ALLOW_MODEL_REQUESTS
    with pytest.raises(RuntimeError, match="Model requests are not allowed"):
        Router(settings(), environment={}).ask(question, Critique)


def test_a_refusal_of_the_provider_passes_the_question_on_and_is_told(question) -> None:
    fake = Fake({"first": [http(400)], "second": [CRITIQUE]})
    answer = fake.router(two()).ask(question, Critique)
    assert answer.model == "second"
    ((refused),) = answer.refusals
    assert refused.model == "first"
    assert "400" in refused.why
    assert fake.asked == ["first", "second"]  # a bad request is not sent twice


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again_with_doubling_pauses_then_passed_on(question, status) -> None:
    fake = Fake({"first": [http(status)], "second": [CRITIQUE]})
    answer = fake.router(two(attempts=3, pause_s=0.5)).ask(question, Critique)
    assert fake.asked == ["first"] * 3 + ["second"]
    assert fake.waited == [0.5, 1.0]
    assert answer.model == "second"


def test_the_pause_that_a_provider_asks_for_is_kept(question) -> None:
    fake = Fake({"first": [http(429, **{"retry-after": "7"}), CRITIQUE]})
    answer = fake.router(settings({"first": entry()}, pause_s=0.5)).ask(question, Critique)
    assert fake.waited == [7.0]
    assert answer.refusals == ()


def test_a_pause_beyond_patience_is_not_waited_for_and_the_model_is_left_alone_for_it(question) -> None:
    fake = Fake({"first": [http(429, **{"retry-after": "3600"})], "second": [CRITIQUE]})
    router = fake.router(two(longest_pause_s=60.0))
    router.ask(question, Critique)
    assert (fake.asked, fake.waited) == (["first", "second"], [])
    again = router.ask(question, Critique)
    assert fake.asked == ["first", "second", "second"]
    assert "left alone for 3600 s" in again.refusals[0].why


def test_an_answer_out_of_form_is_asked_for_again_with_what_is_wrong(question) -> None:
    fake = Fake({"tiny": [BROKEN, CRITIQUE]})
    answer = fake.router(settings(reasks=1)).ask(question, Critique)
    assert answer.value.correct == 0.5
    assert len(fake.asked) == 2
    told = str(fake.requests[1][0][-1])
    assert "less than or equal to 1" in told


def test_answers_that_stay_out_of_form_are_given_up_and_passed_on(question) -> None:
    fake = Fake({"first": [BROKEN], "second": [CRITIQUE]})
    answer = fake.router(two(reasks=2)).ask(question, Critique)
    assert fake.asked == ["first"] * 3 + ["second"]
    assert answer.model == "second"
    assert len([one for one in answer.refusals if one.model == "first"]) == 1


def test_an_objection_is_told_to_the_model_and_it_may_mend_its_answer(question) -> None:
    fake = Fake({"tiny": [CRITIQUE, {**CRITIQUE, "speedup": 1.5}]})

    def object_to(answer: Critique) -> str:
        return "the speedup is too good to be true" if answer.speedup > 1.9 else ""

    answer = fake.router(settings()).ask(question, Critique, object_to=object_to)
    assert answer.value.speedup == 1.5
    assert "too good to be true" in str(fake.requests[1][0][-1])


def test_when_all_fail_every_one_is_named_with_its_reason(question) -> None:
    fake = Fake({"first": [http(400)], "second": [BROKEN]})
    with pytest.raises(NoAnswer, match=r"answered 'critic': first: .*400.*; second: ") as caught:
        fake.router(two()).ask(question, Critique)
    assert [one.model for one in caught.value.refusals] == ["first", "second"]


def test_so_many_fallbacks_and_no_more(question) -> None:
    fake = Fake({"first": [http(400)], "second": [CRITIQUE]})
    with pytest.raises(NoAnswer):
        fake.router(two(fallbacks=0)).ask(question, Critique)
    assert fake.asked == ["first"]


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_wrong_key_or_an_unknown_model_is_not_tried_a_second_time(question, status) -> None:
    fake = Fake({"first": [http(status)], "second": [CRITIQUE]})
    router = fake.router(two())
    for _ in range(3):
        router.ask(question, Critique)
    assert fake.asked.count("first") == 1


def test_a_model_that_fails_again_and_again_is_left_alone(question) -> None:
    fake = Fake({"first": [http(400)], "second": [CRITIQUE]})
    router = fake.router(two(breaker_failures=2))
    for _ in range(5):
        router.ask(question, Critique)
    assert fake.asked.count("first") == 2


def test_each_model_is_asked_with_its_own_settings(question) -> None:
    entries = {
        "first": entry(good_at=Skills(analysis=5), max_tokens=100, temperature=0.25, timeout_s=3.0),
        "second": entry(),
    }
    fake = Fake({"first": [http(400)], "second": [CRITIQUE]})
    fake.router(settings(entries, max_tokens=999, timeout_s=9.0)).ask(question, Critique)
    first, second = (info.model_settings for _, info in fake.requests)
    assert {name: first[name] for name in ("max_tokens", "temperature", "timeout")} == {
        "max_tokens": 100, "temperature": 0.25, "timeout": 3.0,
    }  # fmt: skip
    assert (second["max_tokens"], second["timeout"]) == (999, 9.0)
    assert "temperature" not in second
    assert first["max_retries"] == second["max_retries"] == 0  # no attempt goes by unseen


def test_the_prompt_arrives_whole_and_apart_from_the_instructions(question) -> None:
    fake = Fake({"tiny": [CRITIQUE]})
    fake.router(settings()).ask(question, Critique)
    (message,), _ = fake.requests[0]
    assert message.instructions == question.system
    assert [part.content for part in message.parts] == [question.user]


def test_it_can_be_asked_from_within_a_running_event_loop(question) -> None:
    async def notebook() -> float:
        return Fake({"tiny": [CRITIQUE]}).router(settings()).ask(question, Critique).value.speedup

    assert asyncio.run(notebook()) == 2.0


def test_a_budget_that_covers_nobody_is_told_with_what_is_spent(question) -> None:
    fake = Fake({"first": [CRITIQUE], "second": [CRITIQUE]})
    with pytest.raises(BudgetSpent, match=r"the budget 'test' does not cover this call \(\$0: \$0 spent"):
        fake.router(two(budgets=budget(dollars=0.0))).ask(question, Critique)
    assert fake.asked == []


def test_a_cheaper_model_is_asked_where_the_budget_no_longer_covers_the_better_one(question) -> None:
    entries = {
        "dear": entry(good_at=Skills(analysis=5), **{**PRICED, "output_price": 1000.0}),
        "cheap": entry(good_at=Skills(analysis=3), **PRICED),
    }
    fake = Fake({"dear": [CRITIQUE], "cheap": [CRITIQUE]})
    answer = fake.router(settings(entries, budgets=budget(dollars=0.1))).ask(question, Critique)
    assert (answer.model, fake.asked) == ("cheap", ["cheap"])
    assert "does not cover this call" in answer.refusals[0].why


def test_a_budget_that_is_spent_does_not_count_as_the_models_failure(question) -> None:
    fake = Fake({"tiny": [CRITIQUE]})
    router = fake.router(settings({"tiny": entry(**PRICED)}, breaker_failures=1, budgets=budget(dollars=0.0)))
    for _ in range(3):
        with pytest.raises(BudgetSpent):
            router.ask(question, Critique)
