"""The configs of a project: its sizes by the plan, and beside them what a paper states of its own."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath

from bloomery.papers.context import Context
from bloomery.papers.planning import Plan
from bloomery.papers.planning.judged import Sizes
from bloomery.papers.planning.parts import folders

DEFAULT, EXTENDED = "configs/default.yaml", "configs/extension.yaml"
WARMUP_SHARE = 50  # of the steps
LARGE_RATE = 1e-3  # for what is wider than the small model
SMALL_WIDTH = 64


def configs(plan: Plan, contexts: Mapping[str, Context], render: Callable[..., str]) -> dict[str, str]:
    """By path."""
    sizes = {config.path: config.sizes for config in plan.configs}
    homes = {home: paper for paper, home in folders(contexts).items()}
    found = {}
    for file in plan.files:
        if file.kind != "config":
            continue
        own = homes.get(PurePosixPath(file.path).stem) if file.path not in sizes else None
        values = _values(sizes.get(file.path) or sizes[DEFAULT])
        values |= {"model": PurePosixPath(file.path).stem} if own else {}
        values |= {"extension": "true"} if file.path == EXTENDED else {}
        comments = _stated(contexts[own]) if own else []
        found[file.path] = render("configs/config.yaml", about=file.purpose, values=values, comments=comments)
    return found


def _values(sizes: Sizes) -> dict[str, object]:
    rate = {} if sizes.width <= SMALL_WIDTH else {"learning_rate": LARGE_RATE}
    return asdict(sizes) | rate | {"warmup": max(10, sizes.steps // WARMUP_SHARE)}


def _stated(context: Context) -> list[str]:
    """The paper's own settings, where it states any."""
    lines = [
        f"- {one.group}: {one.name} = {one.value or 'not stated'}"
        + (f" ({one.reference})" if one.reference else "")
        for one in context.hyperparameters
    ]
    return ["The sizes are those of the default; the paper states:", *lines] if lines else []
