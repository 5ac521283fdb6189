"""Shipping: the model's folder, with a card of what was measured, in a form that no clock can change."""

from collections.abc import Mapping
from typing import Any

from bloomery.core.closure import Deferred
from bloomery.core.errors import GateFailed
from bloomery.core.evidence import Bar, Check, Evidence, State, gate
from bloomery.core.run import Run

RELOADS = Check(
    name="loads in plain transformers", bar=Bar(op="<=", value=0.0), unit="logits",
    meaning="largest difference of a logit between the model here and its folder, loaded by "
    "AutoModelForCausalLM in a process that cannot import this package; no value where its `generate` fails "
    "there or its first greedy token is not one of largest logit",
)  # fmt: skip


def ship(run: Run, model: str, card: Mapping[str, Any]) -> str:
    """The CID of the folder to hand out: the model with its card.

    Raises: GateFailed where the folder is not the same model to a stranger.
    """
    result = run.step(
        "ship",
        Deferred("bloomery.forge.packing", "write_folder"),
        config={"name": run.recipe, **card},
        inputs={"model": model},
    )
    verdict = gate(result.evidence, [RELOADS])
    if not verdict.passed:
        run.roll_back(result, "; ".join(verdict.reasons))
        raise GateFailed(f"the model's folder is not the model: {'; '.join(verdict.reasons)}")
    return result.outputs["shipped"]


def card_row(item: Evidence) -> dict[str, Any]:
    """What of a piece of evidence is the same on every machine that does the same arithmetic."""
    measured = "" if item.measured is None else f"{item.measured:.4g}"
    interval = "" if item.interval is None else f"{item.interval[0]:.3f} to {item.interval[1]:.3f}"
    return {
        "check": item.check,
        "state": str(item.state),
        "measured": measured if item.state is not State.NOT_RUN else item.reason,
        "unit": item.unit if item.state is not State.NOT_RUN else "",
        "interval": interval,
        "chance": "" if item.chance is None else f"{item.chance:.3f}",
        "bar": item.bar,
        "required": item.required,
    }
