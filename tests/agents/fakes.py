"""Language models that are functions, and a server of this process that speaks OpenAI's protocol."""

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from bloomery.agents.routing import Router
from bloomery.agents.settings import Budget, ModelEntry, Settings, Skills

CRITIQUE = {"correct": 0.5, "speedup": 2.0, "readability": 0.25, "doubts": ["[]"]}
PRICED = {"input_price": 1.0, "output_price": 2.0, "priced_on": "2026-11-22"}


def entry(**changes: Any) -> ModelEntry:
    plain = {
        "provider": "server", "model": "tiny", "base_url": "http://127.0.0.1:1/v1",
        "context_tokens": 100_000, "good_at": Skills(code=3, reasoning=3, analysis=3, tests=3),
    }  # fmt: skip
    return ModelEntry(**{**plain, **changes})


def settings(entries: dict[str, ModelEntry] | None = None, **changes: Any) -> Settings:
    plain = {"models": entries or {"tiny": entry()}, "pause_s": 0.0, "budgets": ()}
    return Settings(**{**plain, **changes})


def budget(**changes: Any) -> tuple[Budget, ...]:
    return (Budget(name="test", **changes),)


@dataclass
class Fake:
    """Models that answer from a script by their name: plain values, values with their usage, or errors."""

    script: dict[str, list[Any]]
    used: tuple[int, int] = (10, 5)
    asked: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def connect(self, name: str, _entry: ModelEntry, _key: object) -> FunctionModel:
        async def answer(messages: Any, info: Any) -> ModelResponse:
            self.asked.append(name)
            self.requests.append((messages, info))
            left = self.script[name]
            said = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(said, BaseException):
                raise said
            used = self.used
            if isinstance(said, tuple):
                said, used = said
            return ModelResponse(
                parts=[ToolCallPart(info.output_tools[0].name, said)],
                usage=RequestUsage(input_tokens=used[0], output_tokens=used[1]),
            )

        return FunctionModel(answer)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def router(self, how: Settings, **options: Any) -> Router:
        return Router(how, connect=self.connect, sleep=self.sleep, environment={}, **options)


@dataclass
class Server:
    """Speaks OpenAI's protocol from a script of (status, headers, body, delay_s)."""

    url: str
    script: list[tuple[int, dict[str, str], Any, float]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def will(self, body: Any = None, status: int = 200, delay_s: float = 0.0, **headers: str) -> None:
        self.script.append((status, {k.replace("_", "-"): v for k, v in headers.items()}, body, delay_s))


def completion(
    arguments: Any = None, text: str | None = None, usage: tuple[int, int] | None = (30, 7)
) -> dict[str, Any]:
    """What OpenAI's chat endpoint answers: a call of the one tool that is offered, or a text."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if text is None:
        function = {"name": "final_result", "arguments": json.dumps(arguments)}
        message["tool_calls"] = [{"id": "c1", "type": "function", "function": function}]
    choice = {"index": 0, "finish_reason": "tool_calls" if text is None else "stop", "message": message}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]}
    if usage:
        prompt, answer = usage
        body["usage"] = {
            "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
        }  # fmt: skip
    return body
