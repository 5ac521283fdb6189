"""The step that searches for designs, resumable after every generation, and the one that ships the knee's."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from transformers.dynamic_module_utils import get_relative_import_files

from bloomery.core import machine
from bloomery.core.config import to_plain as plain_config
from bloomery.core.disk import write_atomically
from bloomery.core.engine import values_of
from bloomery.core.step import Paused, StepContext
from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.nsga import (
    Drawn,
    Judged,
    Nsga,
    best_front,
    evolve_front,
    from_plain,
    knee,
    to_plain,
)
from bloomery.forge.experts.designs import Design, DesignSpace
from bloomery.forge.experts.examining import Bench, Result, bench_of, design_space, examine, own_settings
from bloomery.forge.experts.settings import DesignSearchConfig
from bloomery.forge.experts.trimming import trimmed
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import is_packed
from bloomery.models.packed import modeling_packed
from bloomery.models.packed.experts import FILE, read, to_bytes

OBJECTIVES = ("error", "operations a token", "bytes")
ETA = 2.0  # steps of some tenths: a layer is dropped a quarter away from the middle


def search_designs(context: StepContext) -> None:
    """Designs that nobody beats in accuracy, operations and bytes at once, and the knee among the accurate.

    With `random` they are drawn instead, as many.
    """
    set_threads(machine.threads())
    config: DesignSearchConfig = context.config["search"]
    bench = bench_of(
        context.inputs, context.config["mixture"], context.config["exam"], "selection",
        examples=config.examples,
    )  # fmt: skip
    designs = design_space(bench, config)
    words: dict[str, Any] = {"space": designs.space, "seed": context.seed, "size": config.population}
    kept = context.checkpoint / "table.json"
    found = evolve_front(
        Drawn(**words) if context.config["random"] else Nsga(**words, eta=ETA, essence=designs.essence),
        partial(_objectives, context, bench, designs),
        designs.first(),
        config.generations,
        history=from_plain(json.loads(kept.read_text())) if kept.exists() else (),
        after=partial(_after_generation, context),
    )
    front, chosen = best_front(found), choose(found, config.within, config.bytes)
    context.facts |= {"evaluations": len(found), "front": len(front)}
    table = {
        "front": [one.name for one in front],
        "knee": chosen.name,
        "design": plain_config(designs.design(chosen.genome)),
        "objectives": list(OBJECTIVES),
        "evaluations": len(found),
        "individuals": to_plain(found),
    }
    (context.output / "designs.json").write_text(json.dumps(table, indent=1, sort_keys=True))


def choose(found: Sequence[Judged], within: float, most: float = inf) -> Judged:
    """The knee of the front's designs that are no worse than the first one (the model as it was given),
    that make at most `within` more errors than the best, and whose bytes are at most `most` times the
    first one's: what is larger is not looked at, however right it is."""
    front = [one for one in best_front(found) if one.objectives[2] <= most * found[0].objectives[2]]
    worst = min(found[0].objectives[0], min(one.objectives[0] for one in front) + within)
    return knee([one for one in front if one.objectives[0] <= worst])


def _objectives(
    context: StepContext, bench: Bench, designs: DesignSpace, named: Mapping[str, Genome]
) -> dict[str, tuple[float, ...]]:
    asked = {name: designs.design(genome) for name, genome in named.items()}
    results: dict[str, Result] = values_of(context.map(partial(examine, bench=bench), asked), "be examined")
    return {name: (1 - one.accuracy, one.flops, float(one.size)) for name, one in results.items()}


def _after_generation(context: StepContext, history: list[Judged]) -> None:
    number, front = history[-1].generation, best_front(history)
    context.metric("front/designs", len(front), number)
    context.metric("front/best_accuracy", 1 - min(one.objectives[0] for one in front), number)
    context.metric("front/fewest_operations", min(one.objectives[1] for one in front), number)
    for place, one in enumerate(history):
        if one.generation == number:
            _record(context, one, place)
    write_atomically(context.checkpoint / "table.json", json.dumps(to_plain(history)).encode())
    if context.stop_requested():
        raise Paused(f"paused after generation {number}; resume to go on")


def _record(context: StepContext, one: Judged, place: int) -> None:
    """An individual in the catalog, under its place in the table; its genes stand in the table alone."""
    context.metric("individual/generation", one.generation, place)
    for name, value in zip(OBJECTIVES, one.objectives, strict=True):
        context.metric(f"individual/{name}", value, place)


def design_of(table: Mapping[str, Any]) -> Design:
    """The knee's, from a designs.json."""
    told: dict[str, Any] = table["design"]
    return Design(**{**told, "weights": tuple(told["weights"]), "strengths": tuple(told["strengths"])})


def ship(context: StepContext) -> None:
    """The given folder with the chosen design's experts beside its weights."""
    design = design_of(json.loads(context.inputs["designs"].read_text()))
    write_folder(context.inputs["model"], context.inputs["experts"], design, context.output / "model")


def write_folder(base: Path, experts: Path, design: Design, folder: Path) -> None:
    """A copy of the model's folder that answers as the design says; its weights are not touched."""
    folder.mkdir()
    for path in sorted(path for path in base.iterdir() if path.is_file()):  # downloads leave folders, too
        shutil.copyfile(path, folder / path.name)
    if is_packed(folder):  # whoever packed it may have had an older loader
        head = Path(modeling_packed.__file__)
        for path in [head, *map(Path, get_relative_import_files(head))]:
            shutil.copyfile(path, folder / path.name)
    cut = trimmed(read(experts), design, own_settings(load_model(base)[0]))
    if cut is not None:
        (folder / FILE).write_bytes(to_bytes(cut))
