"""Merging parents into a champion: soups, the champion, and what is claimed of it.

Each function here is a step: a function of its context alone. `on` in its config says on what candidates are
examined; its input `model` is that whose config and tokenizer a merge gets.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from bloomery.core import machine
from bloomery.core.config import build, to_plain
from bloomery.core.engine import values_of
from bloomery.core.step import StepContext
from bloomery.forge.evolving.soups import Soup, greedy_soup, uniform_soup
from bloomery.forge.evomerge.examining import Bench, bench_of, examine, fitness, weights_of
from bloomery.forge.evomerge.space import soup_recipe
from bloomery.forge.exams import plain, record_by_difficulty
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.measuring import count_parameters
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.sitting import Results


def cook_soups(context: StepContext) -> None:
    """The parents alone, their uniform soup and their greedy soup, on the selection examples."""
    bench, names = _bench(context), tuple(context.config["on"]["parents"])
    alone = examined(context, bench, dict(zip(names, bench.parents, strict=True)))
    for name, results in alone.items():
        record_by_difficulty(context, name, results)
    fit = {name: fitness(results) for name, results in alone.items()}

    def taste(members: tuple[str, ...]) -> float:
        (results,) = examined(context, bench, {" + ".join(members): soup_recipe(members, names)}).values()
        return fitness(results)

    soups = {"uniform soup": uniform_soup(names, taste), "greedy soup": greedy_soup(fit, taste)}
    found = {"parents": fit, "soups": {name: _soup(soup, names) for name, soup in soups.items()}}
    (context.output / "soups.json").write_text(json.dumps(found, indent=1, sort_keys=True))


def merge_champion(context: StepContext) -> None:
    """The model that the lineage's recipe stands for."""
    set_threads(machine.threads())
    recipe, bench = recipe_in(context, "lineage"), _bench(context)
    model, tokenizer = load_model(context.inputs["model"])
    model.load_state_dict(merge(recipe, [weights_of(one) for one in bench.parents], weights_of(bench.base)))
    context.facts |= {"parameters": count_parameters(model), "merged by": " + ".join(recipe.methods)}
    save_model(model, tokenizer, context.output / "model")


def claim(context: StepContext) -> None:
    """The champion from disk on the selection examples, and the recipes of its rivals, for the consumer."""
    bench = _bench(context)
    results = examined(context, bench, {"champion": str(context.inputs["champion"])})
    soups = json.loads(context.inputs["soups"].read_text())["soups"]
    rivals = {name: soup["recipe"] for name, soup in soups.items()}
    if "drawn" in context.inputs:
        rivals["random search"] = to_plain(recipe_in(context, "drawn"))
    claims = {
        "best": "champion",
        "scores": {name: plain(result) for name, result in results.items()},
        "rivals": rivals,
    }
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))


def examined(
    context: StepContext, bench: Bench, candidates: Mapping[str, MergeRecipe | str]
) -> dict[str, Results]:
    """Every candidate's accuracies. Raises: Failure naming those that could not be examined."""
    outcomes = context.map(partial(examine, bench=bench), candidates)
    return values_of(outcomes, "be examined")


def recipe_in(context: StepContext, lineage: str) -> MergeRecipe:
    """The recipe of the champion in a lineage's file."""
    return build(MergeRecipe, json.loads(context.inputs[lineage].read_text())["recipe"])


def _bench(context: StepContext) -> Bench:
    return bench_of(context.inputs, part="selection", **context.config["on"])


def _soup(soup: Soup, parents: tuple[str, ...]) -> dict[str, Any]:
    recipe = to_plain(soup_recipe(soup.members, parents))
    return {"members": list(soup.members), "fitness": soup.fitness, "tried": soup.tried, "recipe": recipe}
