"""Whatever models do, what is spent stays within the budget, at the price of whoever is really asked."""

import asyncio
import itertools
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import Phase, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from bloomery.agents.answers import Critique
from bloomery.agents.errors import BudgetSpent, NoAnswer
from bloomery.agents.ledger import Ledger, MemoryLedger
from bloomery.agents.metering import Account, Metered, Tally
from bloomery.agents.pricing import Used, cost, most
from bloomery.agents.prompting import Prompt
from bloomery.agents.routing import BEYOND, Router
from bloomery.agents.settings import Budget, ModelEntry, Skills
from bloomery.core.catalog import Calls, Catalog, SpendLimit
from bloomery.core.errors import Failure
from tests.agents.fakes import CRITIQUE, PRICED, Fake, budget, entry, settings

QUESTION = Prompt(purpose="test", skill="code", system="Judge.", user="def f(): return 1")
FATES = ("good", "broken", "lost", "uncounted", 400, 429, 500, 504)
SEEDS = st.integers(0, 2**32)
DOLLARS = st.sampled_from([0.0, 0.01, 0.5, 5.0, 50.0])
PRICES = st.sampled_from([0.0, 0.000001, 0.1, 1.0, 3.5, 75.0, 1000.0])


@dataclass
class Provider:
    """Bills by its own count, which never passes what the request could have; some replies never arrive."""

    entries: dict[str, ModelEntry]
    rng: random.Random
    billed_pico: int = 0
    billed_tokens: int = 0
    requests: int = 0

    def connect(self, name: str, how: ModelEntry, _key: object) -> FunctionModel:
        async def answer(messages, info) -> ModelResponse:
            self.requests += 1
            whole = len(QUESTION.system + QUESTION.user)
            prompt = self.rng.randint(1, whole)
            read = self.rng.randint(0, prompt)
            written = self.rng.randint(0, prompt - read)
            said = self.rng.randint(1, info.model_settings["max_tokens"])
            fate = self.rng.choice(FATES)
            if fate in (400, 429, 500):
                raise ModelHTTPError(fate, name)
            self._bill(how, prompt, read, written, said)
            if fate == 504:
                raise ModelHTTPError(504, name)
            if fate == "lost":
                raise TimeoutError
            usage = RequestUsage(
                input_tokens=prompt, output_tokens=said, cache_read_tokens=read, cache_write_tokens=written
            )
            content = {"correct": 5} if fate == "broken" else CRITIQUE
            return ModelResponse(
                parts=[ToolCallPart(info.output_tools[0].name, content)],
                usage=RequestUsage(output_tokens=1) if fate == "uncounted" else usage,
            )

        return FunctionModel(answer)

    def _bill(self, how: ModelEntry, prompt: int, read: int, written: int, said: int) -> None:
        """By an arithmetic of its own, in exact dollars."""
        plain, answer, at_read, at_write = (Decimal(str(price)) for price in how.prices)
        dollars = plain * (prompt - read - written) + at_read * read + at_write * written + answer * said
        self.billed_pico += int(dollars * 10**6)
        self.billed_tokens += prompt + said


async def at_once(_seconds: float) -> None:
    pass


@st.composite
def chains(draw: st.DrawFn) -> dict[str, ModelEntry]:
    return {
        f"m{number}": entry(
            good_at=Skills(code=draw(st.integers(2, 5))),
            input_price=draw(PRICES), output_price=draw(PRICES),
            cache_read_price=draw(st.none() | PRICES), cache_write_price=draw(st.none() | PRICES),
            max_tokens=draw(st.integers(1, 3000)), priced_on="2026-11-22",
        )
        for number in range(draw(st.integers(1, 4)))
    }  # fmt: skip


def stays_within(provider: Provider, ledger: Ledger, budgets: tuple[Budget, ...], questions: int) -> None:
    """Asks again and again; after each question, what was billed and what is recorded fit every budget."""
    how = settings(provider.entries, budgets=budgets, attempts=2, reasks=1, fallbacks=3)
    router = Router(how, ledger=ledger, environment={}, connect=provider.connect, sleep=at_once)
    for _ in range(questions):
        with suppress(BudgetSpent, NoAnswer):
            router.ask(QUESTION, Critique)
        recorded = ledger.spent(SpendLimit(name="all"))
        assert provider.billed_pico <= recorded.cost_pico  # what is not known is counted, never forgotten
        assert provider.billed_tokens <= recorded.tokens
        for one in budgets:
            assert one.dollars is None or recorded.cost_pico <= one.dollars * 10**12
            assert one.tokens is None or recorded.tokens <= one.tokens
    assert len(ledger.all()) == provider.requests
    assert {call.state for call in ledger.all()} <= {"settled", "refused", "unknown"}


