"""bloomery think: a model is taught to think before it answers, and whether that is worth anything."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Base,
    Count,
    Difficulties,
    Output,
    Tasks,
    WorkspacePath,
    plain,
    print_json,
)
from bloomery.cli.tables import print_fields, print_table, say
from bloomery.cli.training import (
    Batch,
    Every,
    Part,
    Rate,
    Seed,
    SeqLen,
    Steps,
    exam_of,
    given_folder,
    graded_mixture,
    told,
    training,
)
from bloomery.cli.wording import number
from bloomery.forge.quietstar.conditions import Condition
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.tasks.chains.chain import STRATEGIES
from bloomery.training.config import TrainConfig
from bloomery.training.presets import PRESETS

if TYPE_CHECKING:
    from bloomery.forge.quietstar.examining import Thinking
    from bloomery.forge.quietstar.looking import Worth
    from bloomery.forge.settings import FitConfig
    from bloomery.tasks.accuracy import Accuracy

CALLED: dict[Condition, str] = {
    "without": "at once",
    "own": "own thoughts",
    "shuffled": "other examples' thoughts",
    "permuted": "own thoughts' tokens in another order",
    "filler": "filler, as many tokens",
}
WORTH_IT = "the thoughts are worth it: better than none, than others' and than filler"
NOT_SHOWN = "the thoughts are not shown to be worth it: a gain over none, others' or filler may be 0"
Strategies = Annotated[
    list[str],
    typer.Option("--strategy", metavar="|".join(STRATEGIES), help="May be given often. Default: all."),
]
Tokens = Annotated[int, typer.Option(help="Tokens of a thought, at most.", min=1)]
Direct = Annotated[float, typer.Option(help="Share of examples answered at once.", min=0, max=1)]
Filler = Annotated[float, typer.Option(help="Share answered after what says nothing.", min=0, max=1)]
Reinforce = Annotated[int, typer.Option(help="Steps of reinforcement after the teaching; 0: none.", min=0)]
Thoughts = Annotated[
    int | None, typer.Option(help="Reinforcement: thoughts compared at a place. Default: 4.", min=2)
]
Ahead = Annotated[
    int | None, typer.Option(help="Reinforcement: next tokens that judge a thought. Default: 8.", min=1)
]


def think(
    base: Base,
    output: Output,
    task: Tasks = [],
    difficulty: Difficulties = [],
    strategy: Strategies = [],
    tokens: Tokens = ThoughtsConfig.tokens,
    direct: Direct = ThoughtsConfig.direct,
    filler: Filler = ThoughtsConfig.filler,
    steps: Steps = 400,
    reinforce: Reinforce = 0,
    thoughts: Thoughts = None,
    ahead: Ahead = None,
    lr: Rate = PRESETS["quietstar"].lr,
    batch: Batch = TrainConfig.micro_batch,
    seq_len: SeqLen = 128,
    checkpoint_every: Every = TrainConfig.checkpoint_every,
    seed: Seed = 0,
    count: Count = 256,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Teach a model in full precision to think before it answers, on correct chains of thought of tasks.

    The folder loads as the model did, with two more tokens: what is between them is a thought. Held-out
    examples say what its own thoughts are worth over none, over those of other examples and over filler.
    Stopped or killed, the same command goes on from the last checkpoint.
    """
    from bloomery.forge.fine_tuning import fine_tuning
    from bloomery.forge.quietstar.looking import answered_before, thought_after
    from bloomery.forge.quietstar.taught_folder import think_folder
    from bloomery.forge.stages.quietstar import QuietstarStageConfig

    mixture, exam = graded_mixture(task, difficulty), exam_of(count)
    numbers: dict[str, Any] = {"preset": "quietstar", "seq_len": seq_len, "lr": lr, "batch": batch,
                               "checkpoint_every": checkpoint_every}  # fmt: skip
    teaching = fine_tuning({}, steps=steps, **numbers)
    learn = _reinforcement(
        fine_tuning({}, steps=reinforce, **numbers) if reinforce else None,
        {"thoughts": thoughts, "ahead": ahead}, tokens,
    )  # fmt: skip
    words = ThoughtsConfig(
        strategies=dict.fromkeys(strategy or STRATEGIES, 1.0), direct=direct, filler=filler, tokens=tokens
    )
    QuietstarStageConfig(mixture=mixture, fit=teaching, reinforce=learn, thoughts=words)  # whether it can be
    learn = None if learn is None else learn.on(mixture)
    folder = given_folder(base, output, workspace)
    before = answered_before(folder, mixture, exam, tokens=tokens)
    parts = {"teach": Part(teaching.work())} | ({} if learn is None else {"reinforce": Part(learn.work())})
    with training(parts) as watch:
        think_folder(folder, output, teaching.on(mixture), words, reinforce=learn, seed=seed, watch=watch)
    _show({"folder": output, "steps": steps, "reinforced_steps": reinforce},
          before, thought_after(output, mixture, exam, tokens=tokens), as_json)  # fmt: skip


def _reinforcement(
    fit: "FitConfig | None", options: dict[str, int | None], tokens: int
) -> ReinforceConfig | None:
    """Raises: UserError for options that nothing reads."""
    from bloomery.core.errors import UserError

    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if fit is not None:
        return ReinforceConfig(fit=fit, length=tokens, **given)
    if given:
        names = ", ".join(f"--{name}" for name in given)
        raise UserError(f"{names}: of the reinforcement, and there is none; give --reinforce N, or leave out")
    return None


def _show(
    made: dict[str, Any], before: "dict[str, Accuracy]", after: "dict[str, Thinking]", as_json: bool
) -> None:
    from bloomery.forge.quietstar.looking import is_worth_it, worths

    worth = worths(after)
    if as_json:
        outcome = {
            task: {"accuracy": told(one.accuracy), "coherence": plain(one.coherence), "tokens": one.tokens,
                   "shown": one.shown}
            for task, one in after.items()
        }  # fmt: skip
        print_json(made | {"before": told(before), "after": outcome, "worth": worth,
                           "worth_it": is_worth_it(worth)})  # fmt: skip
        return
    trained = f"{made['steps']} steps of teaching, {made['reinforced_steps']} of reinforcement"
    print_fields([("model", made["folder"]), ("made", f"by {trained}")])
    for task, one in after.items():
        rows = [_row("before", before[task])]
        rows += [_row(called, one.accuracy[name]) for name, called in CALLED.items()]
        columns = ["answered", "accuracy", "95 % interval", "chance", "of"]
        print_table(columns, rows, title=f"\n{task}, held-out examples")
        ended, agreed = number(one.coherence.ended), number(one.coherence.agreed)
        say(f"thoughts: {number(one.tokens)} tokens by mean; {ended} end by themselves, {agreed} agree "
            "with the answer given")  # fmt: skip
    _print_worth(worth, worth_it=is_worth_it(worth))


def _row(called: str, result: "Accuracy") -> list[Any]:
    between = f"{number(result.low)} to {number(result.high)}"
    return [called, result.rate, between, result.chance, result.total]


def _print_worth(worth: "dict[Condition, Worth]", *, worth_it: bool) -> None:
    rows = [[CALLED[name], one.gain, f"{number(one.low)} to {number(one.high)}"]
            for name, one in worth.items()]  # fmt: skip
    print_table(["over", "gain", "95 % interval"], rows, title="\nwhat own thoughts are worth, all tasks")
    say(WORTH_IT if worth_it else NOT_SHOWN)
