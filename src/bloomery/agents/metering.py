"""A model whose every request is paid for from the budget: reserved, asked, settled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage
from pydantic_core import to_json
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from bloomery.agents import pricing
from bloomery.agents.failures import meaning
from bloomery.agents.ledger import Ledger
from bloomery.agents.settings import ModelEntry, Settings
from bloomery.core.catalog.calls import CallState, SpendLimit
from bloomery.core.errors import Failure
from bloomery.core.log import get_log

_log = get_log("agents")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who pays: the ledger with its limits, and what the calls are for."""

    ledger: Ledger
    limits: Callable[[], Sequence[SpendLimit]]
    scope: str
    purpose: str


@dataclass
class Tally:
    """What one question has cost so far, over all attempts, and the number of its last call."""

    tokens: int = 0
    pico: int = 0
    calls: list[int] = field(default_factory=list)
    beyond_bound: bool = False


class Metered(WrapperModel):
    """Reserves the most that a request can cost before it is sent, at the price of the model that is asked.

    Each attempt is a request of its own: one that timed out may have been billed, and keeps its bound.
    Raises: LimitReached before a request that the budget does not cover.
    """

    def __init__(
        self, wrapped: Model, name: str, entry: ModelEntry, account: Account, how: Settings,
        tally: Tally, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        super().__init__(wrapped)
        self._name, self._entry, self._account, self._tally = name, entry, account, tally
        self._how, self._sleep = how, sleep

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        bound = self._bound(messages, model_settings, model_request_parameters)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._how.attempts),
            retry=retry_if_exception(self._again),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                response = await self._paid(bound, messages, model_settings, model_request_parameters)
        return response

    def request_stream(self, *_arguments: Any, **_options: Any) -> Any:
        """Raises: Failure: what streams would pass the budget by, so nothing streams."""
        raise Failure("a language model within a budget does not stream: ask for the whole answer")

    async def _paid(
        self,
        bound: pricing.Cost,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        account = self._account
        call = account.ledger.reserve(
            scope=account.scope, purpose=account.purpose, model=self._name,
            tokens=bound.tokens, cost_pico=bound.pico, limits=account.limits(),
        )  # fmt: skip
        self._tally.calls.append(call)
        try:
            async with asyncio.timeout(self._entry.timeout_s or self._how.timeout_s):
                response = await self.wrapped.request(messages, model_settings, parameters)
        except BaseException as error:
            free = meaning(error).billed == "no"
            spent = pricing.Cost(0, 0) if free else bound
            self._settle(call, "refused" if free else "unknown", spent, reason=type(error).__name__)
            raise
        used = _used(response.usage)
        if used is None:
            self._settle(call, "unknown", bound, reason="the provider counted no tokens")
        else:
            spent = pricing.cost(self._entry, used)
            self._tally.beyond_bound |= spent.tokens > bound.tokens or spent.pico > bound.pico
            self._settle(call, "settled", spent, used=used)
        return response

    def _settle(
        self,
        call: int,
        state: CallState,
        spent: pricing.Cost,
        *,
        used: pricing.Used | None = None,
        reason: str = "",
    ) -> None:
        self._account.ledger.settle(
            call, state, tokens=spent.tokens, cost_pico=spent.pico,
            input_tokens=used.prompt if used else None, output_tokens=used.answer if used else None,
            reason=reason,
        )  # fmt: skip
        self._tally.tokens += spent.tokens
        self._tally.pico += spent.pico
        _log.debug(
            "asked", model=self._name, purpose=self._account.purpose, state=state,
            spent_tokens=spent.tokens, dollars=spent.pico / 10**12, reason=reason,
        )  # fmt: skip

    def _bound(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> pricing.Cost:
        told = len(ModelMessagesTypeAdapter.dump_json(messages))
        form = len(to_json(parameters, fallback=repr))
        answer = (model_settings or {}).get("max_tokens", self._how.max_tokens)
        return pricing.most(self._entry, pricing.prompt_bound(told + 2 * form), answer)

    def _again(self, error: BaseException) -> bool:
        found = meaning(error)
        return found.again and (found.wait_s or 0.0) <= self._how.longest_pause_s

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = meaning(error).wait_s if error else None
        doubled = self._how.pause_s * 2 ** (state.attempt_number - 1)
        return max(asked or 0.0, min(doubled, self._how.longest_pause_s))


def _used(usage: RequestUsage) -> pricing.Used | None:
    """The provider's count; None where it gave none."""
    if usage.unmeasured_requests or not usage.input_tokens:
        return None
    return pricing.Used(
        prompt=usage.input_tokens,
        answer=usage.output_tokens,
        read=usage.cache_read_tokens,
        written=usage.cache_write_tokens,
    )