def any_sequence(entries: dict, seed: int, dollars: float, tokens: int | None, many: int) -> None:
    budgets = (Budget(name="money", dollars=dollars), Budget(name="tokens", tokens=tokens))
    stays_within(Provider(entries, random.Random(seed)), MemoryLedger(), budgets, many)


ANY = given(chains(), SEEDS, DOLLARS, st.none() | st.integers(0, 40_000), st.integers(1, 4))
FEW = trials(max_examples=20, phases=[Phase.generate])
MANY = trials(max_examples=300, phases=[Phase.generate])
test_no_sequence_of_failures_and_fallbacks_passes_a_budget = FEW(ANY(any_sequence))
test_not_one_of_hundreds_does = pytest.mark.slow(MANY(ANY(any_sequence)))


def test_the_same_holds_with_the_catalog_as_ledger(tmp_path) -> None:
    names = itertools.count()

    @trials(max_examples=5, phases=[Phase.generate])
    @given(chains(), SEEDS)
    def holds(entries: dict[str, ModelEntry], seed: int) -> None:
        calls = Catalog.open(tmp_path / f"{next(names)}.sqlite").calls
        stays_within(Provider(entries, random.Random(seed)), calls, budget(dollars=5.0), 2)
        assert calls.spent(SpendLimit(name="all")).cost_pico <= 5 * 10**12

    holds()
    assert next(names) == 5


def test_the_budget_is_enough_for_as_many_calls_as_it_covers() -> None:
    """Bounds are set aside and given back: nine calls' real cost and one bound pay for ten calls."""
    fake = Fake({"tiny": [CRITIQUE]}, used=(1000, 500))
    tiny = entry(**PRICED, max_tokens=500)
    real = cost(tiny, Used(prompt=1000, answer=500)).pico
    bound = most(tiny, 10_000, 500).pico
    router = fake.router(settings({"tiny": tiny}, budgets=budget(dollars=(9 * real + bound) / 10**12)))
    for variant in range(10):
        router.ask(QUESTION, Critique, variant=variant)
    assert router.ledger.spent(SpendLimit(name="all")).cost_pico == 10 * real


def test_the_price_that_counts_is_that_of_the_model_that_is_asked() -> None:
    """The cheap model that was wanted fails; its dear substitute is not asked on the cheap one's terms."""
    entries = {
        "cheap": entry(good_at=Skills(code=5), **{**PRICED, "output_price": 0.1}),
        "dear": entry(good_at=Skills(code=3), **{**PRICED, "output_price": 600.0}),
    }
    fake = Fake({"cheap": [ModelHTTPError(400, "cheap")], "dear": [CRITIQUE]})
    router = fake.router(settings(entries, budgets=budget(dollars=1.0)))
    with pytest.raises(NoAnswer, match=r"dear: the budget 'test' does not cover this call \(\$1: \$0 spent"):
        router.ask(QUESTION, Critique)
    assert fake.asked == ["cheap"]


def test_asking_again_for_the_right_form_is_paid_too() -> None:
    fake = Fake({"tiny": [{"correct": 9}, {"correct": 9}, CRITIQUE]}, used=(100, 10))
    answer = fake.router(settings({"tiny": entry(**PRICED)}, reasks=2)).ask(QUESTION, Critique)
    assert answer.tokens == 3 * 110
    assert answer.dollars == 3 * (100 * Decimal("1e-6") + 10 * Decimal("2e-6"))


def test_a_provider_that_counts_more_than_was_possible_is_found_out_at_once() -> None:
    fake = Fake({"tiny": [(CRITIQUE, (10**6, 10))]})
    router = fake.router(settings({"tiny": entry(**PRICED)}))
    assert router.ask(QUESTION, Critique).value.speedup == 2.0
    assert router.ledger.all()[0].input_tokens == 10**6  # what it says it took is what is recorded
    with pytest.raises(NoAnswer, match=BEYOND):
        router.ask(QUESTION, Critique, variant=1)
    assert len(fake.asked) == 1


