"""What is asked and what comes back, for the rooms that ask."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from bloomery.agents.errors import Refusal
from bloomery.agents.prompting import Prompt

if TYPE_CHECKING:
    from pydantic import BaseModel

A = TypeVar("A", bound="BaseModel")
Objection = Callable[[A], str]


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[A]):
    """What a model answered, in form. From the cache it cost nothing; `cid` is where the store keeps it."""

    value: A
    model: str
    cached: bool
    tokens: int
    dollars: Decimal
    cid: str | None
    refusals: tuple[Refusal, ...] = ()  # who was tried before


class Ask(Protocol):
    """What the rooms above are given to ask with; `Router.ask` is one.

    `object_to` says what is wrong with an answer that is in form, for the model to mend; empty for nothing.
    `variant` tells apart questions that are equal on purpose.
    Raises: NoModel, BudgetSpent, NoAnswer.
    """

    def __call__(
        self, prompt: Prompt, form: type[A], *, object_to: Objection[A] | None = None, variant: int = 0
    ) -> Answer[A]: ...
