"""bloomery specialize: experts beside a model's weights, for the kinds of tasks that it finds."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    print_json,
)
from bloomery.cli.tables import print_fields, print_table, say
from bloomery.cli.training import (
    Batch,
    Every,
    Part,
    Rate,
    Seed,
    exam_of,
    given_folder,
    graded_mixture,
    training,
)
from bloomery.cli.wording import number, size
from bloomery.forge.experts.settings import (
    FEWEST,
    MOST,
    DesignSearchConfig,
    Dispatch,
    FindConfig,
    TeachConfig,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bloomery.forge.experts.looking import Gained

Fewest = Annotated[
    int, typer.Option(help="Fewest experts; how many there are is measured.", min=FEWEST, max=MOST)
]
Most = Annotated[int, typer.Option(help="Most experts.", min=FEWEST, max=MOST)]
Layers = Annotated[
    list[str],
    typer.Option("--layer", help="Linear layers that experts turn, by pattern (*.mlp.*). Default: all."),
]
Rank = Annotated[
    int, typer.Option(help="Singular values of a layer that are turned, the largest; 0: all.", min=0)
]
Probe = Annotated[int, typer.Option(help="Steps that try what helps a task at a difficulty.", min=1)]
Objective = Annotated[
    Literal["reinforce", "supervised"],
    typer.Option(help="Learn from the reward of sampled answers, or from the right answers."),
]
Dispatching = Annotated[
    Dispatch, typer.Option(help="Who sends a prompt to its expert; cem: a mixture for each kind, besides.")
]
Steps = Annotated[int, typer.Option(help="Optimizer steps of each expert.", min=1)]
Samples = Annotated[int, typer.Option(help="reinforce: answers drawn for each prompt.", min=2)]
Kl = Annotated[float, typer.Option(help="Weight of the divergence from the given model, nats.", min=0)]
Generations = Annotated[int, typer.Option(help="Generations of the search for a design.", min=0, max=100)]
Population = Annotated[int, typer.Option(help="Designs in a generation.", min=2, max=50)]
Judging = Annotated[int, typer.Option("--examples", help="Examples a task that judge a design.", min=1)]
Within = Annotated[
    float, typer.Option(help="Share of answers that a cheaper design may lose to the best one.", min=0, max=1)
]


def specialize(
    base: Base,
    output: Output,
    task: Tasks = [],
    difficulty: Difficulties = [],
    fewest: Fewest = FindConfig.fewest,
    most: Most = FindConfig.most,
    layer: Layers = [],
    rank: Rank = FindConfig.rank,
    probe_steps: Probe = FindConfig.probe_steps,
    objective: Objective = TeachConfig.objective,
    dispatch: Dispatching = TeachConfig.dispatch,
    steps: Steps = TeachConfig.steps,
    lr: Rate = TeachConfig.lr,
    batch: Batch = TeachConfig.prompts,
    samples: Samples = TeachConfig.samples,
    kl: Kl = TeachConfig.kl,
    checkpoint_every: Every = TeachConfig.checkpoint_every,
    generations: Generations = DesignSearchConfig.generations,
    population: Population = DesignSearchConfig.population,
    examples: Judging = DesignSearchConfig.examples,
    within: Within = DesignSearchConfig.within,
    seed: Seed = 0,
    count: Count = 256,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Find the kinds of tasks that help one another, and teach an expert for each; packed models, too.

    The weights stay; experts are a small file beside them, and a first pass says whose a prompt is. The
    design that is written is chosen by accuracy, operations and bytes, and may do without experts. Stopped or
    killed, the same command goes on from the last checkpoint.
    """
    from bloomery.forge.experts.specialized_folder import specialize_folder
    from bloomery.forge.stages.experts import ExpertsStageConfig, work

    config = ExpertsStageConfig(
        mixture=graded_mixture(task, difficulty), exam=exam_of(count), random_search=False,
        find=FindConfig(fewest=fewest, most=most, layers=tuple(layer) or FindConfig.layers, rank=rank,
                        probe_steps=probe_steps),
        teach=TeachConfig(objective=objective, dispatch=dispatch, steps=steps, prompts=batch, samples=samples,
                          lr=lr, kl=kl, checkpoint_every=checkpoint_every),
        search=DesignSearchConfig(generations=generations, population=population, examples=examples,
                                  within=within),
    )  # fmt: skip
    folder = given_folder(base, output, workspace)
    times = {"find": 1, "teach": 1, "search": generations + 1}
    amounts = work(config)
    with training({name: Part(amounts[name], many) for name, many in times.items()}) as watch:
        table, gained = specialize_folder(folder, output, config, seed=seed, watch=watch)
    if as_json:
        passes = gained.passes._asdict()
        shipped = {"before": gained.before._asdict(), "after": gained.shipped._asdict()}
        print_json({"folder": output, "experts": gained.found.kinds, "gains": gained.found.gains,
                    "passes": passes, **shipped, "design": table["design"], "front": table["front"],
                    "evaluations": table["evaluations"]})  # fmt: skip
        return
    print_fields([("model", output), *_told(table, gained)])
    _print(gained)


def _told(table: "Mapping[str, Any]", gained: "Gained") -> list[tuple[str, str]]:
    from bloomery.forge.experts.searching import design_of

    how = "with experts" if design_of(table).turns else "without experts"
    kinds = enumerate(gained.found.kinds, start=1)
    gains = (f"{many}: {number(gain)}" for many, gain in gained.found.gains.items())
    return [
        ("experts", "; ".join(f"{place}: {', '.join(kind)}" for place, kind in kinds)),
        ("gain by number", f"{', '.join(gains)} (of the loss, cross-validated)"),
        ("design", f"{table['design']['strategy']}, {how}, of {table['evaluations']} tried"),
    ]


def _print(gained: "Gained") -> None:
    passes = gained.passes
    rows = [
        ["no experts", passes.none],
        ["all experts alike", passes.uniform],
        ["two passes: a prompt's own expert", passes.two_pass],
        ["a dispatcher that is never wrong", passes.oracle],
    ]
    print_table(["answered with", "accuracy"], rows, title="\nheld-out examples, mean over tasks")
    say(f"{number(passes.dispatch)} of {passes.prompts} prompts are sent to their own expert; the commonest "
        f"expert has {number(passes.commonest)}")  # fmt: skip
    before, after = gained.before, gained.shipped
    print_table(
        ["", "before", "after"],
        [["accuracy", before.accuracy, after.accuracy],
         ["operations a token", number(before.flops), number(after.flops)],
         ["weights and experts on disk", size(before.size), size(after.size)]],
        title="\nthe design that was written, held-out examples",
    )  # fmt: skip
