"""Who is asked: the models that are configured and fit for a task, the best or the cheapest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from os import environ

from bloomery.agents.errors import NoModel, Refusal
from bloomery.agents.keys import Key, find_key, names_of
from bloomery.agents.pricing import most
from bloomery.agents.settings import ModelEntry, Settings, Skill


@dataclass(frozen=True)
class Candidate:
    """A model that may be asked, with the key for it (a server of one's own may need none)."""

    name: str
    entry: ModelEntry
    key: Key | None


def configured(settings: Settings, environment: Mapping[str, str] = environ) -> list[Candidate]:
    """The models that there is a key or a server for, in the table's order."""
    keys = {name: find_key(entry, environment) for name, entry in settings.models.items()}
    return [
        Candidate(name, entry, keys[name])
        for name, entry in settings.models.items()
        if keys[name] is not None or (entry.provider == "server" and not entry.key_name)
    ]


def chosen(
    settings: Settings, candidates: Iterable[Candidate], skill: Skill, prompt_tokens: int
) -> tuple[list[Candidate], list[Refusal]]:
    """Who is asked for this, in order, and who is not, and why. `prompt_tokens` is an upper bound."""
    fit, refused = [], []
    for candidate in candidates:
        if why := _unfit(settings, candidate, skill, prompt_tokens):
            refused.append(Refusal(candidate.name, why))
        else:
            fit.append(candidate)
    ordered = sorted(fit, key=lambda one: _rank(settings, one, skill, prompt_tokens))
    return ordered[: settings.fallbacks + 1], refused


def old_prices(settings: Settings, candidates: Iterable[Candidate], today: date) -> list[Candidate]:
    """Those whose price was last looked at too long ago to be relied upon."""
    since = today - timedelta(days=settings.trusted_days)
    return [one for one in candidates if one.entry.paid and date.fromisoformat(one.entry.priced_on) < since]


def nothing_configured(settings: Settings) -> NoModel:
    """What to do where there is no model."""
    names = sorted({name for entry in settings.models.values() for name in names_of(entry)})
    return NoModel(
        f"no language model is configured: set {' or '.join(names) or 'a key'}, or name a server of your own "
        "in a models file; what works without one goes on"
    )


def _unfit(settings: Settings, candidate: Candidate, skill: Skill, prompt_tokens: int) -> str:
    entry = candidate.entry
    if settings.chain:
        if candidate.name not in settings.chain:
            return "not in the chain"
    elif entry.good_at.of(skill) < settings.least_skill:
        return f"good at {skill} only to {entry.good_at.of(skill)}, and least_skill is {settings.least_skill}"
    whole = prompt_tokens + (entry.max_tokens or settings.max_tokens)
    if whole > entry.context_tokens:
        return f"prompt and answer may have {whole} tokens, and it takes {entry.context_tokens}"
    return ""


def _rank(
    settings: Settings, candidate: Candidate, skill: Skill, prompt_tokens: int
) -> tuple[float | str, ...]:
    if settings.chain:
        return (settings.chain.index(candidate.name),)
    entry = candidate.entry
    price = most(entry, prompt_tokens, entry.max_tokens or settings.max_tokens).pico
    worth = -entry.good_at.of(skill)
    if settings.prefer == "price":
        return (price, worth, candidate.name)
    if settings.prefer == "local":
        return (entry.provider != "server", worth, price, candidate.name)
    return (worth, price, candidate.name)
