"""How one prompt is baked. This module is light: stage files import it."""

from dataclasses import dataclass
from typing import Literal

from bloomery.core.config import option


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """The low-rank change that is trained in place of the weights, and added to them afterwards."""

    rank: int = option(16, help="rank of each layer's change", low=1)
    alpha: int = option(32, help="the change is scaled by alpha / rank", low=1)


@dataclass(frozen=True, kw_only=True)
class BakeConfig:
    """What a bake learns from, which weights move, and how far they go."""

    mode: Literal["full", "lora"] = option(
        "full", help="which weights move: all, or a low-rank change of each linear layer"
    )
    lora: LoraConfig = option(LoraConfig(), help="the low-rank change")
    per_query: int = option(2, help="completions sampled for each query", low=1)
    max_new_tokens: int = option(32, help="tokens of a completion at most", low=1)
    temperature: float = option(1.0, help="of the sampling; 1 is the teacher's own distribution", low=0.01)
    empty: float = option(
        0.5, help="share of completions that may be empty; with more the prompt is refused", low=0, high=1
    )
    halting: float = option(
        1.0, help="share of the steps in which a student that can halt does", low=0, high=1
    )
    strength: float | None = option(
        None, help="stop early at 1 - residual ratio on held-out queries (half-baking); empty: at the end",
        low=0, high=1,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CyclesConfig:
    """How long candidates are tried, and which are baked. Scores are accuracies on selection examples."""

    rounds: int = option(6, help="most rounds of each cycle", low=1)
    gain: float = option(
        0.01, help="a candidate, and the model baked from it, score more than this above the model before"
    )
    residual: float = option(0.2, help="largest residual ratio with which a bake is kept", low=0)
    window: int = option(2, help="rounds without more than `threshold` of gain that make a plateau", low=1)
    threshold: float = option(0.01, help="gain over the best before the window that is none", low=0)
    personas: int = option(4, help="personas that the model proposes in a round", low=0)
    persona_tokens: int = option(24, help="tokens of a proposed persona at most", low=1)
    given: dict[str, str] = option(factory=dict, help="personas that are tried beside those it proposes")
    ask: str = option("", help="what the model is asked to go on with; personas begin with it")


TOOL_PROMPTS = {
    "letters": "Tools: c p s f.\n",
    "names": "You can call c calculator, p python, s store, f file.\n",
    "grammar": "[c...] calls a tool, {...} is its result.\n",
    "steps": "Call a tool, read its result, answer.\n",
}


@dataclass(frozen=True, kw_only=True)
class ToolsConfig:
    """What the first cycle bakes on: tasks that need tools, and the prompts that tell of the tools."""

    tasks: dict[str, tuple[int, ...]] = option(
        factory=dict,
        help="tasks that need a tool, and their difficulties (none: the lowest); empty: no cycle",
    )
    prompts: dict[str, str] = option(factory=lambda: dict(TOOL_PROMPTS), help="the candidates, by name")
    taught: float = option(
        0.5, help="share of the lessons of `teach` that need a tool; the rest are the recipe's rows",
        low=0.01, high=0.99,
    )  # fmt: skip
    max_calls: int = option(2, help="calls in a conversation at most", low=1)
    max_new_tokens: int = option(32, help="tokens of a turn at most: one call, or the answer", low=1)
