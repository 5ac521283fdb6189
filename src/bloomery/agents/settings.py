"""Which language models there are, in what order they are asked, how often, and for how much money."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from bloomery.core.config import build, load_recipe, option
from bloomery.core.errors import ConfigError, UnknownName

PACKAGED = "agents/models"
Provider = Literal["openai", "anthropic", "google", "server"]
Skill = Literal["code", "reasoning", "analysis", "tests"]


@dataclass(frozen=True, kw_only=True)
class Skills:
    """How well a model does each kind of work."""

    code: int = option(1, low=0, high=5, help="writing and changing programs; 0: do not ask")
    reasoning: int = option(1, low=0, high=5, help="finding out what follows; 0: do not ask")
    analysis: int = option(1, low=0, high=5, help="reading and judging programs and texts; 0: do not ask")
    tests: int = option(1, low=0, high=5, help="writing tests; 0: do not ask")

    def of(self, skill: Skill) -> int:
        match skill:
            case "code":
                return self.code
            case "reasoning":
                return self.reasoning
            case "analysis":
                return self.analysis
            case "tests":
                return self.tests


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A language model: how it is reached, what it is good at, what it costs, how it is asked."""

    provider: Provider = option(help="who serves it; 'server' speaks OpenAI's protocol at base_url")
    model: str = option(help="its name at the provider")
    base_url: str = option("", help="address of the API, e.g. http://127.0.0.1:8080/v1; needed for 'server'")
    key_name: str = option("", help="environment variable that holds the key; empty: the provider's own")
    good_at: Skills = option(factory=Skills, help="0 (never asked) to 5 for each kind of work")
    context_tokens: int = option(8192, low=1, help="longest prompt and answer together, in tokens")
    input_price: float = option(0.0, low=0, help="dollars a million tokens of prompt")
    output_price: float = option(0.0, low=0, help="dollars a million tokens of answer")
    cache_read_price: float | None = option(
        None, low=0, help="dollars a million tokens of prompt that the provider had cached; null: input_price"
    )
    cache_write_price: float | None = option(
        None, low=0, help="dollars a million tokens that the provider caches; null: input_price"
    )
    priced_on: str = option("", help="the day of these prices, YYYY-MM-DD; needed where there is a price")
    answers: Literal["tool", "native", "prompted"] = option(
        "tool", help="how a structured answer is asked for: as a tool call, by JSON schema, or in words"
    )
    max_tokens: int | None = option(None, low=1, help="longest answer, in tokens; null: the common setting")
    temperature: float | None = option(None, low=0, help="randomness of the answer; null: the provider's")
    thinking: Literal["", "minimal", "low", "medium", "high"] = option(
        "", help="effort of thought before the answer; empty: the provider's"
    )
    timeout_s: float | None = option(
        None, low=0, help="longest wait for one answer; null: the common setting"
    )

    def __post_init__(self) -> None:
        if self.provider == "server" and not self.base_url:
            raise ConfigError(
                "a model of provider 'server' needs its base_url, e.g. http://127.0.0.1:8080/v1"
            )
        if re.search(r"://[^/]*@", self.base_url):
            raise ConfigError("base_url holds a user or a password; put the key into the environment instead")
        if self.paid and not _is_day(self.priced_on):
            raise ConfigError(f"a price needs its day in priced_on, YYYY-MM-DD; got '{self.priced_on}'")
        for price in self.prices:
            pico_a_token(price)

    @property
    def prices(self) -> tuple[float, float, float, float]:
        """Dollars a million tokens: prompt, answer, read from the provider's cache, written to it."""
        read = self.input_price if self.cache_read_price is None else self.cache_read_price
        write = self.input_price if self.cache_write_price is None else self.cache_write_price
        return self.input_price, self.output_price, read, write

    @property
    def paid(self) -> bool:
        return any(self.prices)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What may be spent; a call that could pass it is not made."""

    name: str = option(help="by which messages call it")
    period: Literal["session", "day", "month", "ever"] = option(
        "session", help="over which it holds: one opening of the models, any 24 hours, any 30 days, always"
    )
    dollars: float | None = option(None, low=0, help="most money; null: no limit")
    tokens: int | None = option(None, low=0, help="most tokens of prompts and answers; null: no limit")

    def since(self, now: datetime.datetime) -> datetime.datetime | None:
        days = {"day": 1, "month": 30}.get(self.period)
        return None if days is None else now - datetime.timedelta(days=days)


def _budgets() -> tuple[Budget, ...]:
    return (Budget(name="session", dollars=1.0), Budget(name="day", period="day", dollars=5.0))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How language models are asked."""

    models: dict[str, ModelEntry] = option(factory=dict, help="the models that are known, by our names")
    chain: tuple[str, ...] = option((), help="the only models asked, in this order; empty: chosen by task")
    prefer: Literal["quality", "price", "local"] = option(
        "quality", help="who is asked first: the best, the cheapest that is fit, or servers of one's own"
    )
    least_skill: int = option(2, low=1, high=5, help="models that are less good at a task are not asked")
    fallbacks: int = option(3, low=0, help="how many other models are asked after one that failed")
    budgets: tuple[Budget, ...] = option(factory=_budgets, help="all of them hold; empty: no limit")
    max_tokens: int = option(8192, low=1, help="longest answer, in tokens")
    timeout_s: float = option(120.0, low=0.01, help="longest wait for one answer")
    attempts: int = option(3, low=1, help="how often a model is asked where its provider fails")
    pause_s: float = option(1.0, low=0, help="pause before the second attempt; it doubles with each")
    longest_pause_s: float = option(60.0, low=0, help="a provider that wants a longer pause is left alone")
    reasks: int = option(2, low=0, help="how often an answer out of form is asked for again")
    breaker_failures: int = option(3, low=1, help="failures in a row after which a model is left alone")
    breaker_rest_s: float = option(300.0, low=0, help="for how long")
    trusted_days: int = option(180, low=0, help="prices older than this are warned of")
    cache: bool = option(True, help="answers to equal questions are kept in the workspace and given again")

    def __post_init__(self) -> None:
        for name in self.chain:
            if name not in self.models:
                raise UnknownName("model of the chain", name, self.models)
        names = [budget.name for budget in self.budgets]
        if len(set(names)) < len(names):
            raise ConfigError(f"two budgets have one name: {', '.join(names)}")

    @classmethod
    def load(cls, file: Path | str = PACKAGED, overrides: tuple[str, ...] = ()) -> Self:
        """From a YAML file or the packaged table. Raises: ConfigError, MissingFile, UnknownName."""
        recipe = load_recipe(file, overrides)
        _refuse_keys(recipe.values, str(file))
        return build(cls, recipe.values, origin=recipe.origin)


def pico_a_token(dollars_a_million: float) -> int:
    """A price in 1e-12 dollars a token, exactly. Raises: ConfigError beyond six decimals."""
    pico = Decimal(str(dollars_a_million)) * 10**6
    if pico != int(pico):
        raise ConfigError(f"a price has at most six decimals; got {dollars_a_million}: round it up")
    return int(pico)


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _refuse_keys(values: Mapping[str, object], where: str) -> None:
    """A key on disk is a leak already: say so without showing it."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            _refuse_keys(value, where)
        elif re.search(r"api_?key|token$|secret|password", name, re.IGNORECASE):
            raise ConfigError(
                f"{where}: '{name}' looks like a key; keys come from the environment or the keyring only: "
                "remove it there, and make a new one if the file was ever shared"
            )
