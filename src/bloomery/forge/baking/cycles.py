"""The two cycles: candidates are scored as prompts, the winner is baked, until neither cycle gains any more.

Source: the seed's phase 6 (A: tool prompts, B: personas that the model proposes for itself)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from transformers import PreTrainedModel

from bloomery.core.disk import remove_tree
from bloomery.core.errors import UserError
from bloomery.core.step import Paused, StepContext
from bloomery.forge.baking.bake import Baked
from bloomery.forge.baking.plateau import plateaued
from bloomery.forge.baking.settings import CyclesConfig
from bloomery.forge.baking.strength import Weights, weights_of
from bloomery.training.checkpoint import load_newest, save_checkpoint

NOTHING = "nothing was proposed"


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """Where candidates come from, how the model as it stands scores under one of them ("": unprompted), and
    how one is baked into it. `propose` is told the round, `bake` a name for its checkpoints and the prompt.
    """

    name: str
    propose: Callable[[int], Mapping[str, str]]
    score: Callable[[str], float]
    bake: Callable[[str, str], Baked]


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round tried, on selection examples; `baked` names the candidate that is now in the weights."""

    cycle: str
    number: int
    prompts: dict[str, str]
    scores: dict[str, float]
    refused: dict[str, str]
    before: float
    after: float
    baked: str | None = None
    residual: dict[str, float] = field(default_factory=dict)
    why: str = ""

    @property
    def name(self) -> str:
        return f"{self.cycle}-{self.number}"


@dataclass
class Cycled:
    """The rounds so far, and before each bake that was kept the weights that it began with."""

    rounds: list[Round] = field(default_factory=list)
    befores: dict[str, Weights] = field(default_factory=dict)

    def reached(self, cycle: str) -> list[float]:
        """The unprompted score before the cycle's first round, and after each."""
        own = [one for one in self.rounds if one.cycle == cycle]
        return [own[0].before, *(one.after for one in own)] if own else []

    def bakes(self) -> list[Round]:
        return [one for one in self.rounds if one.baked is not None]


def run_cycles(
    context: StepContext, model: PreTrainedModel, cycles: Sequence[Cycle], config: CyclesConfig
) -> Cycled:
    """Bake winner after winner into `model`, the cycles in turn, until all have reached a plateau.

    Raises: Paused, after a round or at a checkpoint of its training.
    """
    done = _restored(context, model)
    for number in range(config.rounds):
        for cycle in cycles:
            if _has_run(done, cycle, number) or _plateaued(done, cycle.name, config):
                continue
            one = _round(done, model, cycle, number, config)
            done.rounds.append(one)
            _record(context, model, done, one)
    return done


def at_their_ends(done: Cycled, cycles: Sequence[str], config: CyclesConfig) -> bool:
    """Whether every cycle has reached its plateau, so that not the number of rounds has ended them."""
    return all(_plateaued(done, name, config) for name in cycles)


def _has_run(done: Cycled, cycle: Cycle, number: int) -> bool:
    return any((one.cycle, one.number) == (cycle.name, number) for one in done.rounds)


def _plateaued(done: Cycled, name: str, config: CyclesConfig) -> bool:
    return plateaued(done.reached(name), window=config.window, threshold=config.threshold)


def _round(done: Cycled, model: PreTrainedModel, cycle: Cycle, number: int, config: CyclesConfig) -> Round:
    prompts, before = dict(cycle.propose(number)), cycle.score("")
    scores, refused = _scores(cycle, prompts)
    tried = Round(
        cycle=cycle.name, number=number, prompts=prompts, scores=scores, refused=refused, before=before,
        after=before,
    )  # fmt: skip
    winner = max(scores, key=lambda name: scores[name], default=None)
    if winner is None:
        return replace(tried, why=NOTHING if not prompts else "every candidate was refused")
    if scores[winner] <= before + config.gain:
        return replace(tried, why=f"no candidate is more than {config.gain:g} above {before:.3f}")
    weights = weights_of(model)
    tried = _bake(cycle, tried, winner, config)
    if tried.baked is None:
        model.load_state_dict(weights)
    else:
        done.befores[tried.name] = weights
    return tried


def _bake(cycle: Cycle, tried: Round, winner: str, config: CyclesConfig) -> Round:
    """The round with its winner baked, or with why that is to be taken back."""
    try:
        baked = cycle.bake(tried.name, tried.prompts[winner])
    except UserError as error:  # of this prompt: it silences the model, or is too long
        return replace(tried, refused={**tried.refused, winner: str(error)}, why=str(error))
    after, residual = cycle.score(""), asdict(baked.residual)
    if objection := _objection(tried.before, after, baked, config):
        return replace(tried, residual=residual, why=objection)
    return replace(tried, residual=residual, after=after, baked=winner)


def _scores(cycle: Cycle, prompts: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """Each candidate's score, or why it has none."""
    scores, refused = {}, {}
    for name, prompt in prompts.items():
        try:
            scores[name] = cycle.score(prompt)
        except UserError as error:
            refused[name] = str(error)
    return scores, refused


def _objection(before: float, after: float, baked: Baked, config: CyclesConfig) -> str:
    """Why a bake is taken back; nothing where it stays."""
    if after <= before + config.gain:
        return f"baked, it scores {after:.3f} without the prompt and {before:.3f} before"
    if not baked.residual.ratio <= config.residual:
        return f"the bake left {baked.residual.ratio:.3f} of the prompt's effect, at most {config.residual:g}"
    return ""


def _record(context: StepContext, model: PreTrainedModel, done: Cycled, one: Round) -> None:
    """The round as curves and as a checkpoint, whole or not there at all; its training's own ones go."""
    context.metric(f"score/{one.cycle}", one.after, one.number + 1)
    context.metric(f"score/{one.cycle}", done.reached(one.cycle)[0], 0)
    for name, score in one.scores.items():
        context.metric(f"prompted/{one.cycle}/{name}", score, one.number)
    state = {
        "weights": dict(model.state_dict()),
        "befores": done.befores,
        "rounds": [asdict(each) for each in done.rounds],
    }
    save_checkpoint(context.checkpoint / "cycles", len(done.rounds), state, keep=1)
    remove_tree(context.checkpoint / one.name)
    if context.stop_requested():
        raise Paused(f"paused after round {one.number} of {one.cycle}; resume to go on")


def _restored(context: StepContext, model: PreTrainedModel) -> Cycled:
    kept = load_newest(context.checkpoint / "cycles")
    if kept is None:
        return Cycled()
    model.load_state_dict(kept.state["weights"])
    rounds = [Round(**one) for one in kept.state["rounds"]]
    return Cycled(rounds, kept.state["befores"])
