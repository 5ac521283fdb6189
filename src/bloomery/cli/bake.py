"""bloomery bake: what a prompt does becomes a part of a model's weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bloomery.cli.asking import asked_of, opened_to_bake, prompt_of
from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Base,
    Count,
    Difficulties,
    Output,
    WorkspacePath,
    print_json,
)
from bloomery.cli.quality import rate
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
from bloomery.cli.wording import size
from bloomery.forge.baking.settings import BakeConfig, LoraConfig
from bloomery.training.config import TrainConfig
from bloomery.training.presets import PRESETS

if TYPE_CHECKING:
    from bloomery.forge.baking.bake import Baked
    from bloomery.forge.baking.looking import Became
    from bloomery.forge.settings import FitConfig

LOOKS = 10  # at how far it has come, where a strength ends the training
Prompt = Annotated[str | None, typer.Option("--prompt", "-p", help="What is baked in.")]
PromptFile = Annotated[Path | None, typer.Option(help="The same from a UTF-8 text, to its last character.")]
Tasks = Annotated[
    list[str], typer.Option("--task", "-t", help="A task whose prompts are asked; may be given often.")
]
Questions = Annotated[
    Path | None,
    typer.Option(help="What is asked, one a line: every second line is learned, the rest held out."),
]
ControlTasks = Annotated[
    list[str],
    typer.Option("--control-task", help="A task that the prompt does not concern; may be given often."),
]
Controls = Annotated[
    Path | None, typer.Option(help="The same as a text, one a line: what is to be answered as before.")
]
Learned = Annotated[int, typer.Option("--queries", help="Prompts to learn from; 48 others measure.", min=1)]
Mode = Annotated[
    Literal["full", "lora"],
    typer.Option(help="Which weights move: all, or a low-rank change (needs the extra lora)."),
]
Rank = Annotated[int | None, typer.Option(help="lora: rank of each layer's change. Default: 16.", min=1)]
Alpha = Annotated[int | None, typer.Option(help="lora: it is scaled by alpha / rank. Default: 32.", min=1)]
PerQuery = Annotated[int, typer.Option(help="Answers sampled for each question.", min=1)]
NewTokens = Annotated[int, typer.Option(help="Tokens of an answer, at most.", min=1)]
Temperature = Annotated[float, typer.Option(help="Of the sampling; 1: as the model answers.", min=0.01)]
Strength = Annotated[
    float | None,
    typer.Option(
        help="Half-bake: stop where so much of the effect is in. Default: at the end.", min=0, max=1
    ),
]
Rounds = Annotated[int, typer.Option(help="Pursue the prompt: prompt the baked model, bake again.", min=1)]
Packed = Annotated[bool, typer.Option("--packed", help="Of latent weights write the trits that ship.")]


def bake(
    base: Base,
    output: Output,
    prompt: Prompt = None,
    prompt_file: PromptFile = None,
    task: Tasks = [],
    difficulty: Difficulties = [],
    questions: Questions = None,
    control_task: ControlTasks = [],
    controls: Controls = None,
    queries: Learned = 96,
    mode: Mode = BakeConfig.mode,
    rank: Rank = None,
    alpha: Alpha = None,
    per_query: PerQuery = BakeConfig.per_query,
    max_new_tokens: NewTokens = BakeConfig.max_new_tokens,
    temperature: Temperature = BakeConfig.temperature,
    strength: Strength = None,
    rounds: Rounds = 1,
    packed: Packed = False,
    steps: Steps = 60,
    lr: Rate = PRESETS["baking"].lr,
    batch: Batch = TrainConfig.micro_batch,
    seq_len: SeqLen = 128,
    checkpoint_every: Every = TrainConfig.checkpoint_every,
    seed: Seed = 0,
    count: Count = 256,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Train a model until without a prompt it answers as it did with it; on full or latent weights.

    It learns from answers that it samples under the prompt to questions of tasks or of a text. On held-out
    questions is measured how much of the prompt's effect is left, and how far other answers have drifted.
    Stopped or killed, the same command goes on from the last checkpoint.
    """
    from bloomery.forge.baking.baked_folder import bake_folder
    from bloomery.forge.baking.looking import became, check_fits, queries_of

    words = prompt_of(prompt, prompt_file)
    config = BakeConfig(
        mode=mode, lora=_lora(mode, {"rank": rank, "alpha": alpha}), per_query=per_query,
        max_new_tokens=max_new_tokens, temperature=temperature, strength=strength,
    )  # fmt: skip
    fitting = _fitting(config, steps=steps, lr=lr, batch=batch, seq_len=seq_len,
                       checkpoint_every=checkpoint_every)  # fmt: skip
    folder = given_folder(base, output, workspace)
    model, tokenizer = opened_to_bake(folder, packed=packed)
    asked = asked_of(task, difficulty, questions, tokenizer, queries, seed, "--task NAME or --questions FILE")
    beside = asked_of(control_task, [], controls, tokenizer, queries, seed)
    mixture = graded_mixture(task, difficulty) if task else {}
    check_fits(model, tokenizer, words, asked, beside, config, mixture, exam_of(count))
    del model  # what is baked is read anew
    with training({"bake": Part(fitting.work(), rounds)}) as watch:
        baked = bake_folder(
            folder, output, words, queries_of(asked, beside), fitting=fitting, config=config, rounds=rounds,
            packed=packed, seed=seed, watch=watch,
        )  # fmt: skip
    found = became(folder, output, words, asked, beside, config, mixture, exam_of(count))
    _show(folder, output, words, baked, found, as_json=as_json)


