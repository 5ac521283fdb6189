"""How a model writes by its own probabilities alone, whatever its folder's generation config asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import GenerationConfig, PreTrainedModel

GREEDY: dict[str, Any] = {"do_sample": False}
SAMPLED: dict[str, Any] = {"do_sample": True, "top_k": 0, "top_p": 1.0}  # no top-k, no nucleus


@contextmanager
def plainly(model: PreTrainedModel) -> Iterator[None]:
    """Inside the block `generate` knows no penalties, beams, barred words or lengths but those it is told."""
    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own
