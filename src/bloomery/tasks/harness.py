"""Local tasks of `lm-eval` over a model in memory, without a network."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import CapabilityMissing, MissingFile, UnknownName
from bloomery.tasks.choice import loglikelihoods
from bloomery.tasks.generation import write

OFFLINE = ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "HF_EVALUATE_OFFLINE", "TRANSFORMERS_OFFLINE")
MAX_NEW_TOKENS = 256


def run_local_tasks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tasks: Sequence[str],
    folder: Path,
    *,
    batch_size: int = 16,
    limit: int | None = None,
    **forward_options: Any,
) -> dict[str, dict[str, Any]]:
    """Metrics of the tasks whose YAML files lie in `folder`, by task, each with the task's version.

    A task reads local data with `dataset_path: json` and `dataset_kwargs.data_files`.

    Raises: CapabilityMissing where lm-eval is not installed; MissingFile; UnknownName.
    """
    with _offline():
        evaluator, manager = _lm_eval(folder)
        for task in tasks:
            if task not in manager.all_tasks:
                raise UnknownName("lm-eval task", task, manager.all_tasks)
        results = evaluator.simple_evaluate(
            model=adapter(model, tokenizer, batch_size=batch_size, **forward_options),
            tasks=list(tasks),
            task_manager=manager,
            limit=limit,
            bootstrap_iters=100,
            log_samples=False,
        )
    return {task: _plain(results["results"][task], results["versions"].get(task)) for task in tasks}


def adapter(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    batch_size: int = 16,
    **forward_options: Any,
) -> Any:
    """An `lm_eval.api.model.LM` around a model and its tokenizer.

    Raises: CapabilityMissing where lm-eval is not installed.
    """
    try:
        from lm_eval.api.model import LM
    except ImportError as error:
        raise _missing() from error

    class Local(LM):
        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            pairs = [request.args for request in requests]
            return loglikelihoods(model, tokenizer, pairs, batch_size=batch_size, **forward_options)

        def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
            """Of whole texts, each after bos alone."""
            pairs = [("", request.args[0]) for request in requests]
            scored = loglikelihoods(model, tokenizer, pairs, batch_size=batch_size, **forward_options)
            return [total for total, _ in scored]

        def generate_until(self, requests: list[Any]) -> list[str]:
            return [self._until(*request.args) for request in requests]

        def _until(self, prompt: str, options: Mapping[str, Any]) -> str:
            length = options.get("max_gen_toks", MAX_NEW_TOKENS)
            (text,) = write(model, tokenizer, [prompt], max_new_tokens=length, **forward_options)
            return before_any(text, options.get("until", ()))

    return Local()


def before_any(text: str, stops: str | Sequence[str]) -> str:
    """The text up to the first of the stops."""
    for stop in [stops] if isinstance(stops, str) else stops:
        if stop:
            text = text.split(stop, 1)[0]
    return text


def _lm_eval(folder: Path) -> tuple[Any, Any]:
    if not folder.is_dir():
        raise MissingFile(f"there is no folder {folder}; it should hold lm-eval task files (.yaml)")
    try:
        from lm_eval import evaluator
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise _missing() from error
    return evaluator, TaskManager(include_path=str(folder), include_defaults=False)


def _missing() -> CapabilityMissing:
    return CapabilityMissing("lm-eval is not installed; install bloomery[eval]")


def _plain(metrics: Mapping[str, Any], version: Any) -> dict[str, Any]:
    """Metrics as Python numbers under the names that lm-eval gives them, as `acc,none`."""
    numbers = {
        name: float(value)
        for name, value in metrics.items()
        if name not in ("alias", "name") and not isinstance(value, str)
    }
    return {"version": version, **numbers}


@contextmanager
def _offline() -> Iterator[None]:
    """Keeps the libraries that lm-eval uses from the network; environment and settings are put back.

    The hub's library reads the environment once, when it is imported, so its setting is changed too.
    """
    before = {name: os.environ.get(name) for name in OFFLINE}
    hub = constants.HF_HUB_OFFLINE
    os.environ.update(dict.fromkeys(OFFLINE, "1"))
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = hub
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
