"""From an entry of the table to a model of pydantic-ai."""

from typing import Any, cast

from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from bloomery.agents.keys import Key
from bloomery.agents.settings import ModelEntry, Settings


def connect(name: str, entry: ModelEntry, key: Key | None) -> Model:
    """A model with a client of its own; entering and leaving it opens and closes the client."""
    secret = key.reveal() if key else None
    url = entry.base_url or None
    if entry.provider == "openai":
        from pydantic_ai.models.openai import OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIResponsesModel(entry.model, provider=OpenAIProvider(api_key=secret, base_url=url))
    if entry.provider == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(
            entry.model, provider=cast(Any, AnthropicProvider)(api_key=secret, base_url=url)
        )
    if entry.provider == "google":
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        return GoogleModel(entry.model, provider=GoogleProvider(api_key=secret, base_url=url))
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    provider = OpenAICompatibleProvider(name, base_url=entry.base_url, api_key=secret or "none")
    older = {"openai_chat_supports_max_completion_tokens": False}  # llama.cpp and vLLM know max_tokens
    return OpenAIChatModel(entry.model, provider=provider, profile=cast(Any, older))


def asked_with(entry: ModelEntry, settings: Settings) -> ModelSettings:
    """The settings of a request to this model; the client's own retries are off, they would spend unseen."""
    asked = ModelSettings(
        max_tokens=entry.max_tokens or settings.max_tokens,
        timeout=entry.timeout_s or settings.timeout_s,
        max_retries=0,
        parallel_tool_calls=False,
    )
    if entry.temperature is not None:
        asked["temperature"] = entry.temperature
    if entry.thinking:
        asked["thinking"] = entry.thinking
    return asked
