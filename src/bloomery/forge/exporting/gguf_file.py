"""GGUF files: a decoder's weights under llama.cpp's names, its sizes, its tokenizer.

Source: the GGUF specification of ggml, and the names and types of its package `gguf`
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import FormatRefused
from bloomery.forge.exporting.gguf_tokenizer import describe
from bloomery.forge.exporting.ternary_blocks import Floats, Ternary, Written, gguf, write_tensor

ARCHITECTURES = ("llama", "qwen2")  # by transformers' model_type and GGUF's name, which are the same
PAIRED = ("llama",)  # runtimes turn neighbouring pairs of a head's rows, transformers its two halves
FILE_TYPES = {"tq1_0": "MOSTLY_TQ1_0", "tq2_0": "MOSTLY_TQ2_0", "f16": "MOSTLY_F16", "f32": "ALL_F32"}


def write_gguf(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    path: Path,
    *,
    ternary: Ternary = "tq2_0",
    floats: Floats = "f16",
) -> dict[str, int]:
    """Writes the file, gives the model the values that are read from it, and counts tensors by type.

    Raises: FormatRefused for an architecture, a variant of it or a tokenizer that has no place in the format;
    CapabilityMissing.
    """
    check_architecture(model)
    writer = _writer(path, model.config.model_type)
    counts: dict[str, int] = {}
    for name, place, written in _tensors(model, ternary, floats):
        data = _paired(written.data, _heads(model.config, place))
        writer.add_tensor(place, data, raw_dtype=gguf().GGMLQuantizationType[written.kind])
        with torch.no_grad():
            model.get_parameter(name).copy_(torch.from_numpy(written.values))
        counts[written.kind] = counts.get(written.kind, 0) + 1
    _describe(writer, model.config, FILE_TYPES[ternary if ternary.upper() in counts else floats])
    describe(writer, tokenizer, model.config.vocab_size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return counts


def check_architecture(model: PreTrainedModel) -> None:
    """Raises: FormatRefused, naming what the format has no place for."""
    config = model.config
    if config.model_type not in ARCHITECTURES:
        raise FormatRefused(
            f"GGUF is written for {', '.join(ARCHITECTURES)}, not for '{config.model_type}'; "
            "--format onnx takes any model that can be traced"
        )
    variants = {
        "rope_parameters.rope_type": (config.rope_parameters.get("rope_type", "default"), "default"),
        "hidden_act": (config.hidden_act, "silu"),
        "attention_bias": (getattr(config, "attention_bias", False), False),
        "mlp_bias": (getattr(config, "mlp_bias", False), False),
        "use_sliding_window": (getattr(config, "use_sliding_window", False), False),
    }
    for name, (came, expected) in variants.items():
        if came != expected:
            raise FormatRefused(f"the model's {name} is {came!r}; GGUF is written for {expected!r} alone")


def _writer(path: Path, architecture: str) -> Any:
    """The package's writer, which also writes an empty list of texts: a vocabulary of bytes has no merges."""
    types = gguf().GGUFValueType

    class Writer(gguf().GGUFWriter):  # type: ignore[misc]
        def add_array(self, key: str, val: Any) -> None:
            self.add_key_value(key, val, types.ARRAY)

        def _pack_val(self, val: Any, vtype: Any, add_vtype: bool, sub_type: Any = None) -> bytes:
            if vtype != types.ARRAY or len(val):
                packed: bytes = super()._pack_val(val, vtype, add_vtype, sub_type)
                return packed
            return struct.pack("<IIQ" if add_vtype else "<IQ", *[types.ARRAY] * add_vtype, types.STRING, 0)

    return Writer(path, architecture)


def _tensors(model: PreTrainedModel, ternary: Ternary, floats: Floats) -> Iterator[tuple[str, str, Written]]:
    """Each parameter's name, its name in the file, and what is written; trits only inside the layers."""
    names = gguf().get_tensor_name_map(
        gguf().MODEL_ARCH[model.config.model_type.upper()], model.config.num_hidden_layers
    )
    for name, parameter in model.named_parameters():
        place = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if place is None:
            raise FormatRefused(f"GGUF has no place for {name} in a {model.config.model_type} model")
        inside = place.startswith("blk.")
        weight = parameter.detach().cpu().numpy()
        yield name, place, write_tensor(weight, ternary=ternary if inside else None, floats=floats)


def _heads(config: Any, place: str) -> int | None:
    """How many heads' rows of this tensor are reordered, if any."""
    if config.model_type not in PAIRED:
        return None
    kind = place.split(".")[2:3]
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    return heads.get(kind[0]) if kind else None


def _paired(data: np.ndarray, heads: int | None) -> np.ndarray:
    """Row i and row i + d / 2 of each head, side by side. Shapes: (heads d, ...)"""
    if heads is None:
        return data
    halves = data.reshape(heads, 2, -1, *data.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(data.shape)


def _describe(writer: Any, config: Any, file_type: str) -> None:
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_name("model")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf().LlamaFileType[file_type])