def _lora(mode: str, options: dict[str, int | None]) -> LoraConfig:
    """Raises: UserError for options that nothing reads."""
    from bloomery.core.errors import UserError

    given = {name: value for name, value in options.items() if value is not None}
    if given and mode != "lora":
        names = ", ".join(f"--{name}" for name in given)
        raise UserError(f"{names}: of a low-rank change, and all weights move; give --mode lora, or leave it")
    return LoraConfig(**given)


def _fitting(config: BakeConfig, *, steps: int, **numbers: Any) -> "FitConfig":
    from dataclasses import replace

    from bloomery.forge.fine_tuning import fine_tuning

    looks = None if config.strength is None else max(1, steps // LOOKS)
    fitting = fine_tuning({}, preset="baking", steps=steps, evaluate_every=looks, **numbers)
    return fitting if config.mode == "full" else replace(fitting, optimizer="adamw")


def _show(
    base: Path, output: Path, prompt: str, baked: "list[Baked]", found: "Became", *, as_json: bool
) -> None:
    from bloomery.forge.baking.looking import mean_or_none
    from bloomery.forge.packed_folder import weights_size

    left, sizes = found.residual, [weights_size(folder) for folder in (base, output)]
    if as_json:
        ratio = {"ratio": left.ratio, "strength": left.strength}
        print_json({"folder": output, "prompt": prompt, "rounds": baked, "residual": {**vars(left), **ratio},
                    "drift": found.drift, "prompted": found.prompted, "weight_bytes": sizes,
                    "before": told(found.before), "after": told(found.after)})  # fmt: skip
        return
    trained = " and ".join(_work(one) for one in baked)
    print_fields([("model", output), ("prompt", repr(prompt)), ("baked", f"in {trained}")])
    rows: list[list[Any]] = [
        ["residual ratio: of the prompt's effect is left", 1.0, left.ratio],
        ["strength", 0.0, left.strength],
        ["KL from the prompted model, nats a token", left.base, left.baked],
        *([] if found.drift is None else [["drift on controls, of the effect", 0.0, found.drift]]),
        *([f"accuracy: {task}", rate(found.before[task]), rate(one)] for task, one in found.after.items()),
        ["weights on disk", *map(size, sizes)],
    ]
    print_table(["", "before", "after"], rows, title="\nwhat became of it, on held-out questions")
    if found.prompted is not None:
        say(f"mean accuracy: {_three(mean_or_none(found.before), found.prompted, mean_or_none(found.after))}")
    if found.drift is None:
        say("drift: not measured; --control-task NAME or --controls FILE say what is to stay as it was")


def _work(one: "Baked") -> str:
    left_out = f" ({one.left_out} answers longer than --seq-len left out)" if one.left_out else ""
    return f"{one.steps} steps on {one.trained_tokens} tokens{left_out}"


def _three(before: float | None, prompted: float, after: float | None) -> str:
    from bloomery.cli.wording import shown

    return f"{shown(before)} before, {shown(prompted)} before under the prompt, {shown(after)} after"