def test_a_call_that_was_killed_in_the_middle_stays_paid_with_its_bound(question) -> None:
    fake = Fake({"tiny": [KeyboardInterrupt()]})
    router = fake.router(settings({"tiny": entry(**PRICED)}))
    with pytest.raises(KeyboardInterrupt):
        router.ask(question, Critique)
    (call,) = router.ledger.all()
    assert (call.state, call.tokens > 8192) == ("unknown", True)


@pytest.mark.parametrize(
    ("period", "days", "counts"),
    [
        ("session", 0, False), ("day", 0.9, True), ("day", 1.1, False),
        ("month", 29, True), ("month", 31, False), ("ever", 400, True),
    ],
)  # fmt: skip
def test_a_budget_holds_over_its_period(tmp_path, period, days, counts) -> None:
    from sqlalchemy import update

    from bloomery.core.catalog.calls import model_calls

    catalog = Catalog.open(tmp_path / "c.sqlite")
    call = catalog.calls.reserve(scope="other", purpose="p", model="m", tokens=7, cost_pico=5, limits=[])
    then = datetime.now(UTC) - timedelta(days=days)
    with catalog._database.writing() as connection:
        connection.execute(update(model_calls).where(model_calls.c.id == call).values(at=then))
    router = Router(
        settings(budgets=budget(period=period, tokens=7)), ledger=catalog.calls, environment={}, scope="mine"
    )
    (limit,) = router.limits()
    assert catalog.calls.spent(limit).tokens == (7 if counts else 0)


def test_the_dearest_rate_bounds_a_prompt_that_may_be_read_from_or_written_to_the_providers_cache() -> None:
    cached = entry(**PRICED, cache_write_price=1.25, cache_read_price=0.1)
    assert most(cached, 1000, 10).pico == 1000 * 1_250_000 + 10 * 2_000_000
    used = Used(prompt=1000, answer=10, read=300, written=200)
    assert cost(cached, used).pico == 500 * 10**6 + 300 * 10**5 + 200 * 1_250_000 + 10 * 2 * 10**6


@pytest.mark.parametrize("kind", [MemoryLedger, Calls])
def test_ledgers_of_both_kinds_are_alike(kind, tmp_path) -> None:
    ledger = MemoryLedger() if kind is MemoryLedger else Catalog.open(tmp_path / "c.sqlite").calls
    asked = {"scope": "s", "purpose": "p", "model": "m"}
    first = ledger.reserve(**asked, tokens=10, cost_pico=100, limits=[])
    ledger.settle(first, "settled", tokens=4, cost_pico=40, input_tokens=3, output_tokens=1)
    ledger.keep_answer(first, "k", "cid")
    ledger.reused(**asked, key="k", answer="cid")
    ledger.reserve(**{**asked, "scope": "t"}, tokens=5, cost_pico=50, limits=[])
    told = [(one.scope, one.state, one.tokens, one.cost_pico, one.answer) for one in ledger.all()]
    assert told == [
        ("s", "settled", 4, 40, "cid"), ("s", "cached", 0, 0, "cid"), ("t", "reserved", 5, 50, None),
    ]  # fmt: skip
    assert ledger.find_answer("k") == "cid"
    assert ledger.find_answer("x") is None
    assert ledger.spent(SpendLimit(name="s", scope="s")).tokens == 4
    assert len(ledger.all(scope="t")) == 1


def test_no_stream_passes_a_budget_by() -> None:
    fake = Fake({"tiny": [CRITIQUE]})
    ledger = MemoryLedger()
    account = Account(ledger=ledger, limits=list, scope="s", purpose="p")
    model = fake.connect("tiny", entry(), None)
    agent = Agent(Metered(model, "tiny", entry(), account, settings(), Tally()))

    async def stream() -> None:
        async with agent.run_stream("hello") as answer:
            await answer.get_output()

    with pytest.raises(Failure, match="does not stream"):
        asyncio.run(stream())
    assert (fake.asked, ledger.all()) == ([], [])
