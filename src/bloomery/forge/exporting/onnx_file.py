"""ONNX files: a model's forward pass as a graph from token ids to logits, and its logits by onnxruntime.

Cognate's graph is its direct mode: every recursion step for every token, no halting, no cache. Its memory
learns while it reads, chunk after chunk, so the graph takes rows of one length; as nothing depends on later
tokens, a shorter row is filled up at its end with any token.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bloomery.core.errors import CapabilityMissing, FormatRefused, UserError
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.models.neural_memory import NeuralMemory

USUAL_LENGTH = 64
INPUT, OUTPUT = "input_ids", "logits"


def write_onnx(model: PreTrainedModel, path: Path, *, length: int | None = None) -> int | None:
    """Writes the graph; its fixed length in tokens, or nothing where it takes any.

    Raises: FormatRefused for a model that cannot be traced; UserError; CapabilityMissing.
    """
    onnx_packages()
    fixed = _fixed_length(model, length)
    longest = model.config.max_position_embeddings
    row = torch.zeros(1, fixed or min(USUAL_LENGTH, longest), dtype=torch.long)
    dynamic = None if fixed else {INPUT: {1: torch.export.Dim("tokens", min=2, max=longest)}}
    try:
        with quietly(), torch.no_grad():
            program = torch.onnx.export(
                _Direct(model).eval(), (row,), dynamo=True, dynamic_shapes=dynamic, verbose=False,
                input_names=[INPUT], output_names=[OUTPUT],
            )  # fmt: skip
            assert program is not None  # with dynamo=True
            program.save(str(path))
    except torch.onnx.errors.OnnxExporterError as error:
        raise FormatRefused(
            f"{type(model).__name__} cannot be traced: {str(error).splitlines()[0]}"
        ) from error
    return fixed


def run_onnx(path: Path, rows: Sequence[Tensor], length: int | None = None) -> list[Tensor]:
    """Logits of rows by onnxruntime; where the graph has a fixed length, rows are filled up and cut again.

    Shapes: (1, T) each -> (1, T, V) each
    """
    _, runtime = onnx_packages()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = []
    for row in rows:
        filled = row if length is None else nn.functional.pad(row, (0, length - row.shape[1]))
        (logits,) = session.run([OUTPUT], {INPUT: filled.numpy()})
        found.append(torch.from_numpy(logits)[:, : row.shape[1]])
    return found


def onnx_packages() -> tuple[Any, Any]:
    """onnx and onnxruntime. Raises: CapabilityMissing."""
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 (torch's exporter imports it)
    except ImportError as error:
        raise CapabilityMissing(f"{error.name} is not installed; install bloomery[export]") from error
    return onnx, onnxruntime


def direct_options(model: PreTrainedModel) -> dict[str, bool]:
    """What the forward pass is called with so that it does the same for every token."""
    return {"halting": False} if isinstance(model.config, CognateConfig) else {}


class _Direct(nn.Module):
    """From token ids to logits. Shapes: (1, T) -> (1, T, V)"""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model, self.options = model, direct_options(model)

    def forward(self, input_ids: Tensor) -> Tensor:
        with plain_memories(self.model):
            logits: Tensor = self.model(input_ids=input_ids, use_cache=False, **self.options).logits
        return logits


@contextmanager
def plain_memories(model: nn.Module) -> Iterator[None]:
    """Memories by plain operations: the fused chunk is one operation of our own, which no graph has."""
    memories = [module for module in model.modules() if isinstance(module, NeuralMemory)]
    before = [memory.fused for memory in memories]
    for memory in memories:
        memory.fused = False
    try:
        yield
    finally:
        for memory, fused in zip(memories, before, strict=True):
            memory.fused = fused


@contextmanager
def quietly() -> Iterator[None]:
    """Without what the exporter says of packages that it could also use, and of its own deprecations."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _fixed_length(model: PreTrainedModel, length: int | None) -> int | None:
    longest = model.config.max_position_embeddings
    if length is not None and not 2 <= length <= longest:
        raise UserError(f"--length is {length}, expected 2 to {longest}, the model's longest row")
    if length is None and isinstance(model.config, CognateConfig):
        return min(USUAL_LENGTH, longest)
    return length
