"""A tokenizer of bytes and merges as GGUF's metadata holds it."""

import json
from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from bloomery.core.errors import FormatRefused

PROBES = (
    "1+2+3=",
    "a3b7c1?b",
    "The 1999 results: 12,345!  Two  spaces\nand a line.",
    "naïve café 北京 \U0001f331",
)
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITTINGS: Mapping[str, list[tuple[str, Any]]] = {
    "smollm": [("Digits", True), ("ByteLevel", True)],  # as this package trains them
    "gpt-2": [("ByteLevel", True)],
    "llama-bpe": [("Split", LLAMA3), ("ByteLevel", False)],
    "qwen2": [("Split", PRETOKENIZE_REGEX), ("ByteLevel", False)],
}
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
IDS = {"bos": "bos_token_id", "eos": "eos_token_id", "pad": "pad_token_id", "unk": "unk_token_id"}


def describe(writer: Any, tokenizer: PreTrainedTokenizerBase, vocab_size: int) -> None:
    """Put the vocabulary, the merges and the special tokens into a GGUF writer.

    Raises: FormatRefused for a tokenizer that is no byte-level BPE.
    """
    core = _core(tokenizer)
    tokens, kinds = _vocabulary(core, tokenizer, vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_splitting(core))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    merges = core["model"]["merges"]
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    for name, attribute in IDS.items():
        if (place := getattr(tokenizer, attribute)) is not None:
            getattr(writer, f"add_{name}_token_id")(place)
    begun = tokenizer.encode("")[:1] == [tokenizer.bos_token_id]
    writer.add_add_bos_token(begun)


def _core(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    core: dict[str, Any] = {} if backend is None else json.loads(backend.to_str())
    parts = _parts(core)
    if core.get("model", {}).get("type") != "BPE" or not parts or parts[-1]["type"] != "ByteLevel":
        kind = core.get("model", {}).get("type", type(tokenizer).__name__)
        raise FormatRefused(f"the tokenizer is {kind}; GGUF is written for byte-level BPE alone")
    return core


def _parts(core: dict[str, Any]) -> list[dict[str, Any]]:
    """What splits a text before the merges, in order."""
    first = core.get("pre_tokenizer") or {}
    return first.get("pretokenizers", [first] if first else [])


def _splitting(core: dict[str, Any]) -> str:
    """llama.cpp's name of how a text is split. Raises: FormatRefused for a way that has none here."""
    ways = [_way(part) for part in _parts(core)]
    for name, known in SPLITTINGS.items():
        if ways == known:
            return name
    raise FormatRefused(
        f"the tokenizer splits text by {', '.join(way for way, _ in ways)} in a way that GGUF is not written "
        f"for; it is for those of {', '.join(SPLITTINGS)}"
    )


def _way(part: dict[str, Any]) -> tuple[str, Any]:
    """A part of the splitting, and what it depends on."""
    if part["type"] == "Split":
        return "Split", part["pattern"].get("Regex") if part["behavior"] == "Isolated" else None
    return part["type"], part.get("individual_digits", part.get("use_regex"))


def _vocabulary(
    core: dict[str, Any], tokenizer: PreTrainedTokenizerBase, vocab_size: int
) -> tuple[list[str], list[int]]:
    """Tokens by id and their kinds; ids that the model has and the tokenizer lacks are unused."""
    by_id = {place: (token, NORMAL) for token, place in core["model"]["vocab"].items()}
    for added in core["added_tokens"]:
        by_id[added["id"]] = (added["content"], CONTROL if added["special"] else USER_DEFINED)
    known = [by_id.get(place, (f"[unused{place}]", UNUSED)) for place in range(vocab_size)]
    return [token for token, _ in known], [kind for _, kind in known]
