"""bloomery eval: the accuracy of any causal language model on verifiable tasks."""

from typing import Annotated

import typer

from bloomery.cli.options import (
    DEFAULT_WORKSPACE,
    AsJson,
    Count,
    Difficulties,
    ExamSeed,
    WorkspacePath,
    opened,
    print_json,
)
from bloomery.cli.tables import print_table
from bloomery.cli.wording import number


def evaluate(
    model: Annotated[
        str, typer.Argument(help="A folder of a Hugging Face causal LM, a CID, or a model's name.")
    ],
    task: Annotated[
        list[str], typer.Option("--task", "-t", help="A task; may be given often. Default: all.")
    ] = [],
    count: Count = 256,
    difficulty: Difficulties = [],
    seed: ExamSeed = 7,
    recursion_steps: Annotated[
        int | None, typer.Option(help="Cognate: a fixed depth, no halting.", min=1)
    ] = None,
    without_memory: Annotated[
        bool, typer.Option("--without-memory", help="Cognate: write nothing to memory.")
    ] = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Measure exact-match accuracy on held-out examples, with chance level and 95 % interval.

    No training saw them; a forge run may have chosen between candidates by some of them. What is untouched
    by its choices stands in the run's own evidence.
    """
    from bloomery.forge import evaluation

    results = evaluation.evaluate(
        opened(workspace), model, task, count=count, difficulties=difficulty, seed=seed,
        recursion_steps=recursion_steps, memory=not without_memory,
    )  # fmt: skip
    if as_json:
        print_json(
            {"model": model, "results": {name: {**vars(r), "rate": r.rate} for name, r in results.items()}}
        )
        return
    print_table(
        ["task", "accuracy", "95 % interval", "chance", "right", "of", "depth"],
        [
            [one.benchmark, one.rate, f"{number(one.low)} to {number(one.high)}", one.chance, one.correct,
             one.total, one.answer_steps]
            for one in results.values()
        ],
    )  # fmt: skip
