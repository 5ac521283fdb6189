"""bloomery config: what takes effect, and where each value came from."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from bloomery.cli.options import AsJson, Overrides, print_json
from bloomery.cli.tables import print_table

app = typer.Typer(help="Recipes: what takes effect, and where each value came from.", no_args_is_help=True)
Line = tuple[str, str]  # what is said, and where it came from
NOT_WORDS = {"true", "false", "null"}
WIDEST = 44  # columns before the origins, so that most lines stay within 80


@app.command()
def show(
    recipe: Annotated[str, typer.Argument(help="A path, or a packaged recipe such as forge/quickstart.")],
    overrides: Overrides = [],
    as_json: AsJson = False,
) -> None:
    """Print a recipe as it takes effect, defaults too, with the origin of each value; it is YAML itself."""
    from bloomery.core.config import load_recipe, settings
    from bloomery.forge.pipeline import plan

    origin = load_recipe(recipe, overrides).origin
    values = plan(recipe, overrides).to_plain()
    if as_json:
        print_json(settings(values, origin))
        return
    lines = list(_lines(values, origin))
    width = max(len(said) for said, _ in lines if len(said) < WIDEST)
    for said, came_from in lines:
        typer.echo(f"{said:<{width}}  # {came_from}" if came_from else said)


@app.command("list")
def list_recipes(as_json: AsJson = False) -> None:
    """List the packaged recipes."""
    from bloomery.core.config import recipes

    found = {name: str(path) for name, path in recipes().items()}
    if as_json:
        print_json(found)
    else:
        print_table(["recipe", "file"], list(found.items()))


def _lines(
    values: Mapping[str, Any], origin: Mapping[str, str], path: tuple[str, ...] = ()
) -> Iterator[Line]:
    """Nested YAML; a list stays on one line."""
    from bloomery.core.recipe import origin_of

    indent = "  " * len(path)
    for key, value in values.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:", ""
            yield from _lines(value, origin, here)
        else:
            yield f"{indent}{key}: {_yaml(value)}", origin_of(".".join(here), origin)


def _yaml(value: Any) -> str:
    plain_word = isinstance(value, str) and value.isidentifier() and value.lower() not in NOT_WORDS
    return str(value) if plain_word else json.dumps(value)
