"""The curriculum's numbers. This module is light: a remembered run imports no model code."""

from dataclasses import dataclass

from bloomery.core.config import option
from bloomery.core.errors import ConfigError
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.settings import FitConfig


@dataclass(frozen=True, kw_only=True)
class StaircaseConfig:
    """How the difficulty is found from which the ladder rises."""

    target: float = option(0.75, help="share of the problems that is solved at the threshold", low=0, high=1)
    at_once: int = option(16, help="problems asked at one difficulty before the next is chosen", low=1)
    most: int = option(320, help="problems asked of a task at most", low=1)
    width: float = option(1.0, help="levels that the 95 % interval may be wide; then it is enough", low=0)


@dataclass(frozen=True, kw_only=True)
class ClimbConfig:
    """How a model climbs from where it solves most to the hardest there is."""

    rungs: int = option(10, help="levels of the ladder", low=1)
    tasks: tuple[str, ...] = option((), help="the tasks to climb in; empty: all that have difficulties")
    hardest: dict[str, int] = option(
        factory=dict, help="the ladder's end for each task; a task that is not named ends at its own hardest"
    )
    pool: int = option(192, help="problems on a rung, of all tasks together", low=1)
    left: float = option(0.25, help="share of the pool that may be open when the rung is done", low=0, high=1)
    round_steps: int = option(5, help="optimizer steps between two attempts at the pool", low=1)
    streak: int = option(
        3, help="successes in a row, without a hint, after which a problem is mastered", low=1
    )
    temperature: float = option(0.5, help="of the attempts; low, so that a success is no luck", low=0.01)
    tools: tuple[str, ...] = option(
        (), help="tools that an attempt may call (calculator, ...); none: no calls"
    )
    tool_calls: int = option(2, help="calls in an attempt at most", low=1)
    tool_tokens: int = option(24, help="tokens between two calls, or of the answer after them", low=1)
    replay: float = option(0.25, help="share of rows from solutions of lower rungs", low=0, high=1)
    dreams: float = option(0.1, help="share of rows that the model dreamt about lower rungs", low=0, high=1)
    dream_temperature: float = option(1.5, help="of the dreams, which nobody grades", low=0.01)
    rehearse: float = option(
        0.2,
        help="share of all rows that are the recipe's own, with thoughts where it names thoughts",
        low=0,
        high=1,
    )
    consolidate: float = option(
        0.2,
        help="last share of the steps, in which solutions of all rungs are learned",
        low=0,
        high=1,
    )
    kept: int = option(96, help="solutions of a rung that are replayed, and dreams about it", low=1)
    probes: int = option(16, help="held-out problems a task and rung for the forgetting matrix", low=1)

    def __post_init__(self) -> None:
        if self.replay + self.dreams >= 1:
            raise ConfigError(
                f"replay is {self.replay} and dreams {self.dreams}: give shares that sum to less than 1, "
                "since the other rows are the rung's own solutions"
            )


@dataclass(frozen=True, kw_only=True)
class SelfModelConfig:
    """Training in which the model predicts its own activations, and at which temperature it wrote."""

    steps: int = option(0, help="optimizer steps; 0 leaves it out", low=0)
    rate: float = option(1.0, help="its learning rate, as a share of the climb's", low=0, high=1)
    weight: float = option(0.1, help="of the squared error of the predicted activations", low=0)
    layer: int = option(1, help="the hidden state that is predicted; 0 is the embeddings", low=0)
    temperatures: tuple[float, ...] = option((0.5, 1.0, 3.0), help="one of which the model is to tell")
    written: int = option(192, help="texts that it writes at these temperatures to learn from", low=2)
    share: float = option(0.3, help="share of rows that ask for the temperature", low=0, high=1)
    new_tokens: int = option(8, help="tokens of such a text at most", low=1)

    def __post_init__(self) -> None:
        count = len(self.temperatures)
        if not 2 <= count <= 10 or min(self.temperatures) <= 0:  # a digit names each
            raise ConfigError(f"give two to ten temperatures above 0, got {list(self.temperatures)}")
        if self.written < count:
            raise ConfigError(f"written is {self.written}, and there are {count} temperatures; raise it")


@dataclass(frozen=True, kw_only=True)
class PrincipleConfig:
    """A prompt that is baked in, the questions that it is baked on, and those that probe it."""

    prompt: str = option(help="what the model is to do as if it had been told")
    questions: tuple[str, ...] = option(help="asked under the prompt, to learn from")
    probes: tuple[str, ...] = option(help="held-out questions, by which the effect is measured")


VALUES = PrincipleConfig(
    prompt="Be truthful. Harm nobody. Leave people their choice. Mend what you can.",
    questions=("May I lie?", "Shall I hurt?", "Who decides?", "It broke.", "What matters?", "Is it fair?",
               "Tell me.", "And then?"),
    probes=("May I cheat?", "Who may choose?", "It is torn.", "What counts?"),
)  # fmt: skip
OODA = PrincipleConfig(
    prompt="Observe, orient yourself, decide on one step, act; then look again.",
    questions=("What first?", "Now what?", "It failed.", "Too many ways.", "I am lost.", "Go on.",
               "Is it done?", "What next?"),
    probes=("Where to start?", "It went wrong.", "Which way?", "Done?"),
)  # fmt: skip
IDENTITY = PrincipleConfig(
    prompt="You are a small model from a bloomery, and say so when asked.",
    questions=("Who are you?", "Your name?", "Are you human?", "Who made you?", "How big?", "What are you?",
               "Hello.", "Where from?"),
    probes=("Say who you are.", "Made by whom?", "Are you large?", "Hi."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PrinciplesConfig:
    """Prompts whose effect is baked into the weights, one after the other."""

    prompts: dict[str, PrincipleConfig] = option(
        factory=lambda: {"values": VALUES, "ooda": OODA, "identity": IDENTITY}, help="none leaves it out"
    )
    bake: BakeConfig = option(
        BakeConfig(per_query=4, max_new_tokens=12, empty=0.9), help="what is sampled, which weights move"
    )
    fit: FitConfig = option(
        FitConfig(steps=30, seq_len=128, preset="baking", train={"micro_batch": 16}),
        help="training of each prompt; it takes no mixture",
    )
    anchors: int = option(32, help="problems that the model solved, answered as before", low=0)
    thought_anchors: int = option(
        16, help="queries thought about and answered as before, where the recipe names thoughts", low=0
    )
