"""A model's folder exported: written, loaded again in a second runtime, and kept only if that agrees."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.disk import new_folder
from bloomery.core.errors import DamagedArtifact, FormatRefused, UnknownName, UserError
from bloomery.forge.editing import ternary_of
from bloomery.forge.exporting.agreement import Agreement, agreement, check_agreement
from bloomery.forge.exporting.gguf_elsewhere import read_elsewhere
from bloomery.forge.exporting.gguf_file import write_gguf
from bloomery.forge.exporting.gguf_tokenizer import PROBES
from bloomery.forge.exporting.onnx_file import direct_options, run_onnx, write_onnx
from bloomery.forge.exporting.plain import load_plain, logits_of, rows_of
from bloomery.forge.exporting.ternary_blocks import Floats, Ternary
from bloomery.forge.folders import check_free, drop_machine_dependent, load_model
from bloomery.forge.quietstar.thinking_folder import MIXING
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import read

Format = Literal["gguf", "onnx"]
LENGTHS = (2, 7, 48)  # tokens of the rows that are compared, where the model takes so many
REPORT = "export.json"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how it computes elsewhere.

    `runtime`: the file in the second runtime against the model with the file's values; `folder`: the same
    against the folder as it computes, with rounding of weights and, where they are trits, of activations.
    `tensors`: how many of each type; `length`: the only length of a row that the graph takes, in tokens.
    """

    file: str
    format: Format
    size_bytes: int
    second_runtime: str
    runtime: Agreement
    folder: Agreement
    tensors: dict[str, int] = field(default_factory=dict)
    length: int | None = None


def export_folder(
    folder: Path,
    output: Path,
    format: Format,
    *,
    ternary: Ternary = "tq2_0",
    floats: Floats = "f16",
    length: int | None = None,
    mixture: bool = False,
) -> Exported:
    """A new folder `output` with the model in that format; whole, or not there at all.

    Of experts among whom prompts are sent, `mixture` exports the one mixture that answers where nobody sends
    them, which is what the loaded folder computes by itself.
    Raises: FormatRefused where the format has no place for the model or its tokenizer; UserError;
    CapabilityMissing; Failure where the second runtime computes something else.
    """
    if format not in get_args(Format):
        raise UnknownName("format", format, get_args(Format))
    check_free(output)
    _check_whole(folder, format, mixture)
    model, tokenizer = load_plain(folder)
    with new_folder(output) as made:
        if format == "gguf":
            exported = _gguf(folder, model, tokenizer, made, ternary, floats)
        else:
            exported = _onnx(folder, model, tokenizer, made, length)
        (made / REPORT).write_text(json.dumps(asdict(exported), indent=2, sort_keys=True) + "\n")
    return exported


def _check_whole(folder: Path, format: Format, mixture: bool) -> None:
    _check_fixed(folder, format, mixture)
    if (folder / MIXING).exists():
        raise FormatRefused(
            f"{folder} has a mixing head, which {format} has no place for; of a copy without {MIXING} the "
            "model alone is exported"
        )
    if ternary_of(folder) is not None:
        raise UserError(f"{folder} holds latent weights of trits; name the packed folder that ships")


def _check_fixed(folder: Path, format: Format, mixture: bool) -> None:
    """One mixture for every prompt goes into the weights; weights that depend on the prompt are refused."""
    if not (folder / EXPERTS).is_file():
        return
    try:
        held = read(folder / EXPERTS)
    except ValueError as error:
        raise DamagedArtifact(f"{folder}: {error}") from error
    if not mixture and (held.dispatcher is not None or len(held.names) > 1):
        raise FormatRefused(
            f"{folder} sends each prompt to one of {len(held.names)} experts ({', '.join(held.names)}), and "
            f"{format} has one set of weights; export the model they were made from, or with --mixture what "
            "answers where no prompt is sent"
        )


def _gguf(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    made: Path,
    ternary: Ternary,
    floats: Floats,
) -> Exported:
    path = made / "model.gguf"
    counts = write_gguf(model, tokenizer, path, ternary=ternary, floats=floats)
    rows = rows_of(model, _lengths(model.config.max_position_embeddings))
    logits, encoded = read_elsewhere(path, rows)
    _check_encoded(tokenizer, encoded)
    found = agreement(logits_of(model, rows), logits)
    check_agreement(found, "transformers' GGUF reader")
    return Exported(
        file=path.name,
        format="gguf",
        size_bytes=path.stat().st_size,
        second_runtime="transformers, gguf_file",
        runtime=found,
        folder=agreement(logits_of(load_model(folder)[0].eval(), rows), logits),
        tensors=counts,
    )


def _onnx(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, made: Path, length: int | None
) -> Exported:
    path = made / "model.onnx"
    fixed = write_onnx(model, path, length=length)
    tokenizer.save_pretrained(made)
    model.config.save_pretrained(made)
    drop_machine_dependent(made)
    rows = rows_of(model, _lengths(fixed or model.config.max_position_embeddings))
    logits = run_onnx(path, rows, fixed)
    found = agreement(logits_of(model, rows, **direct_options(model)), logits)
    check_agreement(found, "onnxruntime")
    return Exported(
        file=path.name,
        format="onnx",
        size_bytes=sum(each.stat().st_size for each in made.glob("model.onnx*")),
        second_runtime="onnxruntime",
        runtime=found,
        folder=agreement(logits_of(load_model(folder)[0].eval(), rows), logits),
        length=fixed,
    )


def _lengths(most: int) -> list[int]:
    return sorted({min(length, most) for length in LENGTHS})


def _check_encoded(tokenizer: PreTrainedTokenizerBase, encoded: list[list[int]]) -> None:
    for text, ids in zip(PROBES, encoded, strict=True):
        if tokenizer.encode(text) != ids:
            raise FormatRefused(
                f"a GGUF runtime would encode {text!r} otherwise than the folder's tokenizer; "
                "GGUF is written for tokenizers like the ones that this package trains"
            )
