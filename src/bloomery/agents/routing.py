"""Asking: the first model of the chain that has the answer, can be afforded, and answers in form."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from os import environ
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from bloomery.agents.breaker import Breaker
from bloomery.agents.caching import Cache, Kept, key_of
from bloomery.agents.choosing import Candidate, chosen, configured, nothing_configured, old_prices
from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel, Refusal
from bloomery.agents.ledger import Ledger, MemoryLedger
from bloomery.agents.needing import needed
from bloomery.agents.pricing import prompt_bound
from bloomery.agents.prompting import Prompt
from bloomery.agents.questions import Answer, Objection
from bloomery.agents.settings import Settings, pico_a_token
from bloomery.core.catalog.calls import SpendLimit
from bloomery.core.log import get_log

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bloomery.agents.asking import Connect, Failed, Question, Sleep
    from bloomery.agents.metering import Tally

A = TypeVar("A", bound="BaseModel")
T = TypeVar("T")
_log = get_log("agents")
BEYOND = "its provider counted more tokens than the request could have"


class Router:
    """Asks language models within budgets; threads and processes may share a ledger and a store.

    `connect` makes a model of pydantic-ai of an entry and its key: tests give models that are functions.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger | None = None,
        store: Kept | None = None,
        scope: str = "",
        environment: Mapping[str, str] = environ,
        connect: "Connect | None" = None,
        sleep: "Sleep" = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.scope = scope or f"session {uuid4().hex}"
        self.ledger: Ledger = ledger or MemoryLedger()
        self.candidates = configured(settings, environment)
        self._cache = Cache(store, self.ledger) if store is not None and settings.cache else None
        for old in old_prices(settings, self.candidates, datetime.now(UTC).date()):
            _log.warning("a price is old: look it up", model=old.name, priced_on=old.entry.priced_on)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_rest_s)
        self._connect, self._sleep = connect, sleep

    @property
    def why_not(self) -> str:
        """Why no model can be asked at all; empty where one can."""
        return "" if self.candidates else str(nothing_configured(self.settings))

    def limits(self) -> list[SpendLimit]:
        """The budgets as they stand now."""
        now = datetime.now(UTC)
        return [
            SpendLimit(
                name=budget.name,
                tokens=budget.tokens,
                cost_pico=None if budget.dollars is None else pico_a_token(budget.dollars) * 10**6,
                since=budget.since(now),
                scope=self.scope if budget.period == "session" else None,
            )
            for budget in self.settings.budgets
        ]

    def ask(
        self, prompt: Prompt, form: type[A], *, object_to: Objection[A] | None = None, variant: int = 0
    ) -> Answer[A]:
        """Raises: NoModel, BudgetSpent, NoAnswer; CapabilityMissing without the libraries."""
        if not self.candidates:
            raise nothing_configured(self.settings)
        needed("pydantic_ai")
        size = len((prompt.system + prompt.user).encode())
        chain, unfit = chosen(self.settings, self.candidates, prompt.skill, prompt_bound(size))
        if not chain:
            told = "; ".join(map(str, unfit))
            raise NoModel(f"no configured language model is fit for '{prompt.purpose}' ({told})")
        return self._first(chain, prompt, form, object_to, variant)

    def _first(
        self,
        chain: list[Candidate],
        prompt: Prompt,
        form: type[A],
        object_to: Objection[A] | None,
        variant: int,
    ) -> Answer[A]:
        refusals: list[Refusal] = []
        without_money = 0
        for candidate in chain:
            question = self._question(candidate, prompt, form, object_to)
            key = self._key(question, variant)
            found = self._kept(question, key) or self._asked(question, key)
            if isinstance(found, Answer):
                return replace(found, refusals=tuple(refusals))
            without_money += found.budget
            refusals.append(Refusal(candidate.name, found.why))
        if without_money == len(chain):
            raise BudgetSpent("; ".join(map(str, refusals)))
        raise NoAnswer(prompt.purpose, refusals)

    def _question(
        self, candidate: Candidate, prompt: Prompt, form: type[A], object_to: Objection[A] | None
    ) -> "Question[A]":
        from bloomery.agents.asking import Question
        from bloomery.agents.metering import Account

        return Question(
            candidate=candidate, prompt=prompt, form=form, object_to=object_to, settings=self.settings,
            account=Account(
                ledger=self.ledger, limits=self.limits, scope=self.scope, purpose=prompt.purpose
            ),
            connect=self._connect, sleep=self._sleep,
        )  # fmt: skip

    def _key(self, question: "Question[A]", variant: int) -> str:
        from bloomery.agents.connecting import asked_with

        entry = question.candidate.entry
        schema = question.form.model_json_schema()
        return key_of(entry, asked_with(entry, self.settings), question.prompt, schema, variant)

    def _kept(self, question: "Question[A]", key: str) -> Answer[A] | None:
        """The answer that was given before, if it is still in form and nothing speaks against it."""
        found = self._cache.find(key, question.form) if self._cache else None
        if found is None or (question.object_to and question.object_to(found.value)):
            return None
        name = question.candidate.name
        self.ledger.reused(
            scope=self.scope, purpose=question.prompt.purpose, model=name, key=key, answer=found.cid
        )
        return Answer(value=found.value, model=name, cached=True, tokens=0, dollars=Decimal(0), cid=found.cid)

    def _asked(self, question: "Question[A]", key: str) -> "Answer[A] | Failed":
        from bloomery.agents.asking import Failed, attempt

        name = question.candidate.name
        if why := self._breaker.why_not(name):
            return Failed(why=why)
        outcome, tally = run_alone(lambda: attempt(question))
        if isinstance(outcome, Failed):
            self._note(name, outcome)
        else:
            self._breaker.succeeded(name)
        if tally.beyond_bound:
            self._note(name, Failed(why=BEYOND, hopeless=True))
        return outcome if isinstance(outcome, Failed) else self._answer(question, key, outcome, tally)

    def _note(self, name: str, failed: "Failed") -> None:
        _log.warning("a language model gave no answer", model=name, why=failed.why)
        if failed.hopeless:
            self._breaker.shut(name, failed.why)
        elif not failed.budget:
            self._breaker.failed(name, failed.why, rest_s=failed.wait_s)

    def _answer(self, question: "Question[A]", key: str, value: A, tally: "Tally") -> Answer[A]:
        name, cid = question.candidate.name, None
        if self._cache:
            cid = self._cache.keep(key, tally.calls[-1], name, value)
        dollars = Decimal(tally.pico) / 10**12
        _log.info(
            "a language model answered", model=name, purpose=question.prompt.purpose,
            spent_tokens=tally.tokens, dollars=float(dollars),
        )  # fmt: skip
        return Answer(value=value, model=name, cached=False, tokens=tally.tokens, dollars=dollars, cid=cid)


def run_alone(make: Callable[[], Awaitable[T]]) -> T:
    """Runs to its end; inside a running event loop (a notebook) in a thread of its own."""

    async def whole() -> T:
        return await make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, whole()).result()
