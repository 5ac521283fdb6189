"""The step that searches for the best merge of some parents, resumable after every generation."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from statistics import fmean

from bloomery.core.config import to_plain
from bloomery.core.disk import write_atomically
from bloomery.core.step import Paused, Progress, StepContext
from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.history import (
    History,
    Individual,
    best,
    diversity,
    generation_of,
    history_from_plain,
    history_to_plain,
    last_generation,
)
from bloomery.forge.evolving.search import Limits, ended, evolve
from bloomery.forge.evolving.searches import search_of
from bloomery.forge.evolving.settings import SearchConfig
from bloomery.forge.evomerge.examining import Bench, bench_of, fitness, weights_of
from bloomery.forge.evomerge.family_tree import family_tree
from bloomery.forge.evomerge.parents import examined
from bloomery.forge.evomerge.space import MergeSpace
from bloomery.forge.merging.layers import depth_of


def search_merges(context: StepContext) -> None:
    """The best merge that the config's search finds on the selection examples, and all that it tried.

    With `evaluations` it ends after so many, and not before: for a comparison at equal evaluations.
    """
    bench = bench_of(context.inputs, part="selection", **context.config["on"])
    config = context.config["search"]
    merges = MergeSpace(len(bench.parents), depth_of(weights_of(bench.model)), context.seed)
    first = merges.first(_soups(context))
    limits = _limits(config, context.config["evaluations"])
    kept = context.checkpoint / "history.json"
    found = evolve(
        search_of(config, merges.space, context.seed),
        partial(_fitness_of, context, bench, merges, _generations(config, limits, len(first))),
        first,
        limits,
        history=history_from_plain(json.loads(kept.read_text())) if kept.exists() else (),
        after=partial(_after_generation, context),
    )
    context.facts |= {"evaluations": len(found), "ended by": ended(found, limits)}
    context.facts["graph"] = family_tree(found, best(found).name)
    _write(context, found, merges)


def _soups(context: StepContext) -> list[list[int]]:
    """The places of the soups' members among the parents."""
    names = list(context.config["on"]["parents"])
    soups = json.loads(context.inputs["soups"].read_text())["soups"]
    return [[names.index(name) for name in soup["members"]] for soup in soups.values()]


def _limits(config: SearchConfig, evaluations: int | None) -> Limits:
    return config.limits() if evaluations is None else Limits(evaluations=evaluations)


def _generations(config: SearchConfig, limits: Limits, first: int) -> int:
    """How many there may be after generation 0, for the progress."""
    if limits.evaluations is None:
        return config.generations
    return -(-max(0, limits.evaluations - first) // max(1, config.population))


def _fitness_of(
    context: StepContext, bench: Bench, merges: MergeSpace, generations: int, named: Mapping[str, Genome]
) -> dict[str, float]:
    number = int(next(iter(named)).partition(".")[0])
    watched = replace(context, watch=partial(_overall, context.watch, number, generations))
    results = examined(watched, bench, {name: merges.recipe(genome) for name, genome in named.items()})
    return {name: fitness(result) for name, result in results.items()}


def _overall(watch: Progress, number: int, generations: int, done: int, size: int, text: str) -> None:
    """A generation's progress as a part of the whole search's."""
    watch(number * size + done, (generations + 1) * size, f"candidate {text}")


def _after_generation(context: StepContext, history: History) -> None:
    number = last_generation(history)
    own = [one.fitness for one in generation_of(history, number)]
    context.metric("fitness/best", best(history).fitness, number)
    context.metric("fitness/mean_of_generation", fmean(own), number)
    context.metric("diversity/share_of_generation_0", diversity(history, number), number)
    write_atomically(context.checkpoint / "history.json", json.dumps(history_to_plain(history)).encode())
    if context.stop_requested():
        raise Paused(f"paused after generation {number}; resume to go on")


def _write(context: StepContext, found: list[Individual], merges: MergeSpace) -> None:
    champion = best(found)
    lineage = {
        "parents": list(context.config["on"]["parents"]),
        "champion": champion.name,
        "fitness": champion.fitness,
        "recipe": to_plain(merges.recipe(champion.genome)),
        "evaluations": len(found),
        "individuals": history_to_plain(found),
    }
    (context.output / "lineage.json").write_text(json.dumps(lineage, indent=1, sort_keys=True))
