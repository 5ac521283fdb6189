"""Models side by side: quality, bytes and latency, measured now on this machine, and what was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bloomery.core import machine
from bloomery.core.errors import UnknownName
from bloomery.core.workspace import Workspace
from bloomery.forge.compression.calibration_rows import Rows
from bloomery.forge.exams import evaluate_tasks, mean_rate
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.library import find_model, model_folder, recorded
from bloomery.forge.measuring import answer_latency_ms, count_parameters
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.perplexity import perplexity
from bloomery.tasks.accuracy import Accuracy

PROMPT = "1+2+3+4+5+6+7+8+9="  # of which the forward pass is timed, by every model's own tokenizer
WEIGHT_BYTES, PARAMETERS, LATENCY, MEAN = "weights on disk", "parameters", "latency, ms", "mean accuracy"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a model's folder is like, measured now."""

    parameters: int
    weight_bytes: int  # on disk, with all that describes them
    latency_ms: float  # median of one forward pass, batch of one
    accuracy: Mapping[str, Accuracy]  # on held-out examples
    perplexity: float | None = None  # of a text, where one was given

    def rows(self) -> dict[str, float]:
        """The values by what a table calls them."""
        found: dict[str, float] = {
            PARAMETERS: self.parameters, WEIGHT_BYTES: self.weight_bytes, LATENCY: self.latency_ms,
        }  # fmt: skip
        found |= {f"accuracy: {task}": result.rate for task, result in self.accuracy.items()}
        return found | ({MEAN: mean_rate(self.accuracy)} if len(self.accuracy) > 1 else {})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Row -> model -> value; a row that does not name a model does not know it of it."""

    measured: Mapping[str, Mapping[str, float]]
    recorded: Mapping[str, Mapping[str, Any]]


def look_at(
    folder: Path,
    tasks: Sequence[str] = (),
    *,
    count: int = 256,
    difficulties: Sequence[int] = (),
    seed: int = 7,
    text: Rows | None = None,
) -> Look:
    """A model's size and speed, its accuracy on held-out examples of these tasks, its perplexity of a text.

    Raises: MissingFile, UnknownName, FormatRefused, DamagedArtifact.
    """
    set_threads(machine.threads())
    model, tokenizer = load_model(folder)
    return Look(
        parameters=count_parameters(model),
        weight_bytes=weights_size(folder),
        latency_ms=answer_latency_ms(model, tokenizer, PROMPT).value,
        accuracy=evaluate_tasks(model, tokenizer, tasks, count=count, difficulties=difficulties, seed=seed)
        if tasks
        else {},
        perplexity=None if text is None else perplexity(model, text(tokenizer)),
    )


def compare_models(
    workspace: Workspace | None, names: Sequence[str], tasks: Sequence[str] = (), **exam: Any
) -> Comparison:
    """Folders and models of a workspace side by side; of one whose bytes were removed, what was recorded.

    `exam` is as `look_at` takes it.
    Raises: MissingFile, UnknownName, FormatRefused, DamagedArtifact.
    """
    measured: dict[str, dict[str, float]] = {}
    known: dict[str, dict[str, Any]] = {}
    for name in names:
        if _is_there(workspace, name):
            _add(measured, name, look_at(model_folder(workspace, name), tasks, **exam).rows())
        if workspace is not None and not Path(name).expanduser().is_dir():
            _add(known, name, recorded(workspace, name))
    return Comparison(measured=measured, recorded=known)


def _is_there(workspace: Workspace | None, name: str) -> bool:
    """Whether the model's bytes are; what nobody knows is there, for `model_folder` to refuse."""
    if workspace is None or Path(name).expanduser().is_dir():
        return True
    try:
        return workspace.store.has(find_model(workspace, name).cid)
    except UnknownName:
        return True


def _add(rows: dict[str, dict[str, Any]], name: str, values: Mapping[str, Any]) -> None:
    for row, value in values.items():
        rows.setdefault(row, {})[name] = value
