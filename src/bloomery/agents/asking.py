"""One question to one model, by pydantic-ai: a structured answer, asked for again a few times."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models import Model

from bloomery.agents.choosing import Candidate
from bloomery.agents.connecting import asked_with, connect
from bloomery.agents.failures import hopeless, meaning
from bloomery.agents.keys import Key, masked
from bloomery.agents.metering import Account, Metered, Tally
from bloomery.agents.prompting import Prompt
from bloomery.agents.settings import ModelEntry, Settings
from bloomery.core.catalog.calls import LimitReached

A = TypeVar("A", bound=BaseModel)
Connect = Callable[[str, ModelEntry, Key | None], Model]
Sleep = Callable[[float], Awaitable[None]]
_FORMS = {"tool": ToolOutput, "native": NativeOutput, "prompted": PromptedOutput}
_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Failed:
    """`hopeless`: this model cannot be asked again; `budget`: it was not asked, for want of budget."""

    why: str
    hopeless: bool = False
    budget: bool = False
    wait_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Question(Generic[A]):
    """What is asked, of whom, in which form, and at whose expense."""

    candidate: Candidate
    prompt: Prompt
    form: type[A]
    object_to: Callable[[A], str] | None
    settings: Settings
    account: Account
    connect: Connect | None = None
    sleep: Sleep = asyncio.sleep


async def attempt(question: Question[A]) -> tuple[A | Failed, Tally]:
    """The answer, or why there is none: a provider's words leave here as text without a key in it."""
    tally, candidate = Tally(), question.candidate
    try:
        value = await _answered(question, tally)
    except LimitReached as error:
        return Failed(why=str(error), budget=True), tally
    except (AgentRunError, TimeoutError) as error:
        keys = [candidate.key] if candidate.key else []
        why = masked(f"{type(error).__name__}: {error}", keys).strip(": ")[:_LONGEST_REASON]
        return Failed(why=why, hopeless=hopeless(error), wait_s=meaning(error).wait_s or 0.0), tally
    if candidate.key and candidate.key.reveal() in value.model_dump_json():
        return Failed(why="its answer holds the key that it was asked with", hopeless=True), tally
    return value, tally


async def _answered(question: Question[A], tally: Tally) -> A:
    candidate, settings = question.candidate, question.settings
    model = (question.connect or connect)(candidate.name, candidate.entry, candidate.key)
    agent: Agent[object, A] = Agent(
        Metered(model, candidate.name, candidate.entry, question.account, settings, tally, question.sleep),
        output_type=cast(Any, _FORMS[candidate.entry.answers])(question.form),
        instructions=question.prompt.system,
        model_settings=asked_with(candidate.entry, settings),
        retries=settings.reasks,
    )
    if question.object_to is not None:
        agent.output_validator(_raising(question.object_to))
    async with agent:
        return (await agent.run(question.prompt.user)).output


def _raising(object_to: Callable[[A], str]) -> Callable[[A], A]:
    def check(value: A) -> A:
        if wrong := object_to(value):
            raise ModelRetry(wrong)
        return value

    return check
