"""What a call may cost at most, and what it cost."""

from dataclasses import dataclass

from bloomery.agents.settings import ModelEntry, pico_a_token

FRAMING_TOKENS = 1024  # what providers put around a prompt: roles, separators, how tools are called


@dataclass(frozen=True)
class Cost:
    """Tokens of prompt and answer together, and money in 1e-12 dollars."""

    tokens: int
    pico: int


@dataclass(frozen=True, kw_only=True)
class Used:
    """Tokens as the provider counted them; what was read from or written to its cache is part of `prompt`."""

    prompt: int
    answer: int
    read: int = 0
    written: int = 0


def prompt_bound(size_bytes: int) -> int:
    """At most so many tokens: a token of every byte-based tokenizer holds at least one byte of the text."""
    return size_bytes + FRAMING_TOKENS


def most(entry: ModelEntry, prompt_tokens: int, answer_tokens: int) -> Cost:
    """The most that a call can cost: each token of the prompt at the dearest rate that it may have."""
    prompt, answer, read, written = map(pico_a_token, entry.prices)
    dearest = max(prompt, read, written)
    return Cost(prompt_tokens + answer_tokens, prompt_tokens * dearest + answer_tokens * answer)


def cost(entry: ModelEntry, used: Used) -> Cost:
    """What a call cost by the provider's own count."""
    prompt, answer, read, written = map(pico_a_token, entry.prices)
    plain = max(0, used.prompt - used.read - used.written)
    pico = plain * prompt + used.read * read + used.written * written + used.answer * answer
    return Cost(used.prompt + used.answer, pico)
